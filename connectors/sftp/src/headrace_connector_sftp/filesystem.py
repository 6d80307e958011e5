"""SFTP through the door: a judged address is dialled, and the server's key must be the one that the user has named."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem
from headrace.sdk import AuthError, ConfigError, TransientError
from headrace.sdk.egress import check_host, dial

if TYPE_CHECKING:
    from headrace_connector_sftp import SftpConfig

CONNECT_S = 20.0
ANSWER_S = 120.0
_KEYS = (paramiko.Ed25519Key, paramiko.ECDSAKey, paramiko.RSAKey)


class SftpFileSystem(SFTPFileSystem):  # type: ignore[misc]  # fsspec has no types
    """One session."""

    cachable = False
    ranged = True

    def __init__(self, config: SftpConfig) -> None:
        self._config = config
        super().__init__(config.host, skip_instance_cache=True)

    def _connect(self) -> None:
        config = self._config
        address = check_host(config.host, config.port)[0]
        try:
            self._session = paramiko.Transport(dial(address, config.port, timeout_s=CONNECT_S))
            self._session.banner_timeout = self._session.auth_timeout = CONNECT_S
            self._session.start_client(timeout=CONNECT_S)
            self._known()
            if config.private_key:
                self._session.auth_publickey(config.user, self._key())
            else:
                self._session.auth_password(config.user, config.password.reveal())
            self.ftp: Any = paramiko.SFTPClient.from_transport(self._session)
            self.ftp.get_channel().settimeout(ANSWER_S)
        except paramiko.AuthenticationException as error:
            self.close()
            raise AuthError(
                f"'{config.host}' refuses the user '{config.user}'; check user, password or key", detail=repr(error)
            ) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            self.close()
            raise TransientError(
                f"'{config.host}' port {config.port} does not answer as an SSH server; it is tried again",
                detail=repr(error),
            ) from None
        except BaseException:
            self.close()
            raise

    def _known(self) -> None:
        shown = self._session.get_remote_server_key().fingerprint
        if self._config.host_key.strip().rstrip("=") != shown.rstrip("="):
            raise ConfigError(
                f"'{self._config.host}' shows the key {shown}; if its administrator confirms that, put it in as the "
                "server's key",
                field="host_key",
            )

    def _key(self) -> Any:
        text, phrase = self._config.private_key.reveal(), self._config.password.reveal() or None
        for kind in _KEYS:
            try:
                return kind.from_private_key(StringIO(text), phrase)
            except (paramiko.SSHException, ValueError):
                continue
        raise ConfigError(
            "the private key cannot be read; paste it whole, and give its passphrase", field="private_key"
        )

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **kwargs: Any) -> bytes:
        """Bytes of a file."""
        with self.ftp.open(path, "rb") as file:
            file.seek(start or 0)
            data: bytes = file.read(None if end is None else end - (start or 0))
            return data

    def put_file(self, lpath: str, rpath: str, **kwargs: Any) -> None:
        """Put a file of this machine."""
        self.ftp.put(lpath, rpath)

    def makedirs(self, path: str, exist_ok: bool = False, mode: int = 0o777) -> None:
        """Make a folder and those above it; fsspec asks for `//name`, which some servers never answer."""
        if self.exists(path):
            return
        made = "" if path.startswith("/") else "."
        for name in [part for part in path.split("/") if part not in {"", "."}]:
            made = f"{made}/{name}"
            if not self.exists(made):
                self.ftp.mkdir(made, mode)

    def close(self) -> None:
        """Hang up."""
        self._session.close()
