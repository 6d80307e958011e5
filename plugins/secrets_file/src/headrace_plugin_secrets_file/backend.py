"""Read a file below the folder, wherever links in its path lead."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from uuid import UUID

from headrace.sdk import ORGANIZATION, ConfigError, Secret, SecretBackend

from headrace_plugin_secrets_file import FileConfig

LARGEST = 64 * 1024
_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*", re.ASCII)


class FileBackend(SecretBackend[FileConfig]):
    """Files of the worker's machine."""

    def read(self, name: str, organization_id: UUID) -> Secret:
        """The file's text."""
        folder = Path(self.config.folder.replace(ORGANIZATION, str(organization_id)))
        refused = ConfigError(f"'file:{name}' may not be used here; it is not a name below the operator's folder")
        if not _NAME.fullmatch(name):
            raise refused
        try:
            inside = folder.resolve(strict=True)
            path = (inside / name).resolve(strict=True)
            if not path.is_relative_to(inside):
                raise refused
            text = _text(path)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            raise ConfigError(
                f"'file:{name}' cannot be read where the worker runs; write the file, or correct the reference",
                detail=type(error).__name__,
            ) from None
        if not text:
            raise ConfigError(f"'file:{name}' is empty; write the secret into it")
        return Secret(text)


def _text(path: Path) -> str:
    """Of a regular file of the folder itself: the path has no links any more, and none is followed."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > LARGEST:
            raise ValueError("no secret")
        return file.read(LARGEST).decode().removesuffix("\n").removesuffix("\r")
