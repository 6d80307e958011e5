"""The contract over a repository, on disk and over http by dulwich's own server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from dulwich import porcelain
from dulwich.repo import Repo
from dulwich.server import DictBackend
from dulwich.web import make_wsgi_chain
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError
from headrace.testing.files import FilesContract, sample_files


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HEADRACE_FILE_ROOTS", str(tmp_path))
    folder = tmp_path / "repo"
    folder.mkdir()
    repo = porcelain.init(str(folder))
    repo.close()
    commit(folder, sample_files())
    return folder


def commit(folder: Path, files: dict[str, bytes]) -> str:
    for name, body in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    with Repo(str(folder)) as repo:
        porcelain.add(repo, [str(folder / name) for name in files])
        made = porcelain.commit(repo, message=b"files", author=b"Ada <a@b>", committer=b"Ada <a@b>")
    return made.decode()


class Quiet(WSGIRequestHandler):
    """Says nothing."""

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def address(repository: Path) -> Iterator[str]:
    with Repo(str(repository)) as repo:
        app = make_wsgi_chain(DictBackend({"/": repo}))
        with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            yield f"http://127.0.0.1:{server.server_port}/"
            server.shutdown()
            thread.join()


class TestGit(FilesContract):
    connector_id = "git"

    @pytest.fixture
    def config(self, repository: Path, address: str) -> dict[str, Any]:
        self._folder = repository
        return {"repository": address}

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "ref": "no-such-branch"}

    def put(self, config: dict[str, Any], name: str, body: bytes) -> None:
        commit(self._folder, {name: body})


def open_(repository: str, ref: str = "") -> Any:
    entry = load_plugins(only=["connector-git"], strict=True).registry.connector("git")
    return entry.open({"repository": repository, "ref": ref})


def test_a_branch_a_tag_and_a_commit(repository: Path) -> None:
    first = commit(repository, {"a.csv": b"id\n1\n"})
    with Repo(str(repository)) as repo:
        porcelain.tag_create(repo, b"v1", message=b"one", annotated=True, author=b"Ada <a@b>")
    commit(repository, {"a.csv": b"id\n2\n"})
    for ref, value in ((first, 1), ("v1", 1), ("", 2)):
        opened = open_("repo", ref)
        opened.check()
        assert [frame.to_dicts() for frame in opened.read(opened.stream("a.csv"))] == [[{"id": value}]]
        opened.close()


def test_links_are_not_copied(repository: Path) -> None:
    (repository / "link.csv").symlink_to("/etc/passwd")
    with Repo(str(repository)) as repo:
        porcelain.add(repo, [str(repository / "link.csv")])
        porcelain.commit(repo, message=b"link", author=b"Ada <a@b>", committer=b"Ada <a@b>")
    opened = open_("repo")
    with pytest.raises(ConfigError, match="no file"):
        opened.stream("link.csv")
    opened.close()


@pytest.mark.parametrize(
    "place", ["/etc", "../..", "file:///etc", "ssh://x/y", "git://x/y", "http://169.254.169.254/r"]
)
def test_no_other_place(repository: Path, place: str) -> None:
    opened = open_(place)
    with pytest.raises(ConfigError):
        opened.check()
    opened.close()
