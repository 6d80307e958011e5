"""A real slapd with TLS: people are found by a filter that nobody bends, and proven by their own bind."""

from __future__ import annotations

import datetime as dt
import shutil
import socket
import subprocess
import time
import warnings
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, HeadraceError, Secret, SignInRefused, TransientError

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import ldap3

BASE = "dc=example,dc=org"
PEOPLE, GROUPS = f"ou=people,{BASE}", f"ou=groups,{BASE}"
ROOT, ROOT_PASSWORD = f"cn=admin,{BASE}", "a secret of the directory"
SLAPD = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin:/usr/libexec:/usr/lib/openldap")
MODULES = next(
    (path for path in ("/usr/lib/ldap", "/usr/lib64/openldap", "/usr/lib/openldap") if Path(path).is_dir()), ""
)
SCHEMA = next((path for path in ("/etc/ldap/schema", "/etc/openldap/schema") if Path(path).is_dir()), "")
needs_slapd = pytest.mark.skipif(
    not (SLAPD and MODULES and SCHEMA), reason="no slapd on this machine; `apt-get install slapd` to run these"
)


def certificate(name: str) -> tuple[str, str]:
    """A self-signed certificate for a host name, and its key, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return made.public_bytes(pem).decode(), private.decode()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Directory:
    """A running slapd with two people and a group."""

    def __init__(self, plain: int, tls: int, ca: str) -> None:
        self.plain = plain
        self.tls = tls
        self.ca = ca

    def config(self, **more: Any) -> dict[str, Any]:
        return {
            "host": "localhost", "port": self.tls, "certificates": self.ca, "bind_dn": ROOT,
            "bind_password": ROOT_PASSWORD, "user_base": PEOPLE, "group_base": GROUPS, **more,
        }  # fmt: skip


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    home = tmp_path_factory.mktemp("slapd")
    ca, key = certificate("localhost")
    (home / "ca.pem").write_text(ca)
    (home / "key.pem").write_text(key)
    (home / "db").mkdir()
    schemas = "".join(f"include {SCHEMA}/{name}.schema\n" for name in ("core", "cosine", "inetorgperson"))
    (home / "slapd.conf").write_text(
        f"{schemas}modulepath {MODULES}\nmoduleload back_mdb\npidfile {home}/pid\nargsfile {home}/args\n"
        f"TLSCertificateFile {home}/ca.pem\nTLSCertificateKeyFile {home}/key.pem\n"
        f'database mdb\nsuffix "{BASE}"\nrootdn "{ROOT}"\nrootpw "{ROOT_PASSWORD}"\ndirectory {home}/db\n'
        "access to attrs=userPassword by anonymous auth by * none\naccess to * by users read by anonymous auth\n"
    )
    plain, tls = free_port(), free_port()
    urls = f"ldap://127.0.0.1:{plain}/ ldaps://127.0.0.1:{tls}/"
    with (home / "log").open("wb") as log:
        process = subprocess.Popen([SLAPD, "-f", home / "slapd.conf", "-h", urls, "-d", "0"], stdout=log, stderr=log)
    try:
        fill(plain, process, home / "log")
        yield Directory(plain, tls, ca)
    finally:
        process.terminate()
        process.wait(10)


def fill(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(1_200):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            break
        except OSError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.05)
    root = ldap3.Connection(ldap3.Server("127.0.0.1", port, get_info=ldap3.NONE), ROOT, ROOT_PASSWORD)
    assert root.bind(), root.result
    root.add(BASE, ["dcObject", "organization"], {"o": "example", "dc": "example"})
    for unit in ("people", "groups"):
        root.add(f"ou={unit},{BASE}", "organizationalUnit")
    for uid, name in (("ada", "Ada Lovelace"), ("bob", "Bob (ops), *")):
        person = {"sn": name, "cn": name, "mail": f"{uid}@example.org", "userPassword": f"{uid} has a password"}
        assert root.add(f"uid={uid},{PEOPLE}", "inetOrgPerson", person), root.result
    root.add(f"cn=staff,{GROUPS}", "groupOfNames", {"member": [f"uid=ada,{PEOPLE}", f"uid=bob,{PEOPLE}"]})
    root.add(f"cn=owners,{GROUPS}", "groupOfNames", {"member": f"uid=ada,{PEOPLE}"})
    root.unbind()


@pytest.fixture(scope="module")
def entry():
    return load_plugins(only=["plugin-auth_ldap"], strict=True).registry.auth_provider("ldap")


@needs_slapd
def test_a_person_signs_in_with_their_own_password(entry, directory) -> None:
    provider = entry.open(directory.config())
    provider.check()
    ada = provider.sign_in("ada", Secret("ada has a password"))
    assert (ada.email, ada.name, ada.email_verified) == ("ada@example.org", "Ada Lovelace", True)
    assert sorted(ada.groups) == ["owners", "staff"]
    assert len(ada.subject) == 36, "the entryUUID, which no rename changes"
    assert provider.sign_in("bob", Secret("bob has a password")).groups == ("staff",)
    assert provider.sign_in("ADA", Secret("ada has a password")).subject == ada.subject


@needs_slapd
@pytest.mark.parametrize("password", ["", " ", "bob has a password", "ada has a passwor", "ada has a password\x00"])
def test_an_empty_or_wrong_password_is_refused(entry, directory, password) -> None:
    with pytest.raises(SignInRefused, match="the name or the password is wrong"):
        entry.open(directory.config()).sign_in("ada", Secret(password))


@needs_slapd
@pytest.mark.parametrize(
    "name",
    ["*", "a*", "ada)(uid=*", "*)(uid=ada", "ada)(|(uid=*", "ada\\2a", "nobody)(|(objectClass=*)", "", "ada\x00", "(",
     "\\", "ada)(userPassword=*", "uid=ada,ou=people,dc=example,dc=org"],
)  # fmt: skip
def test_a_name_is_never_a_filter(entry, directory, name) -> None:
    with pytest.raises(SignInRefused, match="the name or the password is wrong"):
        entry.open(directory.config()).sign_in(name, Secret("ada has a password"))


@needs_slapd
def test_a_dn_with_odd_letters_is_no_filter_for_groups(entry, directory) -> None:
    """`bob`'s name has brackets and an asterisk; a filter by name finds exactly him."""
    by_name = directory.config(user_filter="(&(objectClass=person)(cn={username}))")
    assert entry.open(by_name).sign_in("Bob (ops), *", Secret("bob has a password")).email == "bob@example.org"


