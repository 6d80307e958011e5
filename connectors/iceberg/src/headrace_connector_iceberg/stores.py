"""Where the files of tables lie: below a folder of the worker, or below a prefix of a bucket."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from threading import Lock, local
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from headrace.kits.files import paths
from headrace.kits.files.s3_fs import S3FileSystem
from headrace.sdk import ConfigError
from pyiceberg.io import FileIO, InputFile, OutputFile
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.typedef import EMPTY_DICT, Properties

if TYPE_CHECKING:
    from headrace_connector_iceberg import IcebergConfig

_SCHEMES = ("s3://", "s3a://", "s3n://")


class FolderStore:
    """Files below a folder.

    Attributes:
        distant: They are on another machine.
        warehouse: Where new tables lie.
        io: Opens them, whatever the properties of a table name for that.
    """

    distant = False

    def __init__(self, config: IcebergConfig) -> None:
        self.root, self.writable = paths.resolve_root(config.root)
        self.warehouse = self.root.as_uri()
        self.io: FileIO = PyArrowFileIO({})

    def inside(self, place: str) -> bool:
        """Whether a file belongs to it."""
        parts = urlsplit(place)
        return parts.scheme in {"", "file"} and Path(unquote(parts.path)).resolve().is_relative_to(self.root)

    def check(self) -> None:
        """The folder can be listed."""
        if not os.access(self.root, os.R_OK | os.X_OK):
            raise ConfigError("the worker may not list the folder of the tables; grant it", field="root")

    def close(self) -> None:
        """Nothing is open."""


class BucketStore:
    """Files below a prefix of a bucket; attributes as of a folder."""

    distant = writable = True

    def __init__(self, config: IcebergConfig) -> None:
        self._config = config
        self._base = f"{config.bucket}/{config.root.strip('./')}".rstrip("/")
        self.warehouse = f"s3://{self._base}"
        self._own, self._opened, self._lock = local(), list[S3FileSystem](), Lock()
        self.io: FileIO = BucketIO({STORE: self})

    def inside(self, place: str) -> bool:
        """Whether an object belongs to it."""
        path = next((place.removeprefix(scheme) for scheme in _SCHEMES if place.startswith(scheme)), "")
        return f"{path}/".startswith(f"{self._base}/") and ".." not in path.split("/")

    def path(self, place: str) -> str:
        """Bucket and key of an object.

        Raises:
            ConfigError: it does not belong to it.
        """
        if not self.inside(place):
            raise ConfigError(
                f"a table has files outside of '{self._base}', which are not touched; correct bucket and folder",
                field="bucket", detail=place,
            )  # fmt: skip
        return place.partition("://")[2]

    def filesystem(self) -> S3FileSystem:
        """A client for this thread: PyIceberg reads by several."""
        if not hasattr(self._own, "fs"):
            self._own.fs = S3FileSystem.of(self._config)
            with self._lock:
                self._opened.append(self._own.fs)
        fs: S3FileSystem = self._own.fs
        return fs

    def check(self) -> None:
        """The bucket can be listed."""
        try:
            self.filesystem().probe(self._base)
        except FileNotFoundError:
            raise ConfigError(f"there is no bucket '{self._config.bucket}'; correct its name", field="bucket") from None

    def close(self) -> None:
        """Hang up."""
        with self._lock:
            for fs in self._opened:
                fs.close()


STORE = "headrace.store"
"""Property of a catalogue under which a `BucketIO` finds its store."""


class BucketIO(FileIO):
    """Opens objects through the egress door."""

    def __init__(self, properties: Properties = EMPTY_DICT) -> None:
        super().__init__(properties)
        self._store: BucketStore = properties[STORE]

    def new_input(self, location: str) -> InputFile:
        """An object to read."""
        return _Object(location, self._store)

    def new_output(self, location: str) -> OutputFile:
        """An object to write."""
        return _NewObject(location, self._store)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Take an object away."""
        place = location if isinstance(location, str) else location.location
        self._store.filesystem().rm_file(self._store.path(place))


class _Object(InputFile):
    def __init__(self, location: str, store: BucketStore) -> None:
        super().__init__(location)
        self._store, self._path = store, store.path(location)

    def __len__(self) -> int:
        return int(self._store.filesystem().info(self._path)["size"])

    def exists(self) -> bool:
        return self._store.filesystem().exists(self._path)

    def open(self, seekable: bool = True) -> Any:
        return self._store.filesystem().open(self._path, "rb")


class _NewObject(OutputFile):
    def __init__(self, location: str, store: BucketStore) -> None:
        super().__init__(location)
        self._store, self._path = store, store.path(location)

    def __len__(self) -> int:
        return len(self.to_input_file())

    def exists(self) -> bool:
        return self.to_input_file().exists()

    def to_input_file(self) -> InputFile:
        return _Object(self.location, self._store)

    def create(self, overwrite: bool = False) -> Any:
        if not overwrite and self.exists():
            raise FileExistsError(self.location)
        return _Upload(self._store.filesystem(), self._path)


class _Upload:
    """Bytes on this machine's disk, put when they are all there; none if the writing fails."""

    closed = False

    def __init__(self, fs: S3FileSystem, path: str) -> None:
        self._fs, self._path = fs, path
        self._part = tempfile.NamedTemporaryFile(prefix="headrace-iceberg-")  # noqa: SIM115 - closed in `close`

    def write(self, data: Any) -> int:
        return self._part.write(data)

    def tell(self) -> int:
        return self._part.tell()

    def flush(self) -> None:
        self._part.flush()

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        if not self.closed:
            self._part.flush()
            self._fs.put_file(self._part.name, self._path)
            self._drop()

    def _drop(self) -> None:
        self.closed = True
        self._part.close()

    def __enter__(self) -> _Upload:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self._drop()


def store_of(config: IcebergConfig) -> FolderStore | BucketStore:
    """The store that a connection names."""
    return BucketStore(config) if config.bucket else FolderStore(config)
