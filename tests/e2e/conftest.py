"""One real stack for the session, an account made through its set-up link, and pages that watch themselves."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from headrace_web import assets
from playwright.sync_api import Browser, Page, StorageState, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.e2e import picture
from tests.e2e.install import Stack, started
from tests.e2e.pages import prepared
from tests.trust import record

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
EMAIL, PASSWORD = "ada@example.org", "correct horse battery staple 9"
WAIT_MS = 30_000
RUN_MS = 120_000
"""How long an execution may take on a busy machine."""
FINAL = re.compile("completed|failed|cancelled|timed_out")
WATCH = """addEventListener('securitypolicyviolation', (e) => reportPolicy(`${e.violatedDirective} ${e.blockedURI}`))"""


def missing(config: pytest.Config, reason: str) -> None:
    """Skip with a line that nobody overlooks; fail where a browser is promised (`HEADRACE_E2E=1`)."""
    if os.environ.get("HEADRACE_E2E") == "1":
        pytest.fail(f"{reason} (HEADRACE_E2E=1 promises a browser)")
    with config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
        print(f"\nBROWSER TESTS SKIPPED: {reason}", file=sys.stderr, flush=True)
    pytest.skip(reason)


@pytest.fixture(scope="package")
def chromium(pytestconfig: pytest.Config) -> str:
    """The system's Chromium."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        missing(pytestconfig, f"no {', '.join(BROWSERS[:3])} on the PATH; install Chromium to run them")
    if assets.entry() is None:
        missing(pytestconfig, "the UI is not built; run `make ui`")
    return str(found)


