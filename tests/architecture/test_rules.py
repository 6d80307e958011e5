"""The rules of the house, read from the folders: who imports whom, names, sizes, README, light declarations."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KINDS = {"connectors": "connector", "nodes": "node", "plugins": "plugin", "editions": "edition"}
PROVIDERS = ("auth_", "ai_", "storage_", "channel_", "secrets_", "engine_")
MAX_LINES = 400
HEAVY = (
    "polars",
    "narwhals",
    "ibis",
    "sqlglot",
    "sqlalchemy",
    "litestar",
    "psycopg",
    "pyarrow",
    "duckdb",
    "dramatiq",
    "redis",
    "httpx2",
    "httpcore2",
    "ldap3",
    "lxml",
    "signxml",
)
STDLIB = sys.stdlib_module_names
SUPPLIED = {
    "cassandra": "cassandra-driver", "firebird": "firebird-driver",
    "pluggy": "pluggy", "yaml": "pyyaml", "jwt": "pyjwt", "argon2": "argon2-cffi", "uuid_utils": "uuid-utils",
    "dateutil": "python-dateutil", "paho": "paho-mqtt", "nats": "nats-py", "smbclient": "smbprotocol",
    "bson": "pymongo", "pymysqlreplication": "mysql-replication", "google": "protobuf", "zmq": "pyzmq",
}  # fmt: skip


def members() -> list[Path]:
    found = [ROOT / "core", ROOT / "web"]
    return found + sorted(p.parent for folder in KINDS for p in (ROOT / folder).glob("*/pyproject.toml"))


def sources(member: Path) -> Iterator[Path]:
    yield from sorted((member / "src").rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module


def allowed(member: Path) -> tuple[str, ...]:
    """First-party modules that a member's sources may import."""
    folder, name = member.parent.name, member.name
    own = f"headrace_{KINDS[folder]}_{name}" if folder in KINDS else ""
    if member == ROOT / "core":
        return ("headrace",)
    if member == ROOT / "web":
        return ("headrace", "headrace_web")
    if folder == "connectors":
        return ("headrace.sdk", "headrace.kits", own)
    if name.startswith("storage_"):  # a store speaks the protocols that connectors speak
        return ("headrace.sdk", "headrace.kits", own)
    if folder in {"nodes", "editions"} or name.startswith(PROVIDERS):
        return ("headrace.sdk", own)
    return ("headrace.sdk", "headrace.feature", "headrace_web.sdk", own)


def within(module: str, prefixes: tuple[str, ...]) -> bool:
    return any(module == p or module.startswith(p + ".") for p in prefixes)


@pytest.mark.parametrize("member", members(), ids=lambda p: p.name)
def test_imports_first_party_only_what_its_folder_may(member: Path) -> None:
    may = allowed(member)
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {module}; {member.parent.name}/{member.name} may import"
        f" {', '.join(may)}"
        for path in sources(member)
        if "skeletons" not in path.parts
        for line, module in imports(path)
        if module.partition(".")[0].startswith("headrace") and not within(module, may)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("member", members(), ids=lambda p: p.name)
def test_declares_the_third_party_packages_it_imports(member: Path) -> None:
    project = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    listed = [*project.get("dependencies", ())]
    listed += [item for extra in project.get("optional-dependencies", {}).values() for item in extra]
    declared = {re.split(r"[\[<>=!~ ;]", item)[0].lower().replace("_", "-") for item in listed}
    if "headrace-core" in declared or "headrace-web" in declared:
        core = tomllib.loads((ROOT / "core/pyproject.toml").read_text())["project"]
        supplied = [*core["dependencies"], *(i for e in core["optional-dependencies"].values() for i in e)]
        declared |= {re.split(r"[\[<>=!~ ;]", item)[0].lower().replace("_", "-") for item in supplied}
    missing = set()
    for path in sources(member):
        for _, module in imports(path):
            top = module.partition(".")[0]
            if top in STDLIB or top.startswith("headrace"):
                continue
            if SUPPLIED.get(top, top).replace("_", "-") not in declared:
                missing.add(f"{top} ({path.relative_to(ROOT)})")
    assert not missing


@pytest.mark.parametrize("member", [m for m in members() if m.parent.name in KINDS], ids=lambda p: p.name)
def test_names_agree(member: Path) -> None:
    kind = KINDS[member.parent.name]
    project = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    package = f"headrace_{kind}_{member.name}"
    assert project["name"] == f"headrace-{kind}-{member.name.replace('_', '-')}"
    assert (member / "src" / package / "__init__.py").exists()
    assert (member / "src" / package / "py.typed").exists()
    assert project["entry-points"]["headrace"] == {f"{kind}-{member.name}": package}
    assert (member / "tests" / f"test_{member.name}.py").exists(), "each member has a test of its name"


def test_no_file_is_too_long() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    long = []
    for name in listed.stdout.split():
        if name.endswith((".py", ".ts", ".tsx")) and (ROOT / name).exists():
            lines = len((ROOT / name).read_text(encoding="utf-8").splitlines())
            if lines > MAX_LINES:
                long.append(f"{name}: {lines}")
    assert not long


def test_test_files_have_unique_names() -> None:
    names = [p.name for p in ROOT.rglob("test_*.py") if not {".venv", "node_modules", ".tools"} & set(p.parts)]
    assert sorted(names) == sorted(set(names))


