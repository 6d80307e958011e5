"""The work: a bound link through the door, and a search page by page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from headrace.kits.http.records import FrameMaker
from headrace.sdk import AuthError, Column, ConfigError, Connector, DataType, Rejector, Stream, TransientError
from headrace.sdk.egress import check_host
from headrace.sdk.egress_ldap import EgressTls, ldap3
from ldap3.core.exceptions import LDAPException, LDAPInvalidFilterError, LDAPOperationResult

from headrace_connector_ldap import LdapConfig

if TYPE_CHECKING:
    import polars as pl

CONNECT_S = 10
ANSWER_S = 60
PAGE = 500
_DENIED, _ABSENT = frozenset({48, 49, 50, 53}), frozenset({32, 34})


class LdapConnector(Connector[LdapConfig]):
    """One directory."""

    _link: Any = None

    def _connected(self) -> Any:
        if self._link is None:
            config, tls = self.config, self.config.security == "tls"
            port = config.port or (636 if tls else 389)
            address = check_host(config.host, port)[0]
            if not tls and not ip_address(address).is_loopback:
                raise ConfigError("without encryption passwords would be readable; use TLS", field="security")
            server = ldap3.Server(
                address, port=port, use_ssl=tls, tls=EgressTls(config.host, config.certificates) if tls else None,
                get_info=ldap3.NONE, connect_timeout=CONNECT_S,
            )  # fmt: skip
            with self._told():
                self._link = ldap3.Connection(
                    server, user=config.bind_dn or None, password=config.bind_password.reveal() or None,
                    receive_timeout=ANSWER_S, auto_referrals=False, raise_exceptions=True, read_only=True,
                )  # fmt: skip
                self._link.bind()
        return self._link

    @contextmanager
    def _told(self) -> Iterator[None]:
        host = self.config.host
        try:
            yield
        except LDAPInvalidFilterError:
            raise ConfigError(f"'{self.config.filter}' is no filter; write it as in (objectClass=person)",
                              field="filter") from None  # fmt: skip
        except LDAPOperationResult as error:
            self.close()
            if error.result in _DENIED:
                raise AuthError(f"'{host}' refuses the account or what it asks ({error.description}); correct DN and "
                                "password", field="bind_password") from None  # fmt: skip
            if error.result in _ABSENT:
                raise ConfigError(f"'{host}' has nothing at '{self.config.base}'; correct the base",
                                  field="base") from None  # fmt: skip
            raise ConfigError(f"'{host}' refuses the search ({error.description}); correct base and filter",
                              field="filter") from None  # fmt: skip
        except (LDAPException, OSError) as error:
            self.close()
            raise TransientError(f"'{host}' does not answer, or not as it should; check address and encryption",
                                 detail=repr(error)) from None  # fmt: skip

    def check(self) -> None:
        """Bind, and look for one entry."""
        with self._told():
            for _ in islice(self._search(1), 1):
                pass

    def discover(self) -> Sequence[Stream]:
        """What the filter finds."""
        many = {name.removesuffix("[]") for name in self.config.attributes if name.endswith("[]")}
        names = dict.fromkeys(name.removesuffix("[]") for name in self.config.attributes if name != "dn")
        columns = [Column(name, DataType.JSON if name in many else DataType.TEXT) for name in names]
        return [Stream(name="entries", columns=(Column("dn", DataType.TEXT, nullable=False), *columns),
                       primary_key=("dn",))]  # fmt: skip

    def read(
        self, stream: Stream, *, columns: Sequence[str] | None = None, after: object = None,
        batch_rows: int = 50_000, options: Any = None, reject: Rejector | None = None,
    ) -> Iterator[pl.DataFrame]:  # fmt: skip
        """Entries, page by page."""
        whole = self.discover()[0]
        maker = FrameMaker(whole.columns, {}, reject)
        wanted = [whole.column(name).name for name in columns or [column.name for column in whole.columns]]
        many = {column.name for column in whole.columns if column.type is DataType.JSON}
        with self._told():
            entries = self._search(PAGE)
        while True:
            with self._told():
                records = [_record(entry, whole, many) for entry in islice(entries, min(batch_rows, PAGE))]
            if not records:
                return
            for frame in maker.frames(records, batch_rows):
                yield frame.select(wanted)

    def _search(self, page: int) -> Iterator[dict[str, Any]]:
        """Entries; a link that was left alone and is dead is opened anew, before anything was read."""
        reused, entries = self._link is not None, self._entries(page)
        try:
            first = list(islice(entries, 1))
        except LDAPOperationResult:
            raise
        except (LDAPException, OSError):
            if not reused:
                raise
            self.close()
            entries = self._entries(page)
            first = list(islice(entries, 1))
        return chain(first, entries)

    def _entries(self, page: int) -> Iterator[dict[str, Any]]:
        names = [name.removesuffix("[]") for name in self.config.attributes if name != "dn"]
        found = self._connected().extend.standard.paged_search(
            self.config.base, self.config.filter, attributes=names or ["1.1"], paged_size=page, generator=True
        )
        return (entry for entry in found if entry.get("type") == "searchResEntry")

    def close(self) -> None:
        """Unbind."""
        link, self._link = self._link, None
        if link is not None:
            opened = link.socket
            try:
                link.unbind()
            except (LDAPException, OSError):
                pass
            finally:
                if opened is not None:  # the library leaves it open when the link could not be made
                    opened.close()


def _record(entry: dict[str, Any], stream: Stream, many: set[str]) -> dict[str, Any]:
    given = {name.lower(): values for name, values in entry["raw_attributes"].items()}
    made: dict[str, Any] = {"dn": entry["dn"]}
    for column in stream.columns[1:]:
        values = [_text(value) for value in given.get(column.name.lower(), [])]
        made[column.name] = values if column.name in many or len(values) > 1 else next(iter(values), None)
    return made


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.hex()
