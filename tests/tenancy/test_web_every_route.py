"""T-WEB: headers, origins and proof on every route, those outside of the document too; errors are no exception."""

from __future__ import annotations

import re

import pytest
from headrace.accounts import service as accounts
from headrace_web.app import create_app
from headrace_web.security.browser import SAFE
from litestar import get

from tests.sweeps import of_part, swept
from tests.tenancy.operations import GHOST, OTHERS, Document
from tests.tenancy.things import side_of
from tests.tenancy.world import BASE, open_site

OUTSIDE = {
    r"/(health(/(live|ready))?|metrics|schema(/openapi\.json|/\{path\})?)": "for probes and readers",
    r"/(login|setup|forgot-password|reset-password|sign-up|register|invitation)?": "pages of the entrance",
    r"/\{place\}": "the pages of the UI, which ask the API who we are",
    r"/static/\{name\}": "files of the UI",
    r"/hooks/\{place\}": "webhooks judge their callers; POST is in the document",
    r"/forms/\{place\}": "hosted forms judge their callers",
    r"/chats/\{place\}": "hosted chats judge their callers",
}
"""Routes that the document does not have, each with its reason."""
JUDGING = {"/api/v1/scim/v2/{provider_id}/{place}": "SCIM, a document of its own: `sign_on/test_scim_directory.py`"}
"""Those of them that ask who calls."""
SOCKETS = ["/api/v1/ws", "/ws"]
FOREIGN = (
    "null", "", "http://evil.example", "http://127.0.0.1:8080.evil.example", "http://evil.example/127.0.0.1:8080",
    "http://127.0.0.1", "https://127.0.0.1:8080", "http://127.0.0.1:9999", "http://127.0.0.1:8080.", "http://localhost:8080",
    "http://user@127.0.0.1:8080", "HTTP://EVIL.EXAMPLE", "file://", "http://[::1]:8080",
)  # fmt: skip


ODD = (
    "TRACE /", "PUT /health", "GET /no/such/page", "GET /api/v1/flows/x", "GET /API/V1/flows",
    "POST /api/v1/auth/login", "GET /api/v1//flows", "GET /api/v1/flows%2f", "HEAD /api/v1/flows",
    "GET /static/../app.py", "GET /%00",
)  # fmt: skip
REFERRER = {"strict-origin-when-cross-origin", "same-origin", "no-referrer"}
"""None of them tells another site more than where one came from."""


def filled(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda m: OTHERS.get(m[1], GHOST), path)


async def test_a_route_outside_of_the_document_is_named_here(site):
    document = Document(site.app)
    outside = {path for path, _ in document.outside} - JUDGING.keys()
    unknown = [path for path in outside if not any(re.fullmatch(known, path) for known in OUTSIDE)]
    assert unknown == [], "put them into the document, or here with a reason and a rule"
    assert document.sockets == SOCKETS, "each socket needs tickets and origins, and a test of them"


def test_a_handler_without_a_declared_permission_stops_the_start(headrace_settings, plugin_host):
    @get("/open-by-mistake")
    async def forgotten() -> str:
        return "secret"

    with pytest.raises(RuntimeError, match=r"(?=.*declare no permission)(?=.*forgotten)(?=.*open-by-mistake)"):
        create_app(headrace_settings, plugin_host, more=[forgotten])


async def test_what_is_outside_is_the_same_for_all_and_shows_nothing_of_anybody(site, told):
    side = await side_of(site, "alphacanary")
    tried = 0
    for path, method in Document(site.app).outside:
        if path in JUDGING:
            continue
        answers = [
            await site.call(method, filled(path), headers) for headers in ({}, side.owner.headers, {"X-API-Key": "x"})
        ]
        assert len({one.status_code for one in answers}) == 1, path
        assert answers[0].status_code < 500
        for one in answers:
            assert side.canary not in one.text, path
            assert str(side.organization_id) not in one.text
        tried += 1
    told(f"outside of the document: {tried} routes, the same for strangers, owners and programs")
    assert tried >= 25


