"""The flow of the README, as the engine executes it."""

from __future__ import annotations

from pathlib import Path

from headrace.testing.http_server import Asked, Reply, http_server, json_reply
from headrace.testing.readme_flow import execute_readme, same_for_all


def test_the_readme_s_flow() -> None:
    asked: list[dict[str, str]] = []

    def issues(one: Asked) -> Reply:
        assert (one.path, one.headers["authorization"]) == ("/v1/repos/headrace/issues", "Bearer t0ken")
        asked.append(one.query)
        start = 100 * (int(one.query["page"]) - 1)
        numbers = range(start, min(start + 100, 130))
        return json_reply({"data": {"items": [
            {"id": n, "title": f"t{n}", "state": "open" if n % 2 else "closed", "user": {"login": "ada"},
             "updated_at": "2026-01-01T00:00:00Z"} for n in numbers
        ]}})  # fmt: skip

    folder = Path(__file__).parents[1]
    with http_server(issues) as server:
        config = {"base_url": f"{server.url}/v1", "auth": "bearer", "token": "t0ken"}
        done = execute_readme(folder, same_for_all(folder, config))
    assert (done["issues"].rows_out, done["open"].rows_out) == (130, 65)
    assert {(one["per_page"], one["sort"]) for one in asked} == {("100", "updated")}
