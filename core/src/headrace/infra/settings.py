"""Settings: one record, read once from `HEADRACE_*`; an unknown or unsafe one is refused."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, Literal, get_type_hints
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, structs

from headrace.infra.crypto import KeyRing, master_key_bytes
from headrace.infra.key_file import KeyFile
from headrace.infra.mail import MailServer
from headrace.infra.queue_names import checked_queue
from headrace.infra.rates import rates_of
from headrace.sdk.config import Secret
from headrace.sdk.egress import parse_allow
from headrace.sdk.errors import ConfigError

PREFIX = "HEADRACE_"
_OTHER = ("HEADRACE_TEST_", "HEADRACE_CI_")  # read by the test suite, not by us
_WEAK = frozenset(
    {"password", "secret", "changeme", "change-me", "admin", "postgres", "headrace", "dev-secret-key", "test"}
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", ""})


class Settings(Struct, frozen=True, kw_only=True):
    """How this process works. Secrets print nowhere.

    Attributes:
        home: Data of an embedded installation, and local objects.
        database_url: For the api, role `headrace_app`. Empty: embedded PostgreSQL.
        database_worker_url: For worker and scheduler, role `headrace_worker`; `database_url` when empty.
        database_owner_url: For `headrace migrate`, and for the scheduler to keep history by months; role
            `headrace_owner`.
        warehouse_url: A PostgreSQL database for the demo flows to write to.
        redis_url: Empty: embedded Valkey.
        file_roots: Folders that file connections may use, comma separated; empty is `{home}/files`.
        egress_allow: What connections may reach beside public addresses, comma separated: networks, addresses, names,
            each with `:port` or without, or `private` for loopback and private ranges.
        storage_url: An fsspec URL; empty is `file://{home}/objects`.
        file_bytes: How large one file of `/files` may be.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        public_url: How browsers reach us; required when listening on more than this machine, as are `trusted_proxies`.
        cors_origins: Other origins whose pages may call us with credentials, comma separated; none by default.
        smtp_url: Mail server, `smtps://user:password@host:465` or `smtp://...:587` (STARTTLS unless on this machine).
            Empty: letters wait, and admins see their links.
        mail_from: Sender of mail; required with `smtp_url`.
        master_keys: Base64 keys, comma separated; the first encrypts. Made in `home` when embedded.
        master_keys_file: A file of such keys, read again when it changes. With neither the system starts sealed.
        secrets_file: A TOML file that says which secrets of this machine and of vaults connections may refer to.
        worker_processes: Runner processes of a worker; 0 is one per core.
        worker_waiting: Segments of the queue `io` that a worker has at a time; they wait for others and share runners.
        worker_reserve: So many segments more, and runners for them, for organizations that have nothing in work on a
            worker; with 0 they wait until another's has ended.
        queues: Queues a worker listens to, comma separated: light, io, heavy, ai, reports, label:NAME; empty is all
            without a label.
        pool_size: Database connections per process.
        database_servers: Further PostgreSQL servers, `host:port`, comma separated, where organizations may have a
            database of their own; roles and passwords are those of the first.
        database_replica_urls: Standbys of `database_url`, role `headrace_app`, comma separated: they answer what is
            only read, as long as they are fresh. A comma in a password is written %2C.
        license: A licence, or the file that it is in; empty is `{home}/licence.key`, if there is one.
        trusted_proxies: Networks of the proxies before us, comma separated; of others X-Forwarded-For is not believed.
        rate_limits: Other rates than the usual, comma separated, e.g. `anonymous=100/h,route=600/m`; `0/h` is none.
        log_level: debug, info, warning or error.
        log_format: json, console, or auto (console on a terminal).
        trace_plugins: Print each hook call.
        load_plugins: Load only these plugins, comma separated; empty is all.
    """

    home: Path = Path(".headrace")
    database_url: Secret = Secret("")
    database_worker_url: Secret = Secret("")
    database_owner_url: Secret = Secret("")
    warehouse_url: Secret = Secret("")
    redis_url: Secret = Secret("")
    file_roots: tuple[str, ...] = ()
    egress_allow: tuple[str, ...] = ()
    storage_url: str = ""
    file_bytes: int = 1_000_000_000
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""
    cors_origins: tuple[str, ...] = ()
    smtp_url: Secret = Secret("")
    mail_from: str = ""
    master_keys: tuple[Secret, ...] = ()
    master_keys_file: str = ""
    secrets_file: str = ""
    worker_processes: int = 0
    worker_waiting: int = 32
    worker_reserve: int = 1
    queues: tuple[str, ...] = ()
    pool_size: int = 10
    database_servers: tuple[str, ...] = ()
    database_replica_urls: tuple[Secret, ...] = ()
    license: Secret = Secret("")
    trusted_proxies: tuple[str, ...] = ()
    rate_limits: tuple[str, ...] = ()
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["auto", "json", "console"] = "auto"
    trace_plugins: bool = False
    load_plugins: tuple[str, ...] = ()

    @property
    def embedded(self) -> bool:
        """Whether we start PostgreSQL ourselves."""
        return not self.database_url

    @property
    def objects_url(self) -> str:
        """Where objects are stored."""
        return self.storage_url or (self.home.absolute() / "objects").as_uri()

    @property
    def own_url(self) -> str:
        """Where processes of this machine reach the API; flow files name it `env:HEADRACE_OWN_URL`."""
        host = "127.0.0.1" if self.host in {"", "0.0.0.0", "::"} else self.host  # noqa: S104 - that is all addresses
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def link_base(self) -> str:
        """What links in letters begin with."""
        return self.public_url.rstrip("/") or self.own_url

    def key_ring(self) -> KeyRing:
        """The master keys; sealed while there are none."""
        return KeyRing(self.master_keys, source=KeyFile(Path(self.master_keys_file)) if self.master_keys_file else None)

    def for_flows(self) -> dict[str, str]:
        """What `env:NAME` gives in the connections of a flow file, beside the environment."""
        return {"HEADRACE_WAREHOUSE_URL": self.warehouse_url.reveal(), "HEADRACE_OWN_URL": self.own_url}

    def replace(self, **changes: Any) -> Settings:
        """The same settings with changes; used once the embedded services have told their addresses."""
        changed: Settings = structs.replace(self, **changes)
        return changed


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings.

    Raises:
        ConfigError: for an unknown variable, a value of the wrong form, or an unsafe one; it names the variable.
    """
    environ = os.environ if environ is None else environ
    hints = get_type_hints(Settings)
    known = {PREFIX + name.upper(): name for name in Settings.__struct_fields__}
    values: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX) or variable.startswith(_OTHER):
            continue
        name = known.get(variable)
        if name is None:
            near = difflib.get_close_matches(variable, known, n=1, cutoff=0.0)
            raise ConfigError(
                f"the environment variable {variable} is not known; did you mean {near[0]}?", variable=variable
            )
        if text.strip():
            values[name] = _decode(variable, text.strip(), hints[name])
    settings = Settings(**values)
    _refuse_unsafe(settings)
    return settings


