"""Payloads in headers, searches, sorts, filters and names of the API: no server error, nothing slow, nothing broken."""

from __future__ import annotations

import re
import time

import httpx

from tests.corpora import payloads
from tests.sweeps import of_part, swept, whole
from tests.tenancy.matrix import admin_url, digests
from tests.tenancy.operations import GHOST, Document
from tests.tenancy.things import side_of

HEADERS = (
    "X-Correlation-ID", "If-Match", "Idempotency-Key", "Origin", "X-CSRF-Token", "Authorization", "X-API-Key", "Cookie",
    "Accept", "Content-Type", "X-Forwarded-For", "X-Forwarded-Host", "X-HTTP-Method-Override", "X-Organization-Id",
)  # fmt: skip
SLOW_S = 1.0


@swept()
async def test_no_header_breaks_an_answer(site, told, part):
    side = await side_of(site, "alphacanary")
    tried, sent, wrong = 0, 0, []
    for id_, text in of_part(part, payloads("headers").items()):
        for name in HEADERS:
            tried += 1
            headers = {**side.owner.headers, name: text.encode("utf-8")}
            try:
                answer = await site.call("POST", "/api/v1/workspaces", headers, {"name": ""})
            except (httpx.LocalProtocolError, UnicodeError):
                continue  # no client sends that
            sent += 1
            told_ = str(answer.headers)
            if answer.status_code >= 500 or "evil" in told_ or "a=b" in told_ or _echoed(text, answer):
                wrong.append(f"{id_} in {name}: {answer.status_code} {answer.text[:200]} {told_[:300]}")
    said = f"headers: {tried} payloads tried, {sent} sent, {len(wrong)} through"
    told(said, **whole(part, payloads_headers=tried, payloads_headers_through=len(wrong)))
    assert not wrong, "\n".join(wrong)


@swept()
async def test_no_text_of_a_query_or_a_name_is_sql(site, headrace_settings, told, part):
    mine, theirs = [await side_of(site, name) for name in ("alphacanary", "betacanary")]
    before = digests(admin_url(headrace_settings), theirs.organization_id)
    document, tried, wrong = Document(site.app), 0, []
    for number, (id_, text) in enumerate(of_part(part, payloads("injections").items())):
        for operation in document.operations:
            if operation.method != "GET" or operation.access == "public" or operation.path.endswith("/stream"):
                continue
            words = [name for name, schema in operation.query.items() if _is_text(document, schema)]
            if not words:
                continue
            address = operation.address({name: mine.ids.get(name, GHOST) for name in operation.ids})
            name = words[number % len(words)]
            url = httpx.URL(address).copy_set_param(name, text.encode("utf-16", "surrogatepass").decode("utf-16"))
            for _ in range(3):  # what sleeps or explodes is slow each time, a machine that is busy is not
                started = time.monotonic()
                answer = await site.call("GET", str(url), mine.owner.headers)
                slow = time.monotonic() - started > SLOW_S
                if not slow:
                    break
            tried += 1
            if answer.status_code >= 500 or theirs.canary in answer.text or slow:
                wrong.append(f"{id_} as {name} of {operation.id}: {answer.status_code} {answer.text[:300]}")
        made = await site.call("POST", "/api/v1/workspaces", mine.owner.headers, {"name": text[:200]})
        tried += 1
        if made.status_code == 201:
            kept = made.json()["data"]["name"]
            if kept != text[:200].strip():
                wrong.append(f"{id_} as a name became {kept!r}")
        elif made.status_code != 422:
            wrong.append(f"{id_} as a name: {made.status_code} {made.text[:300]}")
    said = f"injections: {tried} payloads tried, {len(wrong)} through"
    told(said, **whole(part, payloads_injections=tried, payloads_injections_through=len(wrong)))
    assert not wrong, "\n".join(wrong)
    assert digests(admin_url(headrace_settings), theirs.organization_id) == before


def _echoed(text: str, answer) -> bool:
    """Whether it comes back as it was; what is a good id of a request may."""
    return text in answer.headers.values() and not re.fullmatch(r"[A-Za-z0-9._-]{1,64}", text)


def _is_text(document, schema) -> bool:
    schema = document.resolved(schema)
    return schema.get("type") == "string" and "format" not in schema
