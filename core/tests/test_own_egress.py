"""What an install on one machine opens, and that its runners are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from headrace.cli.own_egress import allowance
from headrace.infra.settings import Settings, load_settings
from headrace.sdk.config import Secret
from headrace.sdk.egress import parse_allow
from headrace.sdk.errors import ConfigError
from headrace.worker.runner_process import runner_environment

WAREHOUSE = Settings(warehouse_url=Secret("postgresql://demo:p@127.0.0.1:40123/warehouse"))


def verdicts(value: str, *places: tuple[str, int]) -> list[str]:
    policy = parse_allow([entry for entry in value.split(",") if entry])
    return [policy.verdict(host, port, host) for host, port in places]


def test_a_server_for_this_machine_alone_reaches_its_neighbours() -> None:
    value = allowance(WAREHOUSE, host="127.0.0.1", port=8080, demo=True)
    assert verdicts(value, ("127.0.0.1", 40123), ("10.0.0.5", 3306), ("127.0.0.1", 8080)) == ["open"] * 3
    assert verdicts(value, ("169.254.169.254", 80)) == ["never"]


def test_a_server_for_the_network_reaches_its_warehouse_and_no_more() -> None:
    value = allowance(WAREHOUSE, host="0.0.0.0", port=8080, demo=False)
    assert verdicts(value, ("127.0.0.1", 40123)) == ["open"]
    assert verdicts(value, ("127.0.0.1", 8080), ("10.0.0.5", 3306), ("127.0.0.1", 6379)) == ["closed"] * 3
    assert verdicts(allowance(WAREHOUSE, host="0.0.0.0", port=8080, demo=True), ("127.0.0.1", 8080)) == ["open"]


def test_what_the_operator_says_is_kept() -> None:
    said = load_settings({"HEADRACE_EGRESS_ALLOW": "10.0.0.0/8, db.corp:5432"})
    value = allowance(said, host="127.0.0.1", port=0, demo=True)
    assert value == "10.0.0.0/8,db.corp:5432"
    assert allowance(Settings(), host="0.0.0.0", port=0, demo=True) == ""


def test_an_entry_that_cannot_be_meant_stops_the_start() -> None:
    with pytest.raises(ConfigError, match=r"HEADRACE_EGRESS_ALLOW has 'http://x'"):
        load_settings({"HEADRACE_EGRESS_ALLOW": "http://x"})


def test_runners_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "10.0.0.0/8")
    assert runner_environment(1, tmp_path)["HEADRACE_EGRESS_ALLOW"] == "10.0.0.0/8"
    monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
    assert "HEADRACE_EGRESS_ALLOW" not in runner_environment(1, tmp_path)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:81"), ("0.0.0.0", "http://127.0.0.1:81"), ("::1", "http://[::1]:81"),
     ("10.0.0.5", "http://10.0.0.5:81")],
)  # fmt: skip
def test_the_demo_reaches_its_own_api_wherever_it_listens(host: str, url: str) -> None:
    settings = Settings(host=host, port=81)
    assert settings.for_flows()["HEADRACE_OWN_URL"] == url
    place = url.removeprefix("http://").removesuffix(":81").strip("[]")
    assert verdicts(allowance(settings, host=host, port=81, demo=True), (place, 81)) == ["open"]
