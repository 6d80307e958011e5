"""What a plugin with routes imports: the context of a request, permissions, the envelope."""

from headrace_web.deps import Context
from headrace_web.envelope import (
    ApiStruct,
    Envelope,
    IfMatch,
    Paging,
    base_version,
    given,
    merged,
    ok,
    page_of,
    shown,
)
from headrace_web.flow_sync import Synced, sync_flows
from headrace_web.guards import OF_ACCOUNTS, PERSON, SIGNED_IN, permission, scoped
from headrace_web.hookspecs import hookimpl

__all__ = [
    "OF_ACCOUNTS",
    "PERSON",
    "SIGNED_IN",
    "ApiStruct",
    "Context",
    "Envelope",
    "IfMatch",
    "Paging",
    "Synced",
    "base_version",
    "given",
    "hookimpl",
    "merged",
    "ok",
    "page_of",
    "permission",
    "scoped",
    "shown",
    "sync_flows",
]
