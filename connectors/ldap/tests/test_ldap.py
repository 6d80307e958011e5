"""The contract against a real slapd; values that are several, missing or no text; the README's flow."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from headrace.plugins.manager import load_plugins
from headrace.sdk import AuthError, ConfigError, Reject, TransientError
from headrace.testing.connector import ConnectorContract
from headrace.testing.processes import until
from headrace.testing.readme_flow import execute_readme

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3

BASE, PASSWORD = "dc=example,dc=org", "a secret of the directory"
ROOT = f"cn=admin,{BASE}"
SLAPD = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin:/usr/libexec:/usr/lib/openldap")
_PLACES = ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap")
MODULES = next((path for path in _PLACES if Path(path).is_dir()), "")
SCHEMA = next((path for path in ("/etc/ldap/schema", "/etc/openldap/schema") if Path(path).is_dir()), "")
needs_slapd = pytest.mark.skipif(
    not (SLAPD and MODULES and SCHEMA), reason="no slapd on this machine; `apt-get install slapd` to run these"
)
PEOPLE = [("ann", ["ann@example.org"]), ("bo 😀, *(x)", ["bo@example.org", "bo@home.example.org"]), ("cy", [])]


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    home = tmp_path_factory.mktemp("slapd")
    (home / "db").mkdir()
    schemas = "".join(f"include {SCHEMA}/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
    (home / "slapd.conf").write_text(
        f"{schemas}modulepath {MODULES}\nmoduleload back_mdb\npidfile {home}/pid\nargsfile {home}/args\n"
        f'database mdb\nsuffix "{BASE}"\nrootdn "{ROOT}"\nrootpw "{PASSWORD}"\ndirectory {home}/db\n'
        "access to * by users read by anonymous auth\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [str(SLAPD), "-d", "0", "-f", str(home / "slapd.conf"), "-h", f"ldap://127.0.0.1:{port}"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _fill(port, process)
        yield {
            "host": "127.0.0.1", "port": port, "security": "none", "bind_dn": ROOT, "bind_password": PASSWORD,
            "base": BASE, "filter": "(objectClass=inetOrgPerson)", "attributes": ["cn", "mail[]", "description"],
        }  # fmt: skip
    finally:
        process.terminate()
        process.wait(30)


def _fill(port: int, process: subprocess.Popen[bytes]) -> None:
    def answers() -> bool:
        assert process.poll() is None, "slapd ended"
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex(("127.0.0.1", port)) == 0

    asyncio.run(until(answers))
    link = ldap3.Connection(ldap3.Server("127.0.0.1", port, get_info=ldap3.NONE), ROOT, PASSWORD, auto_bind=True)
    try:
        link.add(BASE, ["dcObject", "organization"], {"o": "Example"})
        for name, mails in PEOPLE:
            dn = f"uid={name.split()[0]},{BASE}"
            link.add(dn, ["inetOrgPerson"], {"cn": name, "sn": "x", **({"mail": mails} if mails else {})})
            assert link.result["result"] == 0, link.result
    finally:
        link.unbind()


@needs_slapd
class TestLdap(ConnectorContract):
    connector_id = "ldap"

    @pytest.fixture
    def config(self, directory: dict[str, Any]) -> dict[str, Any]:
        return directory

    @pytest.fixture
    def bad_config(self, directory: dict[str, Any]) -> dict[str, Any]:
        return {**directory, "bind_password": "wrong-but-secret"}


def opened(directory: dict[str, Any], **more: Any) -> Any:
    return load_plugins(only=["connector-ldap"], strict=True).registry.connector("ldap").open({**directory, **more})


@needs_slapd
def test_entries_are_rows(directory: dict[str, Any]) -> None:
    with closing(opened(directory)) as connector:
        (frame,) = connector.read(connector.discover()[0])
        found = {row["cn"]: row["mail"] for row in frame.to_dicts()}
    assert sorted(json.loads(found["bo 😀, *(x)"])) == ["bo@example.org", "bo@home.example.org"]
    assert found["cy"] == "[]"


@needs_slapd
def test_several_values_of_one_column_are_rejected_not_cut(directory: dict[str, Any]) -> None:
    rejects: list[Reject] = []
    with closing(opened(directory, attributes=["cn", "mail"])) as connector:
        (frame,) = connector.read(connector.discover()[0], reject=rejects.extend)
    assert set(frame["mail"]) == {"ann@example.org", None}
    assert [one.column for one in rejects] == ["mail"]


@needs_slapd
@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [({"bind_password": "wrong"}, AuthError, "refuses the account"), ({"filter": "(("}, ConfigError, "is no filter"),
     ({"base": "dc=nowhere"}, (ConfigError, AuthError), "nothing at|refuses"),
     ({"port": 1}, TransientError, "does not answer")],
)  # fmt: skip
def test_what_is_wrong_is_told(more: dict[str, Any], kind: Any, said: str, directory: dict[str, Any]) -> None:
    with closing(opened(directory, **more)) as connector, pytest.raises(kind, match=said):
        connector.check()


def test_passwords_are_not_sent_readable_to_other_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "192.0.2.7:389")
    given = {"host": "192.0.2.7", "security": "none", "bind_dn": ROOT, "bind_password": PASSWORD, "base": BASE,
             "attributes": ["cn"]}  # fmt: skip
    with closing(opened(given)) as connector, pytest.raises(ConfigError, match="readable"):
        connector.check()


@needs_slapd
def test_the_readme_s_flow(directory: dict[str, Any]) -> None:
    assert execute_readme(Path(__file__).parents[1], {"Directory": ("ldap", directory)})["few"].rows_out == 1
