"""SMB through the door: a judged address is dialled, each connection has links of its own, and no referral is followed.

fsspec's own SMB filesystem takes whichever session to a server is open in the process, also another user's.
"""

from __future__ import annotations

import errno
import shutil
import stat as modes
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import smbclient
from fsspec import AbstractFileSystem
from headrace.sdk import AuthError, ConfigError, TransientError
from headrace.sdk.egress import check_host
from smbprotocol.exceptions import AccessDenied, LogonFailure, SMBException, SMBOSError

if TYPE_CHECKING:
    from headrace_connector_smb import SmbConfig

CONNECT_S = 20
_EPOCH = datetime.fromtimestamp(0, UTC)
smbclient.ClientConfig(skip_dfs=True)


class SmbFileSystem(AbstractFileSystem):  # type: ignore[misc]  # fsspec has no types
    """One share; paths are below it, with `/`."""

    cachable = False
    ranged = True

    def __init__(self, config: SmbConfig) -> None:
        super().__init__(skip_instance_cache=True)
        self._config = config
        self._address = check_host(config.host, config.port)[0]
        self._links: dict[str, Any] = {}
        self._more = {
            "username": config.user, "password": config.password.reveal(), "port": config.port,
            "encrypt": config.encrypt, "connection_timeout": CONNECT_S, "connection_cache": self._links,
        }  # fmt: skip
        self._do(smbclient.register_session, self._address)

    def _do(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Call the client.

        Raises:
            AuthError, ConfigError, TransientError, OSError: as it says.
        """
        host = self._config.host
        try:
            return call(*args, **kwargs, **self._more)
        except LogonFailure as error:
            raise AuthError(
                f"'{host}' refuses the user '{self._config.user}'; check user and password", detail=repr(error)
            ) from None
        except AccessDenied as error:
            raise AuthError(f"'{host}' does not allow it; check the user's rights", detail=repr(error)) from None
        except SMBOSError as error:
            if error.errno in {errno.ENOENT, errno.ENOTDIR}:
                raise FileNotFoundError(str(error)) from None
            raise
        except SMBException as error:
            if "BAD_NETWORK_NAME" in str(error):
                share = self._config.share
                raise ConfigError(f"'{host}' has no share '{share}'; correct it", field="share") from None
            raise TransientError(f"'{host}' broke off; it is tried again", detail=repr(error)) from None
        except ValueError as error:  # what the client makes of a refused link
            raise TransientError(f"'{host}' does not answer; it is tried again", detail=repr(error)) from None

    def _unc(self, path: str) -> str:
        inside = path.strip("/").replace("/", "\\")
        return rf"\\{self._address}\{self._config.share}" + (f"\\{inside}" if inside else "")

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        """Files and folders right below."""
        start = f"{path.strip('/')}/".lstrip("/")
        listed = self._do(lambda *a, **k: list(smbclient.scandir(*a, **k)), self._unc(path))
        found = [_facts(start + item.name, item.smb_info) for item in listed if not item.is_symlink()]
        return found if detail else [facts["name"] for facts in found]

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """Facts of a file or folder."""
        found = self._do(smbclient.stat, self._unc(path), follow_symlinks=False)
        return {
            "name": path.strip("/"), "type": "directory" if modes.S_ISDIR(found.st_mode) else "file",
            "size": found.st_size, "mtime": _EPOCH + timedelta(microseconds=found.st_mtime_ns // 1_000),
        }  # fmt: skip

    def _open(self, path: str, mode: str = "rb", **kwargs: Any) -> Any:
        return self._do(smbclient.open_file, self._unc(path), mode=mode, share_access="r")

    def get_file(self, rpath: str, lpath: str, **kwargs: Any) -> None:
        """Copy a file to this machine."""
        with self._open(rpath) as source, Path(lpath).open("wb") as out:
            shutil.copyfileobj(source, out, 2**20)

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        """Put a file of this machine."""
        with Path(lpath).open("rb") as source, self._open(rpath, "wb") as out:
            shutil.copyfileobj(source, out, 2**20)

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it."""
        if path.strip("/"):
            self._do(smbclient.makedirs, self._unc(path), exist_ok=True)

    def mv(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Rename, in place of what is there."""
        self._do(smbclient.replace, self._unc(path1), self._unc(path2))

    def rm_file(self, path: str) -> None:
        """Delete a file."""
        self._do(smbclient.remove, self._unc(path))

    def close(self) -> None:
        """Hang up."""
        smbclient.reset_connection_cache(fail_on_error=False, connection_cache=self._links)


def _facts(path: str, info: Any) -> dict[str, Any]:
    folder = bool(info.file_attributes & 0x10)
    return {"name": path, "type": "directory" if folder else "file", "size": info.end_of_file,
            "mtime": info.last_write_time}  # fmt: skip