def _decode(variable: str, text: str, kind: Any) -> Any:
    if kind is Secret:
        return Secret(text)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if kind == tuple[Secret, ...]:
        return tuple(Secret(part) for part in parts)
    if kind == tuple[str, ...]:
        return tuple(parts)
    if kind is Path:
        return Path(text).expanduser()
    try:
        return msgspec.convert(text, kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{variable} does not fit: {error}", variable=variable) from None


def _refuse_unsafe(settings: Settings) -> None:
    for key in settings.master_keys:
        try:
            master_key_bytes(key)
        except ConfigError as error:
            raise ConfigError(f"HEADRACE_MASTER_KEYS: {error.message}", variable="HEADRACE_MASTER_KEYS") from None
    parse_allow(settings.egress_allow)
    rates_of(settings.rate_limits)
    proxy_networks(settings.trusted_proxies)
    for queue in settings.queues:
        checked_queue(queue)
    if settings.smtp_url:
        MailServer.of(settings.smtp_url, settings.mail_from)
    for name in ("database_url", "database_worker_url", "database_owner_url", "redis_url", "smtp_url"):
        _check_url(PREFIX + name.upper(), getattr(settings, name).reveal())
    for one in settings.database_replica_urls:
        _check_url(f"{PREFIX}DATABASE_REPLICA_URLS", one.reveal())
    if settings.database_replica_urls and not settings.database_url:
        raise ConfigError("HEADRACE_DATABASE_REPLICA_URLS is set without HEADRACE_DATABASE_URL, whose copies they are")
    if settings.database_url and not settings.redis_url:
        raise ConfigError("HEADRACE_DATABASE_URL is set without HEADRACE_REDIS_URL; give both or none")
    _refuse_open(settings)
    if not 0 <= settings.port <= 65535:
        raise ConfigError(f"HEADRACE_PORT={settings.port} is no port; choose 0 to 65535")


def _refuse_open(settings: Settings) -> None:
    """What would let strangers or their pages in."""
    if settings.host not in LOOPBACK and not settings.public_url:
        raise ConfigError(
            f"HEADRACE_HOST={settings.host} opens the service to the network without HEADRACE_PUBLIC_URL; "
            "set it to the address browsers use, e.g. https://headrace.example.org"
        )
    if settings.host not in LOOPBACK and not settings.trusted_proxies:
        raise ConfigError(
            f"HEADRACE_HOST={settings.host} is reached through the proxy of HEADRACE_PUBLIC_URL, and callers would all "
            "seem to be that proxy; name its network in HEADRACE_TRUSTED_PROXIES, e.g. 10.0.0.0/8"
        )
    if settings.public_url and urlsplit(settings.public_url).scheme not in {"http", "https"}:
        raise ConfigError("HEADRACE_PUBLIC_URL must begin with https:// or http://")
    if urlsplit(settings.public_url).scheme == "http" and urlsplit(settings.public_url).hostname not in LOOPBACK:
        raise ConfigError(
            f"HEADRACE_PUBLIC_URL={settings.public_url} would send sign-ins in clear over the network; put https in "
            "front of it, or use an address of this machine"
        )
    for origin in settings.cors_origins:
        if "*" in origin or urlsplit(origin).scheme not in {"http", "https"} or urlsplit(origin).path:
            raise ConfigError(f"HEADRACE_CORS_ORIGINS has '{origin}'; name each origin, e.g. https://app.example.org")


@lru_cache(maxsize=8)
def proxy_networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    """The networks of `trusted_proxies`.

    Raises:
        ConfigError: one is none.
    """
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError:
        raise ConfigError(
            "HEADRACE_TRUSTED_PROXIES has addresses and networks, comma separated, e.g. 10.0.0.0/8",
            variable="HEADRACE_TRUSTED_PROXIES",
        ) from None


def _check_url(variable: str, url: str) -> None:
    if not url:
        return
    try:
        parts = urlsplit(url)
        password, host = parts.password or "", parts.hostname or ""
    except ValueError:
        raise ConfigError(f"{variable} cannot be read as a URL", variable=variable) from None
    if host in LOOPBACK or url.startswith("unix://"):
        return
    if password.lower() in _WEAK or (0 < len(password) < 8) or (variable == "HEADRACE_REDIS_URL" and not password):
        raise ConfigError(
            f"{variable} reaches another machine with no, a short or an example password; use a generated one of 16 "
            "characters or more",
            variable=variable,
        )
