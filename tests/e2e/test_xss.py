"""T-CSP-3: scripts in every text that a person, a program or a service may write are shown, and none of them runs.

Icons are not among them: a plugin names one of those that are built in. What is written stays, and no other test of the
folder comes after these.
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator
from itertools import count, cycle, islice
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page

from tests.corpora import payloads
from tests.e2e.pages import go

ROUND = 75
EACH, FIRST = 8, 8
"""Where there is little time each eighth is tried, on the first pages: the flow, what failed, the rows."""
ALIVE = """() => [...document.querySelectorAll('*')].filter((one) => [...one.attributes].some(({ name, value }) =>
  name.startsWith('on') || name === 'srcdoc' || (/^(href|src|xlink:href|action|formaction|data)$/.test(name)
    && /^[\\s\\u0000-\\u0020]*(javascript|vbscript|data:text|\\/\\/xss|https:\\/\\/xss)/i.test(value)))).map((one) =>
  one.outerHTML.slice(0, 200))"""
"""Elements that a text has become: that a policy keeps them quiet is the second wall, not the first."""
SHOWN = """() => [document.body.textContent, document.title,
  ...[...document.querySelectorAll('input, textarea')].map((one) => one.value),
  ...[...document.querySelectorAll('[title]')].map((one) => one.title)].join('\\u0000')"""
_number = count()
PAGES = ["/dashboard", "/flows", "/executions", "/jobs", "/schedules", "/calendars", "/connections", "/webhooks",
         "/event-subscriptions", "/members", "/profile/keys", "/settings/workspaces"]  # fmt: skip


def printable(text: str) -> str:
    """As a name may be: it has no control characters."""
    return "".join(one for one in text if unicodedata.category(one) != "Cc").strip()


class Writer:
    """Writes each text into every kind of field."""

    def __init__(self, api: Any, step: Any, stack: Any, texts: list[str]) -> None:
        self.api, self.step, self.stack, self.texts = api, step, stack, texts
        self.names = (f"{printable(one)} {next(_number)}" for one in cycle(texts))
        self.all = "\n".join(texts)
        self.said = "\n".join(one for one in texts if not any(mark in one for mark in ("{{", "{%", "{#")))
        """What is no template: those are rendered, in a sandbox of their own."""

    def flow(self) -> tuple[str, str]:
        """A flow whose steps, notes and failure are texts, and its execution."""
        stops = [self.step(f"s{n}", "control.stop", 260 * (n % 7), 180 * (n // 7), message=self.said)
                 for n in range(len(self.texts))]  # fmt: skip
        notes = [{"id": f"n{n}", "type": "note", "position": {"x": 260 * n, "y": -200}, "data": {"text": text}}
                 for n, text in enumerate(self.texts[:7])]  # fmt: skip
        for node, text in zip(stops, self.texts, strict=True):
            node["data"]["label"] = text
            node["data"]["notes"] = text
        made = self.api("POST", "/flows", {
            "name": next(self.names), "description": self.all, "status": "active",
            "definition": {"nodes": stops + notes, "edges": []},
        })  # fmt: skip
        self.api("POST", f"/flows/{made['id']}/versions", {"name": next(self.names), "change_summary": self.all})
        ran = self.api("POST", f"/flows/{made['id']}/execute", {"async_mode": False, "wait_seconds": 60})
        assert ran["status"] == "failed"
        return made["id"], ran["id"]

    def cells(self) -> tuple[str, str]:
        """A table whose headings and cells are texts: where it is, and an execution that has read it."""
        file = f"cells-{next(_number)}.csv"
        with (self.stack.files / file).open("w", newline="") as out:
            csv.writer(out).writerows([[printable(one) for one in self.texts[:4]], *([one] * 4 for one in self.texts)])
        name = next(self.names)
        made = self.api("POST", "/connections", {
            "name": name, "connector": "local_files", "config": {"root": str(self.stack.files)},
        })  # fmt: skip
        flow = self.api.flow(next(self.names), [self.step("read", "local_files.read", 0, connection=name, stream=file)])
        body = {"observe": "all", "async_mode": False, "wait_seconds": 60}
        ran = self.api("POST", f"/flows/{flow}/execute", body)
        assert ran["status"] == "completed", ran
        return f"/connections/{made['id']}?tab=data&stream={file}&view=rows", ran["id"]

    def called(self, flow: str) -> str:
        """A webhook that was called with texts."""
        made = self.api("POST", "/webhooks", {"flow_id": flow, "name": next(self.names)})
        path = httpx.URL(made["url"]).path
        answer = httpx.post(self.stack.url + path, json={one: one for one in self.texts}, timeout=60)
        assert answer.status_code != 404, answer.text
        return str(made["id"])

    def pages(self) -> Iterator[str]:
        """Writes; gives the addresses at which it is read."""
        self.stack.files.mkdir(exist_ok=True)
        flow, failed = self.flow()
        yield from (f"/flows/{flow}", f"/flows/{flow}?step=s0", f"/flows/{flow}/versions", f"/flows/{flow}/text")
        yield from (f"/executions/{failed}", f"/executions/{failed}?step=s0")
        rows, ran = self.cells()
        yield from (rows, f"/executions/{ran}?step=read")
        hook = self.called(flow)
        yield from (f"/webhooks/{hook}", f"/webhooks/{hook}?tab=calls")
        calendar = self.api("POST", "/calendars", {
            "name": next(self.names), "dates": [{"date": "2026-12-24", "name": printable(self.texts[0])}],
        })["id"]  # fmt: skip
        each = {"flow_id": flow, "name": next(self.names), "expression": "0 6 * * *", "calendar_id": calendar}
        schedule = self.api("POST", "/schedules", each)["id"]
        job = self.api(
            "POST", "/jobs", {"name": next(self.names), "description": self.all, "flows": [{"flow_id": flow}]}
        )
        told = {"url": "https://receiver.invalid/hook", "name": next(self.names), "events": ["execution.*"]}
        subscription = self.api("POST", "/event-subscriptions", told)["id"]
        self.api("POST", "/roles", {"name": next(self.names), "permissions": ["flow:read"]})
        self.api("POST", "/api-keys", {"name": next(self.names), "permissions": ["flow:read"]})
        place = self.api("POST", "/workspaces", {"name": next(self.names), "description": self.all})["id"]
        self.api("POST", f"/workspaces/{place}/folders", {"name": next(self.names)})
        yield from (f"/calendars/{calendar}", f"/schedules/{schedule}", f"/jobs/{job['id']}")
        yield f"/event-subscriptions/{subscription}"
        yield from PAGES


@pytest.mark.timeout(3_600)
@pytest.mark.parametrize(
    ("each", "first"),
    [pytest.param(EACH, FIRST, marks=pytest.mark.slow), pytest.param(1, None, marks=pytest.mark.slow)],
)
def test_no_text_runs_wherever_it_is_shown(page: Page, api, steps, stack, each: int, first: int | None) -> None:
    texts = list(payloads("xss").values())[::each]
    ran: list[str] = []
    page.on("dialog", lambda dialog: (ran.append(f"dialog {dialog.message} at {page.url}"), dialog.dismiss()))
    shown: set[str] = set()
    seen = 0
    for begun in range(0, len(texts), ROUND):
        some = texts[begun : begun + ROUND]
        for at in islice(Writer(api, steps, stack, some).pages(), first):
            go(page, at)
            seen += 1
            ran += [f"{at}: {one}" for one in page.evaluate(ALIVE)]
            there = page.evaluate(SHOWN)
            shown.update(one for one in some if one in there)
    print(f"\n{len(texts)} texts on {seen} pages: {len(ran)} ran, {len(shown)} shown as they are")
    assert ran == []
    assert len(shown) > 0.9 * len(texts), [one for one in texts if one not in shown]
