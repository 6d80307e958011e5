"""An install that really runs: `headrace up --demo` in a home of its own, on a free port."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from headrace.cli.children import die_with_parent

STOP_S = 40
UNLIMITED = "anonymous=100000/h,sign_in=100000/h,route=100000/m"
"""All tests are one person's, so they would be held back."""


class Stack:
    """A running install: its address, the set-up link that it printed, the folder that flows may read and write."""

    def __init__(self, url: str, setup: str, files: Path) -> None:
        self.url = url
        self.setup = setup
        self.files = files


@contextmanager
def started(home: Path, **more: str) -> Iterator[Stack]:
    """The install in this home, with more in its environment; ended by its process id."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
    env |= {"HEADRACE_HOME": str(home), "PYTHONUNBUFFERED": "1", "HEADRACE_RATE_LIMITS": UNLIMITED, **more}
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "headrace", "up", "--demo", "--port", port],
        env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        preexec_fn=die_with_parent,  # noqa: PLW1509 - it only makes system calls
    )  # fmt: skip
    assert process.stdout
    try:
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl-C stops everything" in line:
                break
        link = re.search(r"(http\S+)/setup\?token=\S+", said)
        assert link, f"headrace does not start: {said}"
        yield Stack(link[1], link[0], home / "files")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_S)
        process.stdout.close()
