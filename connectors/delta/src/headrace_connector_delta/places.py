"""Where tables lie: below a folder of the worker, or below a prefix of a bucket, whose log is copied to work on it.

delta-rs reaches object stores by sockets of its own, past the egress door. So it works on a copy of a table's log; what
it adds is put to the bucket, the new commit last, by a request that the store refuses if that commit is there already.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headrace.kits.files import paths
from headrace.kits.files.s3_fs import S3FileSystem
from headrace.sdk import ConfigError, DataError, HeadraceError, TransientError

from headrace_connector_delta import DeltaConfig
from headrace_connector_delta.files import distant_rows, local_rows, named_files

if TYPE_CHECKING:
    from deltalake import DeltaTable
    from polars import LazyFrame

LOG = "_delta_log"
PLAIN = re.compile(r"[A-Za-z0-9._=+\-]+(?:/[A-Za-z0-9._=+\-]+)*")
"""Names of folders: Polars 2.1 does not find files below those that a URL would encode, and delta-rs 1.6 panics."""
_COMMIT = re.compile(r"\d{20}\.json")
_CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\..*parquet")


class Files:
    """A table whose files are on this machine.

    Attributes:
        folder: Its folder.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def there(self) -> bool:
        """Whether there is such a table."""
        return (self.folder / LOG).is_dir()

    def rows(self, name: str, table: DeltaTable) -> LazyFrame:
        """Lazy rows."""
        return local_rows(self.folder, name, table)

    def fetch(self, table: DeltaTable) -> None:
        """Have the rows on this machine, as a merge needs them."""

    def put(self, name: str) -> None:
        """Show what was written to everybody."""


class Copy(Files):
    """A table of a bucket: its log on this machine, and what a write adds to it."""

    def __init__(self, folder: Path, fs: S3FileSystem, at: str, *, whole: bool) -> None:
        super().__init__(folder)
        self._fs, self._at = fs, at
        found = sorted(Path(path).name for path in fs.find(f"{at}/{LOG}", maxdepth=1))
        points = [match[1] for name in found if (match := _CHECKPOINT.fullmatch(name))]
        since = "" if whole or not points else max(points)
        self._had = [name for name in found if name[:20] >= since and (_COMMIT.fullmatch(name) or name[:20] in points)]
        for name in self._had:
            (folder / LOG).mkdir(parents=True, exist_ok=True)
            fs.get_file(f"{at}/{LOG}/{name}", str(folder / LOG / name))

    def rows(self, name: str, table: DeltaTable) -> LazyFrame:
        """Lazy rows; files are read where they are."""
        return distant_rows(self._fs, self._at, name, table)

    def fetch(self, table: DeltaTable) -> None:
        """Copy the rows."""
        for path, size in named_files(self._at, table):
            target = self.folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._fs.get_file(f"{self._at}/{path}", str(target))
            except FileNotFoundError:
                target.touch()
            if target.stat().st_size != size:
                raise DataError(f"a file of the table '{self._at}' is gone or cut off; restore it", detail=path)
            self._had.append(path)

    def put(self, name: str) -> None:
        """Put the new files, then their commit.

        Raises:
            ConfigError: the store would let two writers overwrite each other's commits.
            TransientError: another writer was faster.
        """
        log = self.folder / LOG
        files = [path for path in self.folder.rglob("*.parquet") if path.is_file() and log not in path.parents]
        for path in files:
            place = path.relative_to(self.folder).as_posix()
            if place not in self._had:
                self._fs.put_file(str(path), f"{self._at}/{place}")
        commits = sorted(path.name for path in log.iterdir() if _COMMIT.fullmatch(path.name))
        olds = [commit for commit in commits if commit in self._had]
        if olds and not self._fs.guards(f"{self._at}/{LOG}/{olds[-1]}", (log / olds[-1]).read_bytes()):
            raise ConfigError(
                "the store does not refuse to put over an object (If-None-Match), so two writers would lose each "
                "other's commits; nothing was written; use a store that does",
                field="endpoint",
            )
        for commit in commits:
            body = (log / commit).read_bytes()
            if commit not in self._had and not self._fs.put_new(f"{self._at}/{LOG}/{commit}", body):
                raise TransientError(
                    f"another writer changed the table '{name}' at the same time; nothing was written; it is tried "
                    "again"
                )
        self._put_checkpoint(log)

    def _put_checkpoint(self, log: Path) -> None:
        """Others read faster by it, and do without if it cannot be put."""
        new = [path for path in log.iterdir() if _CHECKPOINT.fullmatch(path.name) and path.name not in self._had]
        with contextlib.suppress(HeadraceError):
            for path in [*new, *([log / "_last_checkpoint"] if new else [])]:
                self._fs.put_file(str(path), f"{self._at}/{LOG}/{path.name}")


