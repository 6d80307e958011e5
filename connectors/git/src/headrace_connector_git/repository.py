"""One commit of a repository, copied: over https through the door, or from a folder that the operator opened.

No git program, hook, filter, submodule or link is used; only files are copied, with their commit's time.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dulwich.client import AbstractHttpGitClient
from dulwich.errors import GitProtocolError, HangupException, NotGitRepository
from dulwich.object_store import iter_tree_contents
from dulwich.objects import Commit, Tag
from dulwich.refs import HEADREF
from dulwich.repo import Repo
from headrace.kits.files.http_fs import HttpFileSystem, basic_or_bearer
from headrace.kits.files.paths import clean, resolve_root
from headrace.sdk import ConfigError, DataError, TransientError

if TYPE_CHECKING:
    from headrace_connector_git import GitConfig

COPY_BYTES = 4 * 2**30
"""Of all files of a commit."""


class _Door(AbstractHttpGitClient):
    """Speaks git's protocol over the egress door."""

    def __init__(self, config: GitConfig) -> None:
        super().__init__(config.repository, quiet=True)
        self._http = HttpFileSystem(config.repository)
        given = basic_or_bearer(config.user or "git", config.token.reveal(), "") if config.token else {}
        self._http.sign = lambda *_: given  # type: ignore[method-assign]

    def _http_request(
        self, url: str, headers: dict[str, str] | None = None, data: bytes | Iterator[bytes] | None = None,
        raise_for_status: bool = True,
    ) -> Any:  # fmt: skip
        body = data if isinstance(data, bytes) else b"".join(data or ())
        answer = self._http.call("POST" if data is not None else "GET", url, headers=headers, body=body)

        class Response:
            status = answer.status
            content_type = answer.headers.get("content-type")
            redirect_location = answer.url if answer.url != url else ""
            headers = answer.headers

            def close(self) -> None:
                """Nothing is open."""

        return Response(), BytesIO(answer.body).read


def found(config: GitConfig) -> bytes:
    """The commit that the ref names.

    Raises:
        ConfigError: there is no such repository or ref.
    """
    with _told(config):
        if config.repository.startswith(("http://", "https://")):
            refs = _Door(config).get_refs(b"").refs
        else:
            with Repo(str(resolve_root(config.repository)[0])) as repo:
                refs = {**repo.get_refs()}
                named: Any = config.ref.encode()
                if len(named) == 40 and named in repo.object_store:
                    return bytes(named)
    return _chosen(refs, config)


def _chosen(refs: Any, config: GitConfig) -> bytes:
    name = config.ref.encode()
    for ref in (HEADREF,) if not name else (b"refs/heads/" + name, b"refs/tags/" + name, name):
        if refs.get(ref):
            return bytes(refs[ref])
    if name in set(refs.values()):
        return name
    some = ", ".join(sorted(ref.decode().rpartition("/")[2] for ref in refs if b"heads/" in ref)[:10]) or "nothing"
    raise ConfigError(f"the repository has no '{config.ref or 'HEAD'}'; there is {some}", field="ref")


def checked_out(config: GitConfig, folder: Path) -> None:
    """Copy the files of the ref's commit into a folder.

    Raises:
        ConfigError: there is no such repository or ref.
        DataError: the files are larger than allowed.
    """
    part = folder.with_name(".part")
    part.mkdir(parents=True, exist_ok=True)
    if not config.repository.startswith(("http://", "https://")):
        commit = found(config)
        with Repo(str(resolve_root(config.repository)[0])) as repo:
            _copy(repo, commit, part)
    else:
        chosen = b""
        with tempfile.TemporaryDirectory(dir=folder.parent) as place, Repo.init_bare(place) as repo, _told(config):

            def wanted(refs: Any, depth: int | None = None) -> list[Any]:  # noqa: ARG001 - as dulwich calls it
                nonlocal chosen
                chosen = _chosen(refs, config)
                return [chosen]

            _Door(config).fetch(b"", repo, determine_wants=wanted, depth=1)
            _copy(repo, chosen, part)
    part.rename(folder)


def _copy(repo: Any, name: bytes, folder: Path) -> None:
    commit = repo[name]
    while isinstance(commit, Tag):
        commit = repo[commit.object[1]]
    if not isinstance(commit, Commit):
        raise ConfigError("the ref is no commit; choose a branch or tag", field="ref")
    done = 0
    for entry in iter_tree_contents(repo.object_store, commit.tree):
        if entry.mode & 0o170000 != 0o100000:  # links and submodules
            continue
        blob = repo[entry.sha]
        done += blob.raw_length()
        if done > COPY_BYTES:
            raise DataError(f"the files of the commit are larger than {COPY_BYTES // 2**30} GiB")
        try:
            target = folder / clean(entry.path.decode())
        except (ConfigError, UnicodeDecodeError):
            continue  # a name that no stream can have
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(blob.data)
        os.utime(target, (commit.commit_time, commit.commit_time))


class _told:  # noqa: N801 - reads as a statement
    """Errors of git as ours."""

    def __init__(self, config: GitConfig) -> None:
        self._name = config.repository

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, NotGitRepository | FileNotFoundError):
            raise ConfigError("there is no git repository at that place; correct it", field="repository") from None
        if isinstance(error, GitProtocolError | HangupException):
            raise TransientError("the git server broke off; it is tried again", detail=repr(error)) from None
