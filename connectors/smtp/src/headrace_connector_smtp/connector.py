"""The work: one link to a mail server, through the door; one message for each call."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import msgspec
from headrace.sdk import AuthError, ConfigError, Connector, DataError, HeadraceError, Stream, TransientError
from headrace.sdk.egress_smtp import EgressSmtp, smtplib
from msgspec import Struct

from headrace_connector_smtp import MessageInput, MessageOutput, SmtpConfig
from headrace_connector_smtp.message import composed

TIMEOUT_S = 30
_PORTS = {"tls": 465, "starttls": 587, "none": 25}


class SmtpConnector(Connector[SmtpConfig]):
    """One mail server."""

    _open: smtplib.SMTP | None = None

    def link(self) -> smtplib.SMTP:
        """The signed-in link, opened once; use it within `told`."""
        if self._open is None:
            config, context = self.config, self._context()
            made = EgressSmtp(
                config.host, config.port or _PORTS[config.security], timeout_s=TIMEOUT_S,
                tls=context if config.security == "tls" else None, plain=config.security == "none",
            )  # fmt: skip
            try:
                made.ehlo()
                if config.security == "starttls":
                    made.starttls(context=context)
                    made.ehlo()
                if config.user:
                    made.login(config.user, config.password.reveal())
            except BaseException:
                made.close()
                raise
            self._open = made
        return self._open

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cadata=self.config.authority or None)
        except ssl.SSLError:
            raise ConfigError("the certificate authority is no PEM text; paste the whole certificate",
                              field="authority") from None  # fmt: skip

    @contextmanager
    def told(self) -> Iterator[None]:
        """Errors of the library as ours; a link that failed is opened anew by the next call."""
        host = self.config.host
        try:
            yield
        except HeadraceError:
            raise
        except smtplib.SMTPAuthenticationError as error:
            self.close()
            raise AuthError(f"'{host}' refuses the user or the password; correct them in the connection",
                            detail=str(error.smtp_code), field="password") from None  # fmt: skip
        except smtplib.SMTPNotSupportedError as error:
            self.close()
            raise ConfigError(f"'{host}' does not offer what is asked of it; choose another encryption",
                              detail=str(error), field="security") from None  # fmt: skip
        except ssl.SSLCertVerificationError as error:
            raise ConfigError(f"the certificate of '{host}' is not trusted ({error.verify_message}); correct the host, "
                              "or give its certificate authority", field="host") from None  # fmt: skip
        except smtplib.SMTPRecipientsRefused as error:
            self._reset()
            codes = sorted({code for code, _ in error.recipients.values()})
            kind = DataError if all(code >= 500 for code in codes) else TransientError
            raise kind(
                f"'{host}' refuses the recipients ({', '.join(map(str, codes))}); correct the addresses"
            ) from None
        except smtplib.SMTPResponseException as error:
            self._reset()
            kind = DataError if error.smtp_code >= 500 else TransientError
            raise kind(f"'{host}' refuses the message ({error.smtp_code}); correct it") from None
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise TransientError(f"'{host}' does not answer as it should; it is tried again",
                                 detail=repr(error)) from None  # fmt: skip

    def _reset(self) -> None:
        if self._open is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._open.rset()

    def check(self) -> None:
        """Sign in, and say nothing."""
        with self.told():
            self.link().noop()

    def discover(self) -> Sequence[Stream]:
        """None: nothing is read."""
        return []

    def act(self, action: str, value: Struct, *, key: str) -> MessageOutput:
        """Send a message; one recipient refused is the whole message refused, before it is sent.

        Raises:
            DataError: the message or its recipients are refused.
            AuthError, ConfigError, TransientError: of the server.
        """
        message, recipients = composed(
            self.config.sender, msgspec.convert(msgspec.to_builtins(value), MessageInput), key
        )
        with self.told():
            link = self.link()
            try:
                code, _ = link.noop()
                alive = code == 250
            except (smtplib.SMTPException, OSError):
                alive = False
            if not alive:  # a server hangs up on who says nothing for long
                self.close()
                link = self.link()
            refused = link.send_message(message, to_addrs=recipients)
        if refused:
            raise DataError(f"'{self.config.host}' has sent the message, but not to {', '.join(sorted(refused))}")
        return MessageOutput(str(message["Message-ID"]), len(recipients))

    def close(self) -> None:
        """Hang up."""
        link, self._open = self._open, None
        if link is not None:
            try:
                link.quit()
            except (smtplib.SMTPException, OSError):
                link.close()
