"""Files out of their compression, within limits: what really comes out is counted, not what a header says."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, Any

from headrace.kits.files.paths import ARCHIVES, packing
from headrace.sdk.errors import ConfigError, DataError

UNPACKED_MAX = 64 * 2**30
FREE_BYTES = 10 * 2**20
RATIO_MAX = 100
"""What unpacks to more than `FREE_BYTES` and so many times its size is a bomb. Logs reach 20 to 50."""
MEMBERS_MAX = 1_000
DAMAGED = (zipfile.BadZipFile, gzip.BadGzipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError,
           RuntimeError, NotImplementedError, ValueError)  # fmt: skip


def unpacked(path: Path, scratch: Path, member: str = "") -> list[Path]:
    """A file as it is, or what is in it, in a folder of scratch; the members of an archive by name.

    Args:
        path: On this machine.
        scratch: Where to unpack to.
        member: Pattern of the members that are wanted; empty is all.

    Raises:
        DataError: it is damaged, a bomb, or holds links, paths that lead out, archives, or too many members.
        ConfigError: no member is of that name.
    """
    layers = packing(path.name)
    if not layers:
        return [path]
    state = path.stat()
    name = f"{path}\0{state.st_mtime_ns}\0{state.st_size}\0{member}"
    done = scratch / hashlib.sha256(name.encode()).hexdigest()[:24]
    if not done.exists():
        part = done.with_suffix(".part")  # a half one is never taken for the whole
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            _unpack(path, layers, part, member)
        except DAMAGED as error:
            raise DataError(
                f"'{path.name}' is damaged and cannot be unpacked; fetch or pack it again", detail=str(error),
                field="stream",
            ) from None  # fmt: skip
        part.rename(done)
    return sorted(item for item in done.rglob("*") if item.is_file())


def _unpack(path: Path, layers: tuple[str, ...], folder: Path, member: str) -> None:
    limit = _Limit(path)
    kinds = [layer for layer in layers if layer in ARCHIVES]
    if len(kinds) > 1 or (kinds and layers[-1] not in ARCHIVES):
        raise DataError(f"'{path.name}' is an archive inside an archive, which is not read; unpack the outer one")
    if not kinds:
        inner = path.name
        for layer in layers:
            inner = inner[: -len(layer)]
        with path.open("rb") as file:
            limit.copy(_opened(file, layers), folder / (inner or "data"))
        return
    members = _zip(path) if layers == (".zip",) else _tar(path, layers[:-1])
    count = 0
    for name, stream in members:
        if member and not fnmatchcase(name, member):
            continue
        count += 1
        if count > MEMBERS_MAX:
            raise DataError(f"'{path.name}' holds more than {MEMBERS_MAX} files; name those you want as the member")
        if packing(name):
            raise DataError(f"'{path.name}' holds the archive '{name}', which is not read; unpack it first")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        limit.copy(stream, target)
    if not count:
        wanted = f"no file '{member}'" if member else "no file"
        raise ConfigError(f"'{path.name}' holds {wanted}; choose another", field="options.member")


def _zip(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        for item in archive.infolist():
            if item.is_dir():
                continue
            if (item.external_attr >> 16) & 0o170000 not in {0, 0o100000}:
                raise DataError(f"'{path.name}' holds a link or device, '{item.filename}'; it is refused")
            with archive.open(item) as stream:
                yield _below(path, item.filename), stream


def _tar(path: Path, layers: tuple[str, ...]) -> Iterator[tuple[str, IO[bytes]]]:
    with path.open("rb") as file, tarfile.open(fileobj=_opened(file, layers), mode="r|") as archive:
        for item in archive:
            if item.isdir():
                continue
            if not item.isreg() or item.issparse():
                raise DataError(f"'{path.name}' holds a link, device or sparse file, '{item.name}'; it is refused")
            stream = archive.extractfile(item)
            if stream is not None:
                yield _below(path, item.name), stream


def _below(path: Path, name: str) -> str:
    """A member's name, if it stays in the folder."""
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\\" in name or ":" in name or any(ord(sign) < 32 for sign in name):
        raise DataError(f"'{path.name}' holds a path that leads out of it, '{name[:100]}'; it is refused")
    return str(pure)


def _opened(file: IO[bytes], layers: tuple[str, ...]) -> Any:
    """A stream of what is inside the compressions."""
    stream: Any = file
    for layer in layers:
        if layer == ".gz":
            stream = gzip.GzipFile(fileobj=stream)
        elif layer == ".bz2":
            stream = bz2.BZ2File(stream)
        elif layer == ".xz":
            stream = lzma.LZMAFile(stream, format=lzma.FORMAT_XZ)  # noqa: SIM115 - the caller reads it
        else:
            import pyarrow as pa

            stream = pa.CompressedInputStream(stream, "zstd")
    return stream


def compressing(path: Path, layer: str) -> Any:
    """A file to write into, compressed by a suffix; empty is as it is."""
    if layer == ".gz":
        return gzip.GzipFile(path, "wb", mtime=0)
    if layer == ".bz2":
        return bz2.BZ2File(path, "wb")
    if layer == ".xz":
        return lzma.LZMAFile(path, "wb")
    if layer == ".zst":
        import pyarrow as pa

        return pa.CompressedOutputStream(str(path), "zstd")
    return path.open("wb")


class _Limit:
    """Counts what comes out of one file."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._most = min(UNPACKED_MAX, max(FREE_BYTES, path.stat().st_size * RATIO_MAX))
        self._done = 0

    def copy(self, source: Any, target: Path) -> None:
        """Copy one member.

        Raises:
            DataError: too much has come out.
        """
        with target.open("wb") as out:
            while chunk := source.read(2**18):
                self._done += len(chunk)
                if self._done > self._most:
                    raise DataError(f"'{self._name}' unpacks to more than {self._most // 2**20} MiB; it is refused")
                out.write(chunk)
