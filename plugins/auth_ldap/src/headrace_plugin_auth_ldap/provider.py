"""Find the one person that a name means, bind as them with what was typed, read their groups."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

from headrace.sdk import AuthProvider, ConfigError, Profile, Secret, SignInRefused, TransientError
from headrace.sdk.egress import check_host
from headrace.sdk.egress_ldap import EgressTls, ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.utils.conv import escape_filter_chars

from headrace_plugin_auth_ldap import LdapConfig

CONNECT_S = 5
ANSWER_S = 10
_WRONG = "the name or the password is wrong"
_AWAY = frozenset({51, 52})
_BAD = 49


class LdapProvider(AuthProvider[LdapConfig]):
    """One directory."""

    def check(self) -> None:
        """The server answers by TLS, the account may bind, and the base can be searched."""
        with self._searcher() as searcher:
            found = self._search(searcher, self.config.user_base, self._filter("no-such-person"), [])
            if found:
                raise ConfigError("the filter finds somebody for any name; it needs {username}", field="user_filter")

    def sign_in(self, username: str, password: Secret) -> Profile:
        """Who this is. An empty password never reaches the server, which would take it for an anonymous bind."""
        if not username.strip() or not password or "\x00" in username + password.reveal():
            raise SignInRefused(_WRONG, detail="name or password empty or with a NUL")
        with self._searcher() as searcher:
            wanted = [self.config.subject_attribute, self.config.email_attribute, self.config.name_attribute]
            people = self._search(
                searcher, self.config.user_base, self._filter(username.strip()), [*wanted, "memberOf"]
            )
            if len(people) != 1:
                raise SignInRefused(_WRONG, detail=f"the filter finds {len(people)} people for the name that was typed")
            person = people[0]
            self._prove(person["dn"], password)
            groups = self._groups(searcher, person)
        subject = _first(person, self.config.subject_attribute)
        if not subject:
            raise SignInRefused(
                "the directory does not say who you are; tell your admin",
                detail=f"the entry has no attribute '{self.config.subject_attribute}'",
            )
        return Profile(
            subject=subject, email=_first(person, self.config.email_attribute), email_verified=True,
            name=_first(person, self.config.name_attribute), groups=groups,
        )  # fmt: skip

    def _filter(self, username: str) -> str:
        return self.config.user_filter.replace("{username}", escape_filter_chars(username))

    def _groups(self, searcher: Any, person: dict[str, Any]) -> tuple[str, ...]:
        if not self.config.group_base:
            return tuple(_all(person, "memberOf"))
        query = self.config.group_filter.replace("{dn}", escape_filter_chars(person["dn"]))
        found = self._search(searcher, self.config.group_base, query, [self.config.group_attribute])
        return tuple(name for group in found for name in _all(group, self.config.group_attribute))

    def _prove(self, dn: str, password: Secret) -> None:
        """Bind as the person, on a connection of its own."""
        if not dn:
            raise SignInRefused(_WRONG, detail="the entry has no DN")
        with self._connection(dn, password.reveal()) as own:
            if own.result["result"] == _BAD or not own.bound:
                raise SignInRefused(_WRONG, detail=f"the directory refuses the bind ({own.result['description']})")

    @contextmanager
    def _searcher(self) -> Iterator[Any]:
        with self._connection(self.config.bind_dn, self.config.bind_password.reveal()) as searcher:
            if not searcher.bound:
                raise ConfigError(
                    "the directory refuses the account that searches; correct its DN and password",
                    detail=searcher.result["description"], field="bind_dn",
                )  # fmt: skip
            yield searcher

    @contextmanager
    def _connection(self, dn: str, password: str) -> Iterator[Any]:
        """A connection after its attempt to bind."""
        if dn and not password:
            raise ConfigError("the account that searches needs its password", field="bind_password")
        connection = None
        try:
            connection = self._opened(dn, password)
            if self.config.security == "starttls" and not connection.start_tls():
                raise TransientError("the directory does not begin TLS", detail=str(connection.result))
            connection.bind()
            if connection.result["result"] in _AWAY:
                raise TransientError("the directory is busy; try again", detail=connection.result["description"])
            yield connection
        except (LDAPException, OSError) as error:
            raise TransientError(
                f"the directory '{self.config.host}' does not answer as it should; check host, port and encryption",
                detail=f"{type(error).__name__}: {str(error)[:200]}",
            ) from None
        finally:
            with _quiet():
                if connection is not None:
                    connection.unbind()

    def _opened(self, dn: str, password: str) -> Any:
        """A connection to the first address of the host that answers; each of them was judged."""
        port = self.config.port or (636 if self.config.security == "ldaps" else 389)
        failed: Exception = OSError("no address")
        for address in check_host(self.config.host, port):
            connection = ldap3.Connection(
                self._server(address, port), user=dn or None, password=password or None, read_only=True,
                authentication=ldap3.SIMPLE if dn else ldap3.ANONYMOUS, auto_referrals=False, check_names=False,
                receive_timeout=ANSWER_S, raise_exceptions=False,
            )  # fmt: skip
            try:
                connection.open()
            except (LDAPException, OSError) as error:
                failed = error
                if connection.socket is not None:
                    connection.socket.close()
            else:
                return connection
        raise failed

    def _server(self, address: str, port: int) -> Any:
        """The server at an address, whose certificate is that of the name."""
        config = self.config
        if config.security == "none" and not ip_address(address).is_loopback:
            raise ConfigError("without encryption passwords would be readable; use ldaps or starttls", field="security")
        tls = None if config.security == "none" else EgressTls(config.host, config.certificates)
        return ldap3.Server(
            address, port=port, use_ssl=config.security == "ldaps", tls=tls,
            get_info=ldap3.NONE, connect_timeout=CONNECT_S,
        )  # fmt: skip

    def _search(self, searcher: Any, base: str, query: str, attributes: list[str]) -> list[dict[str, Any]]:
        """At most two entries would be enough for people; groups may be many."""
        searcher.search(base, query, attributes=attributes or ["1.1"], size_limit=500, time_limit=ANSWER_S)
        if searcher.result["result"] not in {0, 4}:
            raise ConfigError(
                f"the directory cannot search below '{base}'; correct base and filter",
                detail=searcher.result["description"], field="user_base",
            )  # fmt: skip
        return [entry for entry in searcher.response or [] if entry.get("type") == "searchResEntry"]


def _all(entry: dict[str, Any], attribute: str) -> list[str]:
    """Values of an attribute in any case of its name; binary ones in hexadecimal."""
    for name, values in entry.get("raw_attributes", {}).items():
        if name.lower() == attribute.lower():
            return [_readable(value) for value in values]
    return []


def _first(entry: dict[str, Any], attribute: str) -> str:
    return next(iter(_all(entry, attribute)), "")


def _readable(value: bytes) -> str:
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return value.hex()
    return text if text.isprintable() else value.hex()


@contextmanager
def _quiet() -> Iterator[None]:
    try:
        yield
    except (LDAPException, OSError):
        return