class Place(ABC):
    """All tables of a connection."""

    writable = True

    def __init__(self, config: DeltaConfig) -> None:
        self.config = config

    @abstractmethod
    def check(self) -> None:
        """It is there and can be listed."""

    @abstractmethod
    def names(self) -> Iterator[str]:
        """Folders of tables; those with a name that is no plain one are left out."""

    @abstractmethod
    def opened(self, name: str, *, whole: bool = False) -> contextlib.AbstractContextManager[Files]:
        """A table to work on; with its `whole` log, if earlier versions are asked for."""

    def close(self) -> None:  # noqa: B027 - a folder has nothing open
        """Hang up."""


class Folder(Place):
    """Tables below a folder of the worker."""

    @property
    def writable(self) -> bool:  # type: ignore[override]
        """Not what belongs to a package."""
        return paths.resolve_root(self.config.root)[1]

    def check(self) -> None:
        """The folder can be listed."""
        if not os.access(self._root(), os.R_OK | os.X_OK):
            raise ConfigError(f"the worker may not list the folder '{self.config.root}'; grant it", field="root")

    def _root(self) -> Path:
        root = paths.resolve_root(self.config.root)[0]
        if not PLAIN.fullmatch(root.as_posix().strip("/")):
            raise ConfigError(
                f"the path of the folder '{self.config.root}' has signs that Delta tables cannot lie below; choose one "
                "of plain letters, digits and .-_=+",
                field="root",
            )
        return root

    def names(self) -> Iterator[str]:
        """By a walk that ends at tables."""
        root = self._root()
        for at, folders, _ in os.walk(root):
            if LOG in folders:
                yield Path(at).relative_to(root).as_posix()
                folders.clear()
            folders[:] = sorted(name for name in folders if _listed(name))

    @contextlib.contextmanager
    def opened(self, name: str, *, whole: bool = False) -> Iterator[Files]:
        """The folder itself."""
        root = self._root()
        folder = paths.inside(root, name)
        checked_name(name, folder.relative_to(root).as_posix())
        yield Files(folder)


class Bucket(Place):
    """Tables below a prefix of a bucket."""

    _fs: S3FileSystem | None = None

    @property
    def _store(self) -> S3FileSystem:
        self._fs = self._fs or S3FileSystem.of(self.config)
        return self._fs

    @property
    def _base(self) -> str:
        return f"{self.config.bucket}/{self.config.root.strip('./')}".rstrip("/")

    def check(self) -> None:
        """The prefix can be listed."""
        try:
            self._store.probe(self._base)
        except FileNotFoundError:
            raise ConfigError(f"there is no bucket '{self.config.bucket}'; correct its name", field="bucket") from None

    def names(self) -> Iterator[str]:
        """By a walk that ends at tables."""
        waiting = [self._base]
        while waiting:
            at = waiting.pop(0)
            below = [one["name"] for one in self._store.ls(at) if one["type"] == "directory"]
            if f"{at}/{LOG}" in below:
                yield at.removeprefix(self._base).strip("/") or "."
            else:
                waiting += [path for path in below if _listed(path.rpartition("/")[2])]

    @contextlib.contextmanager
    def opened(self, name: str, *, whole: bool = False) -> Iterator[Files]:
        """A copy of its log."""
        checked_name(name, name)
        with tempfile.TemporaryDirectory(prefix="headrace-delta-") as scratch:
            yield Copy(Path(scratch), self._store, f"{self._base}/{name}", whole=whole)

    def close(self) -> None:
        """Hang up."""
        if self._fs is not None:
            self._fs.close()
            self._fs = None


def place_of(config: DeltaConfig) -> Place:
    """The place that a connection names."""
    return Bucket(config) if config.bucket else Folder(config)


def checked_name(name: str, path: str) -> None:
    """Refuse names that engines trip over, or that lead out.

    Raises:
        ConfigError: naming it.
    """
    parts: Any = path.split("/")
    if not PLAIN.fullmatch(path) or any(part.startswith((".", "_")) for part in parts):
        raise ConfigError(
            f"'{name}' cannot be the name of a Delta table; use plain letters, digits and .-_=+, with no . or _ in "
            "front",
            field="stream",
        )


def _listed(name: str) -> bool:
    return bool(PLAIN.fullmatch(name)) and not name.startswith((".", "_"))