def wrong_headers(answer) -> list[str]:
    wanted = {
        "x-content-type-options": "nosniff", "x-frame-options": "DENY", "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }  # fmt: skip
    wrong = [name for name, value in wanted.items() if answer.headers.get(name) != value]
    policy = answer.headers.get("content-security-policy", "")
    others = "; ".join(part for part in policy.split("; ") if not part.startswith("style-src-attr"))
    if "default-src 'none'" not in policy or re.search(r"unsafe-|\*|https?:|wss?:", others):
        wrong.append("content-security-policy")
    if answer.headers.get("referrer-policy") not in REFERRER:
        wrong.append("referrer-policy")
    if not answer.headers.get("x-request-id"):
        wrong.append("x-request-id")
    if "access-control-allow-origin" in answer.headers:
        wrong.append("access-control-allow-origin")
    return wrong


async def test_every_route_and_every_error_has_the_headers(site, told):
    document = Document(site.app)
    asked = [(one.method, one.address(dict.fromkeys(one.ids, GHOST))) for one in document.operations]
    asked += [(method, filled(path)) for path, method in document.outside]
    asked += [(method, address) for method, address in (line.split() for line in ODD)]
    wrong, statuses = [], set()
    for method, address in asked:
        answer = await site.call(method, address, {})
        statuses.add(answer.status_code)
        wrong += [f"{method} {address} ({answer.status_code}): {name}" for name in wrong_headers(answer)]
        if address.startswith("/api/") and answer.headers.get("cache-control") != "no-store":
            wrong.append(f"{method} {address}: cache-control")
    told(f"headers: {len(asked)} routes and errors ({', '.join(map(str, sorted(statuses)))}), {len(wrong)} wrong")
    assert not wrong, "\n".join(wrong)
    assert {200, 401, 404, 405} <= statuses


@swept()
async def test_no_change_by_cookie_comes_from_a_foreign_page(site, told, part):
    side = await side_of(site, "alphacanary")
    owner = await site.browser(side, side.owner, proof=True)
    changes = [one for one in Document(site.app).operations if one.method not in SAFE and one.access != "public"]
    tried, through = 0, []
    for number, operation in enumerate(of_part(part, changes, lambda one: one.id)):
        address = operation.address(dict.fromkeys(operation.ids, GHOST))
        several = FOREIGN if operation.id == "flows_create_flow" else (FOREIGN[number % len(FOREIGN)], FOREIGN[2])
        for origin in several:
            answer = await site.call(operation.method, address, {**owner.headers, "Origin": origin}, {})
            tried += 1
            if answer.status_code != 403:
                through.append(f"{operation.id} from {origin!r}: {answer.status_code}")
        bare = {"Cookie": owner.headers["Cookie"]}
        for headers in (bare, {**bare, "Content-Type": "text/plain"}, {**bare, "Sec-Fetch-Site": "cross-site"}):
            answer = await site.call(operation.method, address, headers)
            tried += 1
            if answer.status_code != 403:
                through.append(f"{operation.id} without token {headers.keys()}: {answer.status_code}")
    told(f"foreign pages: {tried} changes by cookie, {len(through)} through")
    assert not through, "\n".join(through)


@pytest.mark.parametrize("origin", [*FOREIGN, "https://app.example.org.evil.example", "https://evilapp.example.org",
                                    "http://app.example.org", "https://app.example.org:444"])  # fmt: skip
async def test_only_the_named_origin_may_read_with_credentials(headrace_settings, plugin_host, origin):
    named = headrace_settings.replace(cors_origins=("https://app.example.org",))
    async with open_site(named, plugin_host) as site:
        asked = {"Access-Control-Request-Method": "POST"}
        for headers in ({"Origin": origin}, {"Origin": origin, **asked}):
            answer = await site.call("OPTIONS" if asked.keys() & headers.keys() else "GET", "/api/v1/flows", headers)
            assert answer.headers.get("access-control-allow-origin") not in {origin, "*"} or not origin
        good = await site.call("OPTIONS", "/api/v1/flows", {"Origin": "https://app.example.org", **asked})
        assert good.headers["access-control-allow-origin"] == "https://app.example.org"
        assert good.headers["access-control-allow-credentials"] == "true"


async def test_behind_https_cookies_and_answers_stay_there(headrace_settings, plugin_host):
    secure = headrace_settings.replace(public_url="https://headrace.example.org")
    async with open_site(secure, plugin_host) as site:
        side = await side_of(site, "alphacanary")
        async with site.services.database.transaction(side.organization_id) as session:
            email = (await accounts.user_by_id(session, side.owner.actor.user_id)).email
        body = {"email": email, "password": "correct horse battery staple 9", "kind": "browser"}
        answer = await site.call("POST", "/api/v1/auth/login", {"Origin": "https://headrace.example.org"}, body)
        cookies = {line.partition("=")[0]: line.lower() for line in answer.headers.get_list("set-cookie")}
        assert cookies.keys() == {"headrace_session", "headrace_csrf"}
        for line in cookies.values():
            assert "secure" in line
            assert "samesite=lax" in line
            assert "domain=" not in line
        assert "httponly" in cookies["headrace_session"]
        assert answer.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        foreign = await site.call("POST", "/api/v1/auth/login", {"Origin": BASE.replace("http", "https")}, body)
        assert foreign.status_code == 403