def test_readme_tree_is_true() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```tree\n(.*?)```", text, re.DOTALL)
    assert block, "README.md has a ```tree block"
    named = [line.split()[0] for line in block[1].splitlines() if line.strip()]
    assert [name for name in named if not (ROOT / name).exists()] == []
    shown = {name.rstrip("/") for name in named}
    real = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith((".", "_"))} - {"artifacts"}
    assert real <= shown | {".venv"}


EACH = """
import os, sys
import headrace.sdk
heavy = sys.argv[1].split()
for package in sys.argv[2:]:
    if os.fork() == 0:
        __import__(package)
        print(package, *(name for name in heavy if name in sys.modules), flush=True)
        os._exit(0)
    os.wait()
"""
"""Imports each package alone, in a process that has imported what all of them do."""


def test_declarations_are_light() -> None:
    packages = [f"headrace_{KINDS[m.parent.name]}_{m.name}" for m in members() if m.parent.name in KINDS]
    command = [sys.executable, "-c", EACH, " ".join(HEAVY), *packages]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines() == packages, shown.stderr


BANNED_CALLS = {"eval", "exec", "compile"}
BANNED_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}


def test_no_eval_no_pickle() -> None:
    wrong = []
    for member in members():
        for path in sources(member):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            wrong += [
                f"{path}:{line} imports {m}" for line, m in imports(path) if m.partition(".")[0] in BANNED_MODULES
            ]
            wrong += [
                f"{path}:{node.lineno} calls {node.func.id}"
                for node in ast.walk(tree)
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in BANNED_CALLS
            ]
    assert not wrong


def test_waits_end_by_timeout_not_by_wait_for() -> None:
    """`asyncio.wait_for` of Python 3.11 may swallow a cancellation; `asyncio.timeout` does not."""
    called = [
        f"{path.relative_to(ROOT)}:{node.lineno} calls wait_for; use asyncio.timeout"
        for member in members()
        for path in sources(member)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "wait_for"
    ]
    assert not called, "\n".join(called)


def test_no_sql_is_built_from_strings() -> None:
    """`text()` and `execute()` get constants or SQL objects, never an f-string, `+`, `%` or `.format`."""
    wrong = []
    for member in members():
        for path in sources(member):
            if "migrations" in path.parts or path.name == "rls.py":
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not (isinstance(node, ast.Call) and node.args):
                    continue
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if name in {"text", "execute", "executemany", "exec_driver_sql"} and _built(node.args[0]):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno} builds SQL from strings")
    assert not wrong, "\n".join(wrong)


def _built(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return any(isinstance(part, ast.FormattedValue) for part in node.values)
    if isinstance(node, ast.BinOp):
        return isinstance(node.op, ast.Mod) or _built(node.left) or _built(node.right)
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format"


def test_every_hook_is_documented_and_used() -> None:
    """Each hook shows an example and has a plugin (or core's own answer) that uses it."""
    import headrace_web.hookspecs
    from headrace.sdk import hookspecs

    texts = [p.read_text(encoding="utf-8") for m in members() if m.parent.name in KINDS for p in sources(m)]
    texts += [p.read_text(encoding="utf-8") for p in (ROOT / "core/src/headrace/entitlements").glob("*.py")]
    texts += [p.read_text(encoding="utf-8") for p in (ROOT / "tests/plugins").glob("*.py")]
    hooks = {**vars(hookspecs), **vars(headrace_web.hookspecs)}
    for name in [name for name in hooks if name.startswith("headrace_")]:
        assert "Example:" in (hooks[name].__doc__ or ""), f"{name} needs an example"
        assert any(f"def {name}(" in text for text in texts), f"no plugin uses {name}"


NETWORK = (
    "socket", "socketserver", "urllib.request", "http.client", "ftplib", "smtplib", "imaplib", "poplib", "telnetlib",
    "xmlrpc", "requests", "aiohttp", "urllib3", "httpx", "httpx2", "httpcore", "httpcore2", "websockets", "pycurl",
)  # fmt: skip
OPENERS = {"Client", "AsyncClient", "create_connection", "open_connection", "urlopen", "HTTPTransport"}
DOOR = re.compile(r"core/src/headrace/sdk/egress\w*\.py")


def network_uses(text: str) -> Iterator[tuple[int, str]]:
    """Lines that reach the network by themselves, with what they use."""
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        yield from ((node.lineno, name) for name in names if within(name, NETWORK))
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in OPENERS:
                yield node.lineno, f"{called}()"


def test_only_the_door_opens_connections_to_other_machines() -> None:
    """Connectors, nodes, plugins and kits reach the network through `headrace.sdk.egress` or through their driver."""
    places = [path for member in members() if member.parent.name in KINDS for path in sources(member)]
    for folder in ("kits", "sdk"):
        places += sorted((ROOT / "core/src/headrace" / folder).rglob("*.py"))
    wrong = [
        f"{name}:{line} uses {what}; use headrace.sdk.egress"
        for path in places
        if not DOOR.fullmatch(name := path.relative_to(ROOT).as_posix())
        for line, what in network_uses(path.read_text(encoding="utf-8"))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "text",
    ["import socket", "from urllib.request import urlopen as u", "from urllib import request", "import httpx2 as h",
     "from http import client", "x.AsyncClient(base_url=1)", "asyncio.open_connection('a', 1)",
     "def f():\n import requests"],
)  # fmt: skip
def test_the_rule_of_the_door_can_fail(text: str) -> None:
    assert list(network_uses(text))
    assert not list(network_uses("from urllib.parse import urlsplit\nfrom headrace.sdk.egress import check_host"))
