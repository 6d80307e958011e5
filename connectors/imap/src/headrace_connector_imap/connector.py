"""The work: a signed-in link to a mailbox, through the door."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from headrace.sdk import AuthError, ConfigError, Connector, HeadraceError, Stream, TransientError
from headrace.sdk.egress import check_host
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError, LoginError

from headrace_connector_imap import ImapConfig

TIMEOUT_S = 30


class _Pinned(IMAPClient):  # type: ignore[misc]
    """Dials a judged address; the name stays for the certificate."""

    def __init__(self, address: str, name: str, port: int, context: ssl.SSLContext, *, tls: bool) -> None:
        self._address, self.host, self.ssl_context = address, name, context
        super().__init__(name, port, ssl=tls, ssl_context=context, timeout=TIMEOUT_S)

    def _create_IMAP4(self) -> Any:  # noqa: N802 - its name there
        name, context = self.host, self.ssl_context
        named: Any = _Named(context, name)
        self.host, self.ssl_context = self._address, named
        try:
            return super()._create_IMAP4()
        finally:
            self.host, self.ssl_context = name, context


class _Named:
    """A context that checks the certificate for a name, whatever was dialled."""

    def __init__(self, context: ssl.SSLContext, name: str) -> None:
        self._context, self._name = context, name

    def wrap_socket(self, sock: Any, *, server_hostname: str) -> Any:
        return self._context.wrap_socket(sock, server_hostname=self._name)


class ImapConnector(Connector[ImapConfig]):
    """One mailbox."""

    _link: IMAPClient | None = None

    @property
    def where(self) -> str:
        """Server and user for people."""
        return f"the mailbox '{self.config.user}' on {self.config.host}"

    def link(self) -> Any:
        """The signed-in link, opened once; use it within `told`."""
        if self._link is None:
            config, tls = self.config, self.config.security == "tls"
            port = config.port or (993 if tls else 143)
            address, context = check_host(config.host, port)[0], self._context()
            with self.told():
                made = _Pinned(address, config.host, port, context, tls=tls)
                try:
                    if not tls:
                        made.starttls(context)
                    made.login(config.user, config.password.reveal())
                except BaseException:
                    made.shutdown()
                    raise
            self._link = made
        return self._link

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cadata=self.config.authority or None)
        except ssl.SSLError:
            raise ConfigError("the certificate authority is no PEM text; paste the whole certificate",
                              field="authority") from None  # fmt: skip
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context

    @contextmanager
    def told(self) -> Iterator[None]:
        """Errors of the library as ours; a link that failed is opened anew by the next call."""
        try:
            yield
        except HeadraceError:
            raise
        except LoginError as error:
            raise AuthError(f"{self.where} refuses the user or the password; correct them in the connection",
                            detail=str(error), field="password") from None  # fmt: skip
        except ssl.SSLCertVerificationError as error:
            raise ConfigError(
                f"the certificate of {self.config.host} is not trusted ({error.verify_message}); correct the host, or "
                "give its certificate authority",
                field="host",
            ) from None
        except (IMAPClientError, OSError) as error:
            self.close()
            raise TransientError(f"{self.where} does not answer as it should; it is tried again",
                                 detail=repr(error)) from None  # fmt: skip

    def check(self) -> None:
        """Sign in and look at the folders."""
        with self.told():
            self.link().noop()

    def discover(self) -> Sequence[Stream]:
        """None: mail is not read in rows."""
        return []

    def close(self) -> None:
        """Hang up."""
        link, self._link = self._link, None
        if link is not None:
            try:
                link.logout()
            except (IMAPClientError, OSError):
                link.shutdown()
