"""The plugin host: find, load and isolate plugins, ask them one at a time."""

from __future__ import annotations

import hashlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterable
from functools import cached_property, lru_cache, partial
from importlib import import_module
from importlib.metadata import Distribution, EntryPoint, distributions
from pathlib import Path
from typing import Any, NamedTuple

import pluggy

from headrace.plugins.records import PluginRecord
from headrace.plugins.registry import Registry
from headrace.sdk import hookspecs
from headrace.sdk.errors import PluginError

GROUP = "headrace"
SLOW_MS = 1_000
"""A declaration slower than this is reported as slow; it is loaded all the same."""


class Host:
    """All plugins of this process.

    Attributes:
        records: One per entry point, failed ones included, by name.
        registry: Manifests by kind and id.
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.records: list[PluginRecord] = []
        self.registry = Registry()
        self._modules: dict[str, Any] = {}
        self._importers: dict[str, Callable[[], Any]] = {}
        self._hooks = pluggy.PluginManager("headrace")
        self._hooks.add_hookspecs(hookspecs)

    def add(self, record: PluginRecord, module: Callable[[], Any]) -> None:
        """Load one plugin and take its declarations, all or none."""
        self.records.append(record)
        self._importers[record.name] = module
        if record.state != "disabled":
            self._load(record)

    def switch(self, disabled: Collection[str]) -> bool:
        """Switch distributions off, and all others on, while the process works. Returns whether anything changed.

        The registry stays the same object with other contents; what has been taken out of it before goes on.
        """
        off = {record.name for record in self.records if record.distribution in disabled}
        moved = [r for r in self.records if r.state != "failed" and (r.state == "disabled") != (r.name in off)]
        if not moved:
            return False
        self.registry.clear()
        for record in self.records:
            loaded = self._modules.pop(record.name, None)
            if loaded is not None:
                self._hooks.unregister(loaded)
            record.provides = {}
            if record.state != "failed":
                record.state = "disabled" if record.name in off else "enabled"
            if record.state == "enabled":
                self._load(record)
        self.__dict__.pop("plugin_set_hash", None)
        return True

    def _load(self, record: PluginRecord) -> None:
        started = time.perf_counter()
        try:
            self._modules[record.name] = loaded = self._importers[record.name]()
            self._hooks.register(loaded, record.name)
            self.registry.declare(record, self._declarations(record))
        except Exception as error:
            self._drop(record, error)
        record.load_ms = (time.perf_counter() - started) * 1_000
        if os.environ.get("HEADRACE_TRACE_PLUGINS"):
            print(f"plugin {record.name}: {record.state} in {record.load_ms:.1f} ms", file=sys.stderr)  # noqa: T201

    def _drop(self, record: PluginRecord, error: Exception) -> None:
        if self.strict:
            raise error
        self._modules.pop(record.name, None)
        if self._hooks.get_plugin(record.name) is not None:
            self._hooks.unregister(name=record.name)
        said = error.message if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"
        record.fail(f"{record.name} ({record.distribution} {record.version}): {said}", traceback.format_exc())

    def _declarations(self, record: PluginRecord) -> dict[str, list[Any]]:
        """Answers of the plugin's declare hooks by kind."""
        found: dict[str, list[Any]] = {}
        for kind in Registry.kinds:
            hook = getattr(self._modules[record.name], f"headrace_{kind}", None)
            if hook is not None:
                found[kind] = list(hook())
        return found

    def decide(self, hook: str, **arguments: Any) -> Any:
        """First answer of the plugins that is not None; an exception denies (False for a feature, 0 for a limit)."""
        try:
            return getattr(self._hooks.hook, hook)(**arguments)
        except Exception:
            return False if hook.endswith("enabled") else 0

    def register_default(self, module: Any, name: str | None = None) -> None:
        """Add core's own `trylast` answers; those of the same name before them go."""
        if name is not None and self._hooks.get_plugin(name) is not None:
            self._hooks.unregister(name=name)
        self._hooks.register(module, name)

    @cached_property
    def plugin_set_hash(self) -> str:
        """Hash over (distribution, version, fingerprint) of every plugin that works."""
        parts = sorted(f"{r.distribution}=={r.version}#{r.fingerprint}" for r in self.records if r.state == "enabled")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]

    @property
    def distributions(self) -> frozenset[str]:
        """Distributions that this process can serve."""
        return frozenset(r.distribution for r in self.records if r.state == "enabled")


def load_plugins(
    *, group: str = GROUP, only: Iterable[str] | None = None, disabled: Collection[str] = (), strict: bool = False
) -> Host:
    """Find every installed plugin and load it; a broken one is recorded, never raised (unless `strict`).

    Args:
        group: Entry-point group.
        only: Names to load (default: `HEADRACE_LOAD_PLUGINS`, else all).
        disabled: Distributions that an admin switched off.
        strict: Raise the first failure instead (CI).
    """
    chosen = os.environ.get("HEADRACE_LOAD_PLUGINS", "")
    wanted = set(only) if only is not None else {name for name in chosen.split(",") if name}
    host = Host(strict=strict)
    for point, name, dist in _entry_points(group):
        if wanted and point.name not in wanted:
            continue
        record = PluginRecord(
            name=point.name, module=point.value, distribution=name.name, version=name.version,
            fingerprint=_fingerprint(dist), state="disabled" if name.name in disabled else "enabled",
        )  # fmt: skip
        host.add(record, partial(import_module, point.value))
    return host


class _Name(NamedTuple):
    name: str
    version: str


def _entry_points(group: str) -> list[tuple[EntryPoint, _Name, Distribution]]:
    """Entry points of the group with their distribution, by name; looked for anew when something was installed."""
    return _installed(group, tuple((folder, _changed(folder)) for folder in sys.path))


@lru_cache(maxsize=4)
def _installed(group: str, path: tuple[tuple[str, int], ...]) -> list[tuple[EntryPoint, _Name, Distribution]]:
    """The same of folders as they are since a time; a distribution seen twice on the path counts once."""
    found: dict[tuple[str, str], tuple[EntryPoint, _Name, Distribution]] = {}
    for dist in distributions(path=[folder for folder, _ in path]):
        ours = [point for point in dist.entry_points if point.group == group]
        if ours:
            facts = dist.metadata  # parsed at each look
            name = _Name(facts["Name"], facts["Version"])
            for point in ours:
                found.setdefault((point.name, name.name), (point, name, dist))
    return [found[key] for key in sorted(found)]


def _changed(folder: str) -> int:
    try:
        return Path(folder).stat().st_mtime_ns
    except OSError:
        return 0


def _fingerprint(dist: Distribution) -> str:
    """Hash of the RECORD, which holds a hash of every file; an editable install has none of the code in it."""
    return hashlib.sha256((dist.read_text("RECORD") or "").encode()).hexdigest()[:12]
