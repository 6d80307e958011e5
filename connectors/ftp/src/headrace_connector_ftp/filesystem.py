"""FTP through the door: a judged address is dialled, for data too, whatever address the server names for it."""

from __future__ import annotations

import ssl
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsspec.implementations.ftp import FTP, FTP_TLS, Error, FTPFileSystem, error_perm
from headrace.sdk import AuthError, ConfigError, TransientError
from headrace.sdk.egress import check_host

if TYPE_CHECKING:
    from headrace_connector_ftp import FtpConfig

CONNECT_S = 20.0


class FtpFileSystem(FTPFileSystem):  # type: ignore[misc]  # fsspec has no types
    """One session, in passive mode."""

    cachable = False

    def __init__(self, config: FtpConfig) -> None:
        self._config = config
        super().__init__(config.host, config.port, tls=config.tls, skip_instance_cache=True)

    def _connect(self) -> None:
        config = self._config
        address = check_host(config.host, config.port)[0]
        self.ftp = (
            FTP_TLS(timeout=CONNECT_S, encoding="utf-8", context=ssl.create_default_context()) if config.tls
            else FTP(timeout=CONNECT_S, encoding="utf-8")
        )  # fmt: skip
        self.ftp.trust_server_pasv_ipv4_address = False
        try:
            self.ftp.connect(address, config.port)
            self.ftp.host = config.host  # the certificate is for the name
            self.ftp.login(config.user, config.password.reveal())
        except ssl.SSLCertVerificationError as error:
            self.ftp.close()
            raise ConfigError(
                f"the certificate of '{config.host}' cannot be trusted; correct the host's name", field="host",
                detail=repr(error),
            ) from None  # fmt: skip
        except error_perm as error:
            self.ftp.close()
            raise AuthError(
                f"'{config.host}' refuses the user '{config.user}'; check user, password and TLS", detail=repr(error)
            ) from None
        except (Error, OSError, EOFError) as error:
            self.ftp.close()
            raise TransientError(
                f"'{config.host}' port {config.port} does not answer as an FTP server; it is tried again",
                detail=repr(error),
            ) from None

    def ls(self, path: str, detail: bool = True, **kwargs: Any) -> Any:
        """What is in a folder now."""
        self.dircache.clear()
        try:
            return super().ls(path, detail, **kwargs)
        except EOFError as error:
            raise ConnectionError("the server hung up") from error

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        """Put a file of this machine."""
        with Path(lpath).open("rb") as file:
            self.ftp.storbinary(f"STOR {rpath}", file, self.blocksize)

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Bytes of a file; what is after `end` is not waited for."""
        if end is None:
            whole: bytes = super().cat_file(path, start, None)
            return whole
        taken = b""
        with self.ftp.transfercmd(f"RETR {path}", rest=start) as link:
            while len(taken) < end - (start or 0) and (part := link.recv(self.blocksize)):
                taken += part
        with suppress(Error):  # it says that we hung up, as we did
            self.ftp.voidresp()
        return taken[: end - (start or 0)]

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it."""
        made = ""
        for name in [part for part in path.split("/") if part]:
            made = f"{made}/{name}"
            if not self.exists(made):
                self.ftp.mkd(made)

    def mv(self, path1: str, path2: str, **kwargs: Any) -> None:
        """Rename, in place of what is there; where the server does not replace, that goes first."""
        try:
            self.ftp.rename(path1, path2)
        except error_perm:
            self.ftp.delete(path2)
            self.ftp.rename(path1, path2)

    def rm_file(self, path: str) -> None:
        """Delete a file."""
        self.ftp.delete(path)

    def __del__(self) -> None:
        """Nothing: there may be no link, and `close` hangs up."""

    def close(self) -> None:
        """Hang up."""
        self.ftp.close()
