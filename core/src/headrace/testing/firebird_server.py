"""A Firebird server of the tests' own, of the Debian package; a database for each test."""

from __future__ import annotations

import os
import secrets
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from headrace.testing.counterparts import binary, folder, free_port, started

PASSWORD = "masterke"  # noqa: S105 - of a server on loopback that ends with the tests
_USERS = "/usr/share/firebird/3.0/security.sql"
_CONFIG = """ServerMode = Super
RemoteBindAddress = 127.0.0.1
RemoteServicePort = {port}
SecurityDatabase = {place}/security3.fdb
AuthServer = Srp
UserManager = Srp
"""
_CITIES = """
create table city (id int not null primary key, name varchar(50), area double precision, seen timestamp, n numeric(8,2),
    note blob sub_type text, yes boolean);
insert into city values (1, 'Bern', 51.6, current_timestamp, 1.25, 'n', true);
insert into city (id, name) values (2, 'Oslo');
insert into city values (5, 'Riga', 304, null, 2, '', false);
commit; quit;
"""


@cache
def firebird() -> tuple[int, Path]:
    """Its port and its folder."""
    server, shell = binary("firebird", "firebird3.0-server"), binary("isql-fb", "firebird3.0-utils")
    port, place = free_port(), folder()
    for name in ("plugins", "intl", "lib", "firebird.msg", "plugins.conf"):
        (place / name).symlink_to(next(Path("/usr/lib").glob("*/firebird/3.0")) / name)
    (place / "firebird.conf").write_text(_CONFIG.format(port=port, place=place))
    (place / "databases.conf").touch()
    environment = {**os.environ, "FIREBIRD": str(place), "FIREBIRD_LOCK": str(place), "FIREBIRD_TMP": str(place)}
    script = (
        f"create database '{place}/security3.fdb' user sysdba; in '{_USERS}'; commit; "
        f"create user SYSDBA password '{PASSWORD}' using plugin Srp; commit; quit;"
    )
    subprocess.run([shell, "-q"], input=script, env=environment, text=True, check=True, capture_output=True)
    started(
        ["env", *(f"{name}={environment[name]}" for name in environment if name.startswith("FIREBIRD")), server], port
    )
    return port, place


def with_cities() -> dict[str, Any]:
    """The config of a database of its own that has a table of three cities."""
    port, place = firebird()
    path = f"{place}/t{secrets.token_hex(6)}.fdb"
    script = (
        f"create database 'inet://127.0.0.1:{port}/{path}' user 'SYSDBA' password '{PASSWORD}' "
        "default character set UTF8; " + _CITIES
    )
    subprocess.run([binary("isql-fb"), "-q", "-bail"], input=script, text=True, check=True, capture_output=True)
    return {"host": "127.0.0.1", "port": port, "database": path, "user": "SYSDBA", "password": PASSWORD}
