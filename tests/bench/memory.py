"""The most memory that a piece of work takes, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

_CODE = """
import importlib, json, pathlib, sys
module, name, given = sys.argv[1:]
getattr(importlib.import_module(module), name)(*json.loads(given))
status = pathlib.Path("/proc/self/status").read_text()
print(next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM")))
"""
# not ru_maxrss: what it says of a child begins at the size of the parent


def peak_mib(module: str, name: str, *given: Any) -> int:
    """MiB of `module.name(*given)`, arguments as JSON."""
    done = subprocess.run(
        [sys.executable, "-c", _CODE, f"tests.bench.{module}", name, json.dumps(given)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(done.stdout.split()[-1])
