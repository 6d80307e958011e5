"""What third parties build on. Light: msgspec, pluggy and the standard library only."""

from headrace.sdk.config import Config, Field, Secret, parse_config, secret_names
from headrace.sdk.connectors import Connector, Reject, Rejector, Stream, WriteMode, WriteResult
from headrace.sdk.engines import Engine
from headrace.sdk.errors import AuthError, ConfigError, DataError, HeadraceError, PluginError, TransientError
from headrace.sdk.forms import config_schema
from headrace.sdk.hookspecs import OrganizationInfo, hookimpl
from headrace.sdk.manifests import (
    ERROR_PORT,
    Action,
    Capability,
    Command,
    ConnectorManifest,
    EditionManifest,
    Effect,
    EffectClass,
    EngineManifest,
    Feature,
    FlowTemplate,
    Lazy,
    MigrationBranch,
    NodeManifest,
    Plan,
    Port,
    Trigger,
    lazy,
)
from headrace.sdk.nodes import Node, NodeContext
from headrace.sdk.types import Column, DataType, FrameFacts

__all__ = [
    "ERROR_PORT",
    "Action",
    "AuthError",
    "Capability",
    "Column",
    "Command",
    "Config",
    "ConfigError",
    "Connector",
    "ConnectorManifest",
    "DataError",
    "DataType",
    "EditionManifest",
    "Effect",
    "EffectClass",
    "Engine",
    "EngineManifest",
    "Feature",
    "Field",
    "FlowTemplate",
    "FrameFacts",
    "HeadraceError",
    "Lazy",
    "MigrationBranch",
    "Node",
    "NodeContext",
    "NodeManifest",
    "OrganizationInfo",
    "Plan",
    "PluginError",
    "Port",
    "Reject",
    "Rejector",
    "Secret",
    "Stream",
    "TransientError",
    "Trigger",
    "WriteMode",
    "WriteResult",
    "config_schema",
    "hookimpl",
    "lazy",
    "parse_config",
    "secret_names",
]
