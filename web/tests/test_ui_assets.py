"""The pages of the UI and its files: what is served, from where, and for how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from headrace_web import assets, pages
from litestar import Litestar
from litestar.testing import TestClient

MANIFEST = """{"src/main.tsx": {"file": "assets/main-1.js", "css": ["assets/main-1.css"], "imports": ["_frame-1.js"]},
 "_frame-1.js": {"file": "assets/frame-1.js", "css": ["assets/frame-1.css"], "imports": ["src/main.tsx"]}}"""


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of static files like a build leaves it, with a file beside it that is nobody's business."""
    static = tmp_path / "static"
    (static / "dist" / "assets").mkdir(parents=True)
    (static / "dist" / "manifest.json").write_text(MANIFEST)
    (static / "dist" / "assets" / "main-1.js").write_text("export {}")
    (static / ".hidden").write_text("no")
    (tmp_path / "outside.txt").write_text("no")
    monkeypatch.setattr(assets, "STATIC", static)
    monkeypatch.setattr(assets, "MANIFEST", static / "dist" / "manifest.json")
    return static


@pytest.fixture
def client() -> Iterator[TestClient[Litestar]]:
    """The pages alone."""
    with TestClient(Litestar(route_handlers=pages.route_handlers, openapi_config=None)) as client:
        yield client


@pytest.mark.parametrize("path", ["/", "/flows/1", "/executions", "/executions/1", "/connections", "/approvals"])
def test_shell_names_the_built_files_and_has_no_inline_script(
    built: Path, client: TestClient[Litestar], path: str
) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert '<script type="module" src="/static/dist/assets/main-1.js"></script>' in page.text
    sheets = [page.text.find(f'href="/static/dist/assets/{name}-1.css"') for name in ("frame", "main")]
    assert 0 < sheets[0] < sheets[1], "those of what it needs come first"
    assert "<script>" not in page.text


def test_unbuilt_ui_says_how_to_build_it(built: Path, client: TestClient[Litestar]) -> None:
    (built / "dist" / "manifest.json").unlink()
    assert "make ui" in client.get("/").text


def test_built_files_are_kept_and_named_rightly(built: Path, client: TestClient[Litestar]) -> None:
    script = client.get("/static/dist/assets/main-1.js")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"].startswith("text/javascript")
    assert client.get("/static/dist/manifest.json").headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["../outside.txt", "dist/../../outside.txt", ".hidden", "dist", "missing.js"])
def test_nothing_but_files_of_the_ui_is_found(built: Path, name: str) -> None:
    assert assets.find(name) is None


def test_setup_escapes_its_token(client: TestClient[Litestar]) -> None:
    page = client.get("/setup", params={"token": '"><script>alert(1)</script>'})
    assert page.status_code == 200
    assert "<script>alert" not in page.text


def test_texts_are_packed_for_browsers_that_take_it(built: Path, client: TestClient[Litestar]) -> None:
    script = built / "dist" / "assets" / "main-1.js"
    for text in ("export const a = 1;" * 500, "export const b = 2;" * 500):
        script.write_text(text)
        packed = client.get("/static/dist/assets/main-1.js", headers={"Accept-Encoding": "gzip, br"})
        assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert packed.text == text
        assert int(packed.headers["content-length"]) < len(text) / 10
    plain = client.get("/static/dist/assets/main-1.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == text
