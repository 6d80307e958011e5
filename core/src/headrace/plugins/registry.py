"""Manifests by kind and id, with who brought them; clashes name both sides."""

from __future__ import annotations

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, ClassVar

from msgspec import Struct
from msgspec.structs import replace

from headrace.plugins.connector_nodes import connector_nodes
from headrace.plugins.poll_triggers import poll_triggers
from headrace.plugins.records import PluginRecord
from headrace.plugins.trigger_nodes import trigger_node
from headrace.sdk.auth import AuthProvider, AuthProviderManifest
from headrace.sdk.config import Config, parse_config
from headrace.sdk.connectors import Connector
from headrace.sdk.errors import ConfigError, PluginError
from headrace.sdk.manifests import (
    COMPENSATE_PORT,
    Chore,
    Command,
    ConnectorManifest,
    EditionManifest,
    Effect,
    EngineManifest,
    Feature,
    FlowTemplate,
    MigrationBranch,
    NodeManifest,
)
from headrace.sdk.secrets import SecretBackendManifest
from headrace.sdk.triggers import TriggerType

_ID = re.compile(r"[a-z][a-z0-9_]*\Z")


class NodeType(Struct, frozen=True):
    """A node type and its plugin. `connector` is its connector's id when it was derived from one."""

    id: str
    manifest: NodeManifest
    plugin: PluginRecord
    connector: str = ""


class ConnectorEntry(Struct, frozen=True):
    """A connector and its plugin."""

    manifest: ConnectorManifest
    plugin: PluginRecord

    @property
    def dialect(self) -> str:
        """What its SQL is written in, by sqlglot's name."""
        return str(getattr(load(self.manifest.factory.load, self.plugin), "dialect", self.manifest.id))

    def open(self, config: Mapping[str, Any]) -> Connector[Any]:
        """A connector object over plain config data.

        Raises:
            ConfigError: the config does not fit.
            PluginError: the driver or the class cannot be imported.
        """
        parsed = parse_config(self.manifest.config, dict(config))
        made: Connector[Any] = load(self.manifest.factory.load, self.plugin)(parsed)
        return made


class TriggerEntry(Struct, frozen=True):
    """A kind of trigger, its plugin and the node type that it is."""

    manifest: TriggerType
    plugin: PluginRecord
    node_type: str


class AuthEntry(Struct, frozen=True):
    """A way to sign in and its plugin."""

    manifest: AuthProviderManifest
    plugin: PluginRecord

    def open(self, config: Mapping[str, Any]) -> AuthProvider[Any]:
        """A provider over plain config data.

        Raises:
            ConfigError: the config does not fit, or it is the host's own.
            PluginError: its library or class cannot be imported.
        """
        if self.manifest.factory is None:
            raise ConfigError(f"'{self.manifest.id}' needs no configuration", field="provider")
        parsed = parse_config(self.manifest.config, dict(config))
        made: AuthProvider[Any] = load(self.manifest.factory.load, self.plugin)(parsed)
        return made


def load(importer: Any, plugin: PluginRecord) -> Any:
    """Import the work of a plugin; what goes wrong becomes a PluginError that names it."""
    try:
        return importer()
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"plugin {plugin.name} ({plugin.distribution} {plugin.version}) cannot be used: {error}; "
            "reinstall it with its drivers",
            detail=repr(error), plugin=plugin.name, distribution=plugin.distribution,
        ) from error  # fmt: skip


