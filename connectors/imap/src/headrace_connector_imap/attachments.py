"""Which attachments of a mail become files, and why the others do not."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatch
from typing import Any

from headrace.sdk import EventFile, file_key

from headrace_connector_imap.inbox_config import InboxConfig


def sorted_out(
    config: InboxConfig, files: Sequence[EventFile], trigger_id: str, key: str
) -> tuple[list[EventFile], list[dict[str, Any]], list[dict[str, Any]]]:
    """What is kept, what rows say of it, and what they say of the rest.

    Args:
        config: What is allowed.
        files: All attachments of a mail, in order.
        trigger_id: Whose files they become.
        key: Of the event.
    """
    kept: list[EventFile] = []
    told: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for file in files:
        facts = {"name": file.name, "media_type": file.media_type, "size_bytes": len(file.content)}
        why = _why_not(config, file, len(kept))
        if why is None:
            told.append({**facts, "key": file_key(trigger_id, key, len(kept))})
            kept.append(file)
        else:
            refused.append({**facts, **why})
    return kept, told, refused


def _why_not(config: InboxConfig, file: EventFile, before: int) -> dict[str, str] | None:
    """A code and a sentence, if it is refused."""
    kinds = [one.lower() for one in config.attachment_types if "/" in one]
    endings = tuple(one.lower() for one in config.attachment_types if "/" not in one)
    if kinds and not any(fnmatch(file.media_type.lower(), kind) for kind in kinds):
        return {"code": "TYPE_REFUSED", "reason": f"files of type {file.media_type} are not allowed here"}
    if endings and not file.name.lower().endswith(endings):
        return {
            "code": "TYPE_REFUSED",
            "reason": f"files without the ending {' or '.join(endings)} are not allowed here",
        }
    if len(file.content) > config.attachment_max_mb * 1_000_000:
        return {"code": "TOO_LARGE", "reason": f"it is larger than {config.attachment_max_mb:g} MB"}
    if before >= config.attachments_max:
        return {"code": "TOO_MANY", "reason": f"the mail has more than {config.attachments_max} allowed attachments"}
    return None
