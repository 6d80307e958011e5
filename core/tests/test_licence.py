"""Licences: signed offline; each that does not count is refused with one sentence."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from click.testing import CliRunner
from headrace.accounts import service as accounts
from headrace.accounts.permissions import Actor
from headrace.cli.license import command
from headrace.entitlements import licence, service, subscriptions
from headrace.infra.states import get_state
from headrace.plugins.follow import Follower
from headrace.plugins.manager import Host, load_plugins
from headrace.plugins.records import PluginRecord
from headrace.sdk import EditionManifest, Plan, hookimpl
from headrace.sdk.errors import ConfigError

PRIVATE, PUBLIC = licence.new_key()
OTHER, _ = licence.new_key()
NOW = datetime(2026, 6, 1, tzinfo=UTC)
HERE = "7d0e3f9c-0000-4000-8000-000000000001"
SEALED = EditionManifest(
    id="sealed", title="Sealed", license_key=PUBLIC, features=frozenset({"*"}),
    plans=(Plan(id="sealed_one", title="One", limits={"flows": 7}), Plan(id="sealed_two", title="Two")),
)  # fmt: skip
EDITIONS = {"sealed": SEALED, "open": EditionManifest(id="open", title="Open", plans=())}


def made(key: str = PRIVATE, **changes) -> str:
    facts = {
        "id": "1", "customer": "Works", "edition": "sealed", "installation": HERE,
        "issued_at": NOW - timedelta(days=1), "expires_at": NOW + timedelta(days=30),
    }  # fmt: skip
    return licence.sign(licence.Licence(**{**facts, **changes}), key)


def forged(text: str) -> str:
    """The same signature under a later end."""
    prefix, payload, signature = text.split(".")
    facts = msgspec.json.decode(base64.urlsafe_b64decode(payload + "=="))
    facts["expires_at"] = "2099-01-01T00:00:00Z"
    again = base64.urlsafe_b64encode(msgspec.json.encode(facts)).decode().rstrip("=")
    return f"{prefix}.{again}.{signature}"


def test_a_good_licence_counts():
    for where in (HERE, "*"):
        assert licence.read(f" {made(installation=where)}\n", EDITIONS, installation=HERE, at=NOW).customer == "Works"


@pytest.mark.parametrize(("text", "said"), [
    ("nonsense", "cannot be read"), ("headrace-licence.x.y", "cannot be read"), ("", "cannot be read"),
    (made()[:-30], "cannot be read|was not signed"), ("headrace-licence." + "A" * 4000, "cannot be read"),
    (made(edition="gone"), "'gone', which is not installed"), (made(edition="open"), "needs no licence"),
    (made(OTHER), "was not signed by who publishes"), (forged(made()), "was changed afterwards"),
    (made(installation="another"), "for the installation another, this one is"),
    (made(expires_at=NOW), "expired on 2026-06-01"), (made(issued_at=NOW + timedelta(days=2)), "valid from 2026-06-03"),
])  # fmt: skip
def test_others_are_refused_with_one_sentence(text, said):
    with pytest.raises(ConfigError, match=said) as caught:
        licence.read(text, EDITIONS, installation=HERE, at=NOW)
    assert "\n" not in caught.value.message
    assert PUBLIC not in caught.value.message


def test_dates_have_an_offset():
    with pytest.raises(ConfigError, match="with an offset"):
        made(expires_at=datetime(2027, 1, 1))  # noqa: DTZ001 - that is the point


def test_the_setting_is_the_text_or_a_file(tmp_path: Path):
    assert licence.given("", tmp_path) == ""
    text = made()
    (tmp_path / "licence.key").write_text(text + "\n")
    assert licence.given("", tmp_path) == text
    assert licence.given(text, tmp_path) == text
    other = tmp_path / "other"
    other.write_text(made(customer="Else"))
    assert licence.given(str(other), tmp_path) != text
    with pytest.raises(ConfigError, match="HEADRACE_LICENSE is neither"):
        licence.given(str(tmp_path / "nowhere"), tmp_path)


class Module:
    @staticmethod
    @hookimpl
    def headrace_editions():
        return [SEALED]


@pytest.fixture
def host():
    before = list(service._process)
    found: Host = load_plugins(only=["edition-community"])
    record = PluginRecord(name="edition-sealed", module="m", distribution="sealed", version="1", fingerprint="f")
    found.add(record, lambda: Module)
    yield found
    service._process[:] = before


@pytest.fixture
async def boss(database, host):
    async with database.transaction() as session:
        organization = await accounts.create_organization(session, name="One")
    return Actor(organization_id=organization.id, is_platform_admin=True)


async def plan(database, boss) -> tuple[str, str, int]:
    async with database.transaction(boss.organization_id) as session:
        info = await service.organization_info(session)
        return info.edition, info.plan, await service.limit_of(session, "flows")


async def test_it_opens_its_edition_until_it_ends_even_if_the_clock_is_set_back(database, boss, host, monkeypatch):
    async with database.transaction() as session:
        here = await get_state(session, "installation")
    real = datetime.now(UTC)
    text = made(installation=here, issued_at=real - timedelta(days=1), expires_at=real + timedelta(days=30))
    service.use_host(host)
    async with database.transaction(boss.organization_id) as session:
        with pytest.raises(ConfigError, match="lacks its licence"):
            await subscriptions.subscribe(session, boss, edition="sealed")
    assert await plan(database, boss) == ("community", "community", -1)
    service.use_host(host, licence=text)
    assert await plan(database, boss) == ("sealed", "sealed_one", 7)
    async with database.transaction(boss.organization_id) as session:
        await subscriptions.subscribe(session, boss, edition="sealed")

    later = real + timedelta(days=31)
    for module in ("headrace.entitlements.plugin", "headrace.entitlements.service", "headrace.plugins.follow"):
        monkeypatch.setattr(f"{module}.now", lambda: later)
    assert await plan(database, boss) == ("sealed", "sealed_one", 0), "nothing new, and nothing is taken away"
    await Follower(database, "", host).look()
    for module in ("headrace.entitlements.plugin", "headrace.entitlements.service", "headrace.plugins.follow"):
        monkeypatch.setattr(f"{module}.now", lambda: real)
    service.use_host(host, licence=text)
    assert (await plan(database, boss))[2] == 0, "the time that was seen counts"
    async with database.transaction() as session:
        await session.execute(sa.text("delete from instance_state where key = 'clock'"))
    service.use_host(host, licence=text)
    assert (await plan(database, boss))[2] == 7


def test_the_command_shows_signs_and_says_why_not(headrace_settings, monkeypatch, tmp_path):
    runner = CliRunner()
    printed = runner.invoke(command, ["new-key"]).output
    private = tmp_path / "key"
    private.write_text(printed.splitlines()[0])
    args = ["sign", "--key-file", str(private), "--customer", "W", "--edition", "community", "--installation", "*",
            "--days", "30"]  # fmt: skip
    signed = runner.invoke(command, args)
    assert signed.output.startswith("headrace-licence."), signed.output
    monkeypatch.setattr("headrace.cli.local.running_settings", lambda: headrace_settings)
    shown = runner.invoke(command, ["show"])
    assert shown.exit_code == 0, shown.output
    assert shown.output.startswith("installation ")
    assert "there is no licence" in shown.output
    headrace_settings.home.mkdir(parents=True)
    (headrace_settings.home / "licence.key").write_text(signed.output)
    refused = runner.invoke(command, ["show"])
    assert refused.exit_code == 1
    assert "needs no licence" in refused.output