@needs_slapd
def test_several_people_are_nobody(entry, directory) -> None:
    loose = directory.config(user_filter="(|(objectClass=person)(uid={username}))")
    with pytest.raises(SignInRefused) as caught:
        entry.open(loose).sign_in("ada", Secret("ada has a password"))
    assert "2 people" in caught.value.detail
    with pytest.raises(ConfigError, match="for any name"):
        entry.open(loose).check()


@needs_slapd
def test_starttls_and_plain(entry, directory) -> None:
    plain = {"port": directory.plain, "host": "localhost"}
    for security in ("starttls", "none"):
        found = entry.open(directory.config(security=security, **plain)).sign_in("ada", Secret("ada has a password"))
        assert found.email == "ada@example.org"


@needs_slapd
def test_the_certificate_is_checked(entry, directory) -> None:
    other, _ = certificate("localhost")
    wrong = (
        {"certificates": other}, {"certificates": ""}, {"host": "127.0.0.1"},
        {"security": "starttls", "port": directory.plain, "certificates": other},
    )  # fmt: skip
    for more in wrong:
        with pytest.raises(TransientError, match="does not answer as it should"):
            entry.open(directory.config(**more)).sign_in("ada", Secret("ada has a password"))


@needs_slapd
@pytest.mark.parametrize(
    "more", [{"bind_password": "wrong one"}, {"bind_password": ""}, {"user_base": "ou=nowhere,dc=example,dc=org"}]
)
def test_a_wrong_config_says_so_and_keeps_its_secret(entry, directory, more) -> None:
    with pytest.raises(ConfigError) as caught:
        entry.open(directory.config(**more)).check()
    assert ROOT_PASSWORD not in caught.value.message + caught.value.detail


@needs_slapd
def test_without_a_group_base_memberof_counts(entry, directory) -> None:
    found = entry.open(directory.config(group_base="")).sign_in("ada", Secret("ada has a password"))
    assert found.groups == (), "this directory keeps no memberOf"


def test_passwords_go_over_the_network_by_tls_only(entry, monkeypatch) -> None:
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "private")
    for host in ("10.1.2.3", "192.168.1.1"):
        with pytest.raises(ConfigError, match="readable"):
            entry.open({"host": host, "security": "none", "user_base": PEOPLE}).check()


@pytest.mark.parametrize("host", ["169.254.169.254", "fe80::1", "a b"])
def test_the_door_is_not_passed_by(entry, host) -> None:
    with pytest.raises(HeadraceError):
        entry.open({"host": host, "user_base": PEOPLE}).check()


def test_a_filter_without_the_name_is_refused(entry) -> None:
    for text in ("(uid=ada)", "uid={username}", ""):
        with pytest.raises(ConfigError):
            entry.open({"host": "localhost", "user_base": PEOPLE, "user_filter": text})