@pytest.fixture(scope="package")
def stack(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The install that the tests share."""
    with started(tmp_path_factory.mktemp("headrace")) as one:
        yield one


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """A browser for a file of tests; no longer, since its event loop would meet those of other files' tests."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            yield opened
        finally:
            opened.close()


Watched = Callable[..., Any]


@contextmanager
def watched(browser: Browser, url: str, **options: Any) -> Iterator[Page]:
    """A page whose console, content policy and requests are checked when it closes."""
    expect.set_options(timeout=WAIT_MS)
    context = browser.new_context(base_url=url, **{"viewport": {"width": 1440, "height": 900}, **options})
    context.set_default_timeout(WAIT_MS)
    page, host = context.new_page(), urlsplit(url).netloc
    troubles: list[str] = []
    expected: list[str] = []
    page.expected = expected  # type: ignore[attr-defined]
    context.expose_binding("reportPolicy", lambda _, text: troubles.append(f"content policy: {text}"))
    context.add_init_script(WATCH)
    page.on("console", lambda said: _console(troubles, said.type, f"{said.text} at {said.location.get('url')}"))
    page.on("pageerror", lambda error: troubles.append(f"page error: {error}"))
    page.on("request", lambda asked: _request(troubles, asked.url, host))
    try:
        yield page
    except PlaywrightError as error:
        if troubles:
            error.add_note("the page said: " + "; ".join(troubles))
        raise
    finally:
        picture.take(page)
        context.close()
    assert [one for one in troubles if not any(part in one for part in expected)] == []


def _console(troubles: list[str], kind: str, text: str) -> None:
    if kind in {"error", "warning"} or "[DOM]" in text:
        troubles.append(f"console {kind}: {text}")


def _request(troubles: list[str], url: str, host: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in {"data", "blob"} and parts.netloc != host:
        troubles.append(f"foreign request: {url}")


@pytest.fixture(scope="package")
def account(chromium: str, stack: Stack) -> StorageState:
    """Follows the set-up link, makes the first account and lands on the dashboard; the sign-in as cookies."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        try:
            with watched(opened, stack.url) as page:
                page.goto(stack.setup)
                page.get_by_label("Your name").fill("Ada")
                page.get_by_label("E-mail").fill(EMAIL)
                page.get_by_label("Password").fill(PASSWORD)
                page.get_by_role("button", name="Create").click()
                expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
                return page.context.storage_state()
        finally:
            opened.close()


@pytest.fixture
def watch() -> Callable[..., Any]:
    """`watched`, for an install of the test's own."""
    return watched


@pytest.fixture
def figure() -> Callable[..., None]:
    """Prints what was measured; `HEADRACE_FIGURES=1` keeps it for `docs/TRUST.md`."""

    def say(name: str, values: Sequence[float], *, title: str, unit: str, size: str = "") -> None:
        ordered = sorted(values)
        print(f"\n{name}: {ordered[len(ordered) // 2]:,.4g} {unit}" + f" (n = {len(ordered)})" * (len(ordered) > 1))
        if os.environ.get("HEADRACE_FIGURES") == "1":
            record(name, values, title=title, unit=unit, size=size)

    return say


@pytest.fixture
def open_page(browser: Browser, stack: Stack, account: StorageState) -> Iterator[Watched]:
    """Opens a watched page, signed in; options are those of a browser context."""
    with ExitStack() as pages:

        def make(**options: Any) -> Page:
            return pages.enter_context(watched(browser, stack.url, **{"storage_state": account, **options}))

        yield make


@pytest.fixture
def page(open_page: Watched) -> Page:
    """A watched page, signed in."""
    opened: Page = open_page()
    return opened


class Api:
    """The same account as a program, to prepare flows and to look at what was stored."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        answer = self._client.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert answer.is_success, answer.text
        return answer.json()["data"]

    def flow(self, name: str, nodes: list[dict[str, Any]], edges: list[tuple[str, str]] = ()) -> str:  # type: ignore[assignment]
        """A flow of these steps; an edge is `a.out`, `b.in`."""
        drawn = []
        for number, (source, target) in enumerate(edges):
            (a, out), (b, into) = source.split("."), target.split(".")
            drawn.append({"id": f"e{number}", "source": a, "sourceHandle": out, "target": b, "targetHandle": into})
        made = self("POST", "/flows", {"name": name, "definition": {"nodes": nodes, "edges": drawn}})
        return str(made["id"])

    def demo(self) -> str:
        """The id of the demo flow."""
        return next(str(flow["id"]) for flow in self("GET", "/flows?q=Flights") if flow["name"] == "Flights")


@pytest.fixture(scope="package")
def signed_in() -> dict[str, str]:
    """The newest sign-in of the program: an address may sign in only so often."""
    return {}


@pytest.fixture
def api(stack: Stack, account: StorageState, signed_in: dict[str, str]) -> Iterator[Api]:
    """The API as the account."""
    with httpx.Client(base_url=stack.url, timeout=RUN_MS / 1_000) as client:
        if not client.get("/api/v1/auth/me", headers=signed_in).is_success:
            asked = {"email": EMAIL, "password": PASSWORD, "kind": "program"}
            answer = client.post("/api/v1/auth/login", json=asked)
            assert answer.is_success, answer.text
            signed_in["Authorization"] = f"Bearer {answer.json()['data']['access_token']}"
        client.headers.update(signed_in)
        yield Api(client)


def step(id_: str, kind: str, x: int, y: int = 0, **config: Any) -> dict[str, Any]:
    """A step of a canvas, named like its id."""
    data = {"nodeType": kind, "nodeVersion": 1, "label": id_.title(), "config": config}
    return {"id": id_, "type": "step", "position": {"x": x, "y": y}, "data": data}


@pytest.fixture(scope="package")
def made() -> list[str]:
    """What `details` has made once."""
    return []


@pytest.fixture
def details(api: Api, steps: Callable[..., dict[str, Any]], made: list[str]) -> list[str]:
    """Addresses of single things, each with something in it."""
    made[:] = made or prepared(api, steps)
    return made


@pytest.fixture
def run() -> Callable[..., None]:
    """Starts an execution from the page and waits until that one, and no other, is in its final state."""

    def started(page: Page, act: Callable[[], None] | None = None, state: str = "completed") -> None:
        button = page.get_by_role("button", name="Run", exact=True)
        with page.expect_response(lambda answer: answer.url.endswith("/execute")) as answer:
            (act or button.click)()
        execution = answer.value.json()["data"]["id"]
        badge = page.locator(f'.dock[data-execution="{execution}"] .badge[data-state]')
        expect(badge).to_have_attribute("data-state", FINAL, timeout=RUN_MS)
        expect(badge).to_have_attribute("data-state", state)

    return started


@pytest.fixture
def steps() -> Callable[..., dict[str, Any]]:
    """Makes steps."""
    return step
