"""Child processes that die with us, and the unprivileged user they run as when we are root."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

_PR_SET_PDEATHSIG = 1
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 47, 2
_PR_SET_SECUREBITS, _SECURE_NO_SETUID_FIXUP = 28, 1 << 2
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_V3 = 0x20080522
_LIBC = ctypes.CDLL(None, use_errno=True)


class RunAs(Struct, frozen=True):
    """A user to switch to; `reach` keeps the right to pass through folders closed to that user."""

    uid: int
    gid: int
    reach: bool = False


def unprivileged(*paths: Path) -> RunAs | None:
    """Whom a server started by root runs as: `nobody`. None when we are not root.

    Args:
        *paths: What it must get at; when a folder above is closed to others (`/root`), the right to pass is kept.
    """
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    closed = any(not parent.stat().st_mode & stat.S_IXOTH for path in paths for parent in path.resolve().parents)
    return RunAs(nobody.pw_uid, nobody.pw_gid, reach=closed)


def own(folder: Path, run_as: RunAs | None) -> None:
    """Give a file, or a folder and all in it, to that user."""
    if run_as is None:
        return
    if folder.is_file():
        os.chown(folder, run_as.uid, run_as.gid)
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files, ""]:
            path = Path(root, name)
            if path.lstat().st_uid != run_as.uid:
                os.chown(path, run_as.uid, run_as.gid, follow_symlinks=False)


def spawn(
    command: Sequence[str | Path], *, log: Path, run_as: RunAs | None = None, env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:  # fmt: skip
    """Start a server that the kernel stops when the calling thread ends; its output goes to `log`.

    It gets a session of its own, so that Ctrl-C reaches us alone and we stop it in order.
    """
    with log.open("ab") as out:
        return subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd,
            start_new_session=True, preexec_fn=_prepare(run_as, os.getpid()),  # noqa: PLW1509 - the child only makes system calls
        )  # fmt: skip


def call(
    command: Sequence[str | Path],
    *,
    run_as: RunAs | None = None,
    env: Mapping[str, str] | None = None,
    timeout_s: int = 120,
) -> subprocess.CompletedProcess[str]:
    """Let a tool do its work and return its outcome; the caller looks at the code."""
    return subprocess.run(
        [str(part) for part in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env, check=False,
        timeout=timeout_s, preexec_fn=_prepare(run_as, os.getpid()),
    )  # fmt: skip


def _prepare(run_as: RunAs | None, parent: int) -> Callable[[], None]:
    def prepare() -> None:
        if run_as is not None:
            if run_as.reach:
                _LIBC.prctl(_PR_SET_SECUREBITS, _SECURE_NO_SETUID_FIXUP, 0, 0, 0)
            os.setgroups([])
            os.setresgid(run_as.gid, run_as.gid, run_as.gid)
            os.setresuid(run_as.uid, run_as.uid, run_as.uid)
            if run_as.reach:
                _keep_only_reach()
        if sys.platform == "linux":  # after setuid, which clears it
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Sets(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _keep_only_reach() -> None:
    """Drop every capability but those to pass closed folders, and hand these on through exec."""
    header, sets = _Header(_CAPABILITY_V3, 0), (_Sets * 2)()
    if _LIBC.capget(ctypes.byref(header), sets) != 0:
        return
    kept = sets[0].permitted & (1 << _CAP_DAC_OVERRIDE | 1 << _CAP_DAC_READ_SEARCH)
    sets[0] = _Sets(kept, kept, kept)
    sets[1] = _Sets(0, 0, 0)
    _LIBC.capset(ctypes.byref(header), sets)
    for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
        if kept & 1 << capability:
            _LIBC.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability, 0, 0)


def free_port(wish: int = 0) -> int:
    """A TCP port that was free on loopback a moment ago: the wish, if it is."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wish))
        except OSError:
            return free_port()
        port: int = probe.getsockname()[1]
        return port


def command_line(pid: int) -> list[str]:
    """The command line of a process; empty when there is none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def end(pid: int, *, gently: signal.Signals, within_s: float) -> None:
    """Stop a process that is ours but not our child, by force when it lingers."""
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        try:
            os.kill(pid, gently)
            if not _ended(handle, within_s):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
                _ended(handle, 5)
        finally:
            os.close(handle)


def _ended(handle: int, within_s: float) -> bool:
    import select

    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(within_s * 1000))
