"""The filesystem of this machine, below one folder: no name and no link leads out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fsspec.implementations.local import LocalFileSystem

from headrace.sdk.errors import ConfigError


class FolderFileSystem(LocalFileSystem):  # type: ignore[misc]  # fsspec has no types
    """A folder. Paths are absolute; what resolves to a place outside is refused, and left out of lists."""

    cachable = False

    def __init__(self, folder: Path) -> None:
        super().__init__(skip_instance_cache=True)
        self._folder = folder

    def info(self, path: Any, **kwargs: Any) -> dict[str, Any]:
        """Facts of a file or folder.

        Raises:
            ConfigError: it is outside; in a list it is left out.
        """
        listed = hasattr(path, "is_symlink")
        name = Path(path.path if listed else path)
        if not (listed and not path.is_symlink()) and not name.resolve().is_relative_to(self._folder):
            if listed:
                raise FileNotFoundError(name)
            raise ConfigError(
                f"'{name.name}' leads out of the connection's folder; write a path below it", field="stream"
            )
        found: dict[str, Any] = super().info(path, **kwargs)
        return found
