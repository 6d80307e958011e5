"""Mail that arrives in a folder: UIDVALIDITY and UID are the place; marks follow once the events are stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from headrace.sdk import ConfigError, Event, Received, SourceContext, SourceTrigger
from msgspec import Struct

from headrace_connector_imap.attachments import sorted_out
from headrace_connector_imap.connector import ImapConnector
from headrace_connector_imap.inbox_config import InboxConfig
from headrace_connector_imap.mail import row_of

BYTES_MAX = 32_000_000
"""Mails of one go have no more bytes together, but for the first."""
_SIZE, _AT, _WHOLE, _HEADERS = b"RFC822.SIZE", b"INTERNALDATE", b"BODY[]", b"BODY[HEADER]"


class Place(Struct, frozen=True, omit_defaults=True):
    """Where we are in the folder.

    Attributes:
        uid: The last mail that is stored, or is not for us.
        at: When the server received it; finds the place again when the folder is numbered anew.
        after: Mails that are stored and have yet to be marked or moved.
    """

    validity: int
    uid: int
    at: str = ""
    after: tuple[int, ...] = ()


class Inbox(SourceTrigger[InboxConfig]):
    """Looks into one folder. What is to be done with a mail stands in the cursor until it is done."""

    @property
    def every_s(self) -> float:
        """As the config says."""
        return self.config.every_seconds

    def receive(self, ctx: SourceContext, cursor: Mapping[str, Any], *, wait_s: float) -> Received:
        """The next mails, after what is left to do with the last ones.

        Raises:
            ConfigError: there is no such folder, or it may not be written.
            AuthError, TransientError: as the server answers.
        """
        connector = ctx.connector(self.config.connection)
        if not isinstance(connector, ImapConnector):
            raise ConfigError("mail is read from a mailbox; choose a connection to one", field="connection")
        with connector.told():
            link = connector.link()
            validity, following = self._select(connector, link)
            if not cursor:
                last = following - 1 if self.config.first == "new" else 0
                return Received(cursor=_stored(Place(validity, last)), more=self.config.first == "all")
            place = Place(cursor["validity"], cursor["uid"], cursor.get("at", ""), tuple(cursor.get("after", ())))
            if place.validity != validity:
                place = _found_again(link, place, validity, following)
            self._finish(link, place.after)
            return self._take(ctx, link, place, following)

    def _select(self, connector: ImapConnector, link: Any) -> tuple[int, int]:
        """Open the folder; its validity, and the number of its next mail."""
        for field, name in (("folder", self.config.folder), ("target", self.config.target)):
            wanted = field == "folder" or self.config.after == "move"
            if wanted and not (name and link.folder_exists(name)):
                there = ", ".join(sorted(found for _, _, found in link.list_folders())[:20])
                raise ConfigError(f"there is no folder '{name}' in {connector.where}; there is {there}", field=field)
        opened = link.select_folder(self.config.folder, readonly=self.config.after == "leave")
        if self.config.after != "leave" and b"READ-ONLY" in opened:
            raise ConfigError(f"the folder '{self.config.folder}' of {connector.where} may only be read; choose Leave",
                              field="after")  # fmt: skip
        return int(opened[b"UIDVALIDITY"]), int(opened[b"UIDNEXT"])

    def _finish(self, link: Any, uids: Sequence[int]) -> None:
        """Mark or move what is stored. Twice is once: a mail that is gone is left out by the server."""
        if uids and self.config.after == "seen":
            link.add_flags(uids, [b"\\Seen"], silent=True)
        elif uids and self.config.after == "move":
            if link.has_capability("MOVE"):
                link.move(uids, self.config.target)
            else:
                there = link.search(["UID", _set(uids)])
                link.copy(there, self.config.target)
                link.delete_messages(there, silent=True)
                link.uid_expunge(there) if link.has_capability("UIDPLUS") else link.expunge()

    def _take(self, ctx: SourceContext, link: Any, place: Place, following: int) -> Received:
        found = sorted(uid for uid in link.search(self._criteria(place.uid), "UTF-8") if uid > place.uid)
        if not found:
            return Received(cursor=_stored(Place(place.validity, max(place.uid, following - 1), place.at)))
        known = link.fetch(found[: self.config.batch], [_SIZE, _AT])
        taken: list[int] = []
        events: list[Event] = []
        size = 0
        for uid in found[: self.config.batch]:
            facts = known.get(uid)
            if facts is None:  # somebody has removed it meanwhile
                taken.append(uid)
                continue
            whole = facts[_SIZE] <= self.config.max_mb * 1_000_000
            size += facts[_SIZE] if whole else 0
            if events and size > BYTES_MAX:
                break
            event = self._event(ctx, link, place.validity, uid, facts, whole=whole)
            taken.append(uid)
            events += [event] if event else []
        at = max((known[uid][_AT].astimezone(UTC).isoformat() for uid in taken if uid in known), default=place.at)
        todo = () if self.config.after == "leave" else tuple(taken)
        return Received(events=events, cursor=_stored(Place(place.validity, taken[-1], at, todo)), more=True)

    def _criteria(self, uid: int) -> list[str]:
        config = self.config
        given = ["UID", f"{uid + 1}:*"]
        given += ["UNSEEN"] if config.unseen else []
        given += ["FROM", config.sender] if config.sender else []
        return given + (["SUBJECT", config.subject] if config.subject else [])

    def _event(
        self, ctx: SourceContext, link: Any, validity: int, uid: int, facts: Mapping[bytes, Any], *, whole: bool
    ) -> Event | None:
        part = _WHOLE if whole else _HEADERS
        answer = link.fetch([uid], [part.replace(b"BODY", b"BODY.PEEK")]).get(uid)
        if answer is None:
            return None
        key = f"{validity}:{uid}"
        row, files = row_of(answer[part] or b"")
        files, attachments, refused = sorted_out(self.config, files, ctx.trigger_id, key)
        if refused:
            ctx.log("attachments refused", mail=key, files=[f"{one['name']}: {one['reason']}" for one in refused])
        more = {"uid": uid, "folder": self.config.folder, "size_bytes": facts[_SIZE],
                "received_at": facts[_AT].astimezone(UTC), "attachments": attachments, "refused": refused,
                "truncated": row["truncated"] or not whole}  # fmt: skip
        return Event(key=key, rows=[{**row, **more}], files=files)


def _found_again(link: Any, place: Place, validity: int, following: int) -> Place:
    """The place in a folder that was numbered anew: after the last mail that we have stored, by time of arrival."""
    if not place.at:
        return Place(validity, following - 1)
    at = datetime.fromisoformat(place.at)
    since = link.search(["SINCE", (at - timedelta(days=1)).date()])
    arrived = link.fetch(since, [_AT]) if since else {}
    later = [uid for uid, facts in arrived.items() if facts[_AT].astimezone(UTC) > at]
    return Place(validity, min(later, default=following) - 1, place.at)


def _stored(place: Place) -> dict[str, Any]:
    given: dict[str, Any] = {"validity": place.validity, "uid": place.uid}
    if place.at:
        given["at"] = place.at
    if place.after:
        given["after"] = list(place.after)
    return given


def _set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))