class Registry:
    """What the enabled plugins offer. Each mapping is by id; `generation` counts how often all was told anew."""

    kinds: ClassVar[dict[str, type]] = {
        "connectors": ConnectorManifest,
        "nodes": NodeManifest,
        "triggers": TriggerType,
        "engines": EngineManifest,
        "secrets": SecretBackendManifest,
        "auth_providers": AuthProviderManifest,
        "features": Feature,
        "editions": EditionManifest,
        "templates": FlowTemplate,
        "migrations": MigrationBranch,
        "chores": Chore,
        "cli": Command,
    }

    def __init__(self) -> None:
        self.generation = 0
        self.clear()

    def clear(self) -> None:
        """Forget everything; who holds a mapping keeps what was in it."""
        self.generation += 1
        self.nodes: dict[str, NodeType] = {}
        self.connectors: dict[str, ConnectorEntry] = {}
        self.triggers: dict[str, TriggerEntry] = {}
        self.engines: dict[str, EngineManifest] = {}
        self.secrets: dict[str, SecretBackendManifest] = {}
        self.auth_providers: dict[str, AuthEntry] = {}
        self.features: dict[str, Feature] = {}
        self.editions: dict[str, EditionManifest] = {}
        self.templates: dict[str, FlowTemplate] = {}
        self.migrations: dict[str, MigrationBranch] = {}
        self.chores: dict[str, Chore] = {}
        self.cli: dict[str, Command] = {}
        self._owners: dict[tuple[str, str], PluginRecord] = {}

    def declare(self, plugin: PluginRecord, offered: Mapping[str, list[Any]]) -> None:
        """Take a plugin's manifests, all or none.

        Raises:
            PluginError: wrong type, bad id, or an id that another plugin has.
        """
        entries: list[tuple[str, Any]] = [(kind, manifest) for kind, items in offered.items() for manifest in items]
        named = [(kind, self._checked(plugin, kind, manifest), manifest) for kind, manifest in entries]
        seen: set[tuple[str, str]] = set()
        for kind, name, _ in named:
            other = plugin if (kind, name) in seen else self._owners.get((kind, name))
            if other is not None:
                raise PluginError(_clash(kind, name, plugin, other))
            seen.add((kind, name))
        for kind, name, manifest in named:
            self._owners[kind, name] = plugin
            self._take(plugin, kind, name, manifest)
            plugin.provides.setdefault(kind, []).append(name)

    def _checked(self, plugin: PluginRecord, kind: str, manifest: Any) -> str:
        wanted: Any = self.kinds[kind]
        if not isinstance(manifest, wanted):
            raise PluginError(f"headrace_{kind} must return {wanted.__name__} records, not {type(manifest).__name__}")
        if not _ID.match(manifest.id):
            raise PluginError(f"id {manifest.id!r} of headrace_{kind} must be lower case letters, digits and _")
        return f"{plugin.id}.{manifest.id}" if kind in {"nodes", "cli"} else str(manifest.id)

    def _take(self, plugin: PluginRecord, kind: str, name: str, manifest: Any) -> None:
        if kind == "nodes":
            self.nodes[name] = NodeType(name, _compensable(manifest), plugin)
        elif kind == "connectors":
            self.connectors[name] = ConnectorEntry(manifest, plugin)
            for node in connector_nodes(manifest):
                self.nodes[f"{name}.{node.id}"] = NodeType(f"{name}.{node.id}", _compensable(node), plugin, name)
            for trigger in poll_triggers(manifest):
                node_type = f"{name}.{trigger.id.removeprefix(f'{name}_')}"
                self.triggers[trigger.id] = TriggerEntry(trigger, plugin, node_type)
                self.nodes[node_type] = NodeType(node_type, trigger_node(trigger), plugin, name)
        elif kind == "triggers":
            node_type = f"{plugin.id}.{name}"
            self.triggers[name] = TriggerEntry(manifest, plugin, node_type)
            self.nodes[node_type] = NodeType(node_type, trigger_node(manifest), plugin)
        elif kind == "auth_providers":
            self.auth_providers[name] = AuthEntry(manifest, plugin)
        else:
            getattr(self, kind)[name] = manifest

    def node(self, type_id: str) -> NodeType:
        """The node type of that id.

        Raises:
            ConfigError: `code` is plugin_missing when no plugin brings the family, else unknown_node.
        """
        found = self.nodes.get(type_id)
        if found is not None:
            return found
        family = type_id.partition(".")[0]
        if any(known.partition(".")[0] == family for known in self.nodes):
            near = get_close_matches(type_id, self.nodes, 1)
            hint = f"did you mean '{near[0]}'?" if near else "choose another step"
            raise ConfigError(f"there is no node type '{type_id}'; {hint}", problem="unknown_node")
        raise ConfigError(
            f"node type '{type_id}' needs a plugin '{family}' that is not installed or not enabled; install it, "
            "e.g. `headrace plugins list` shows what there is",
            problem="plugin_missing",
        )

    def connector(self, connector_id: str) -> ConnectorEntry:
        """The connector of that id.

        Raises:
            ConfigError: no enabled plugin brings it.
        """
        found = self.connectors.get(connector_id)
        if found is None:
            near = get_close_matches(connector_id, self.connectors, 1)
            hint = f"did you mean '{near[0]}'?" if near else f"install headrace-connector-{connector_id}"
            raise ConfigError(f"there is no connector '{connector_id}'; {hint}", problem="plugin_missing")
        return found

    def trigger(self, trigger_type: str) -> TriggerEntry:
        """The kind of trigger of that id.

        Raises:
            ConfigError: no enabled plugin brings it.
        """
        found = self.triggers.get(trigger_type)
        if found is None:
            near = get_close_matches(trigger_type, self.triggers, 1)
            hint = f"did you mean '{near[0]}'?" if near else "install and enable the plugin that brings it"
            raise ConfigError(f"there is no trigger type '{trigger_type}'; {hint}", problem="plugin_missing")
        return found

    def auth_provider(self, provider: str) -> AuthEntry:
        """The way to sign in of that id.

        Raises:
            ConfigError: no enabled plugin brings it.
        """
        found = self.auth_providers.get(provider)
        if found is None:
            known = ", ".join(sorted(self.auth_providers)) or "none"
            raise ConfigError(f"there is no auth provider '{provider}'; installed are {known}", field="provider")
        return found

    def config_of(self, type_id: str) -> type[Config]:
        """Config Struct of a node type."""
        return self.node(type_id).manifest.config


def _compensable(manifest: NodeManifest) -> NodeManifest:
    """What has an effect can be undone: it has a port for that."""
    if manifest.effect in {Effect.NONE, Effect.READ} or COMPENSATE_PORT in manifest.outputs:
        return manifest
    return replace(manifest, outputs=(*manifest.outputs, COMPENSATE_PORT))


def _clash(kind: str, name: str, one: PluginRecord, two: PluginRecord) -> str:
    what = {"nodes": "node type", "cli": "command", "migrations": "migration branch", "secrets": "secret backend"}.get(
        kind, kind.rstrip("s")
    )
    return (
        f"{what} '{name}' is offered by both {two.name} ({two.distribution} {two.version}) and "
        f"{one.name} ({one.distribution} {one.version}); uninstall one"
    )
