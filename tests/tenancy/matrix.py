"""The cells: every operation x principal x owner of the object, called and judged."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

import httpx
import psycopg
from headrace.infra.settings import Settings
from headrace.testing.services import needs, with_database
from msgspec import Struct
from psycopg import sql

from tests.tenancy.operations import GHOST, Document, Operation
from tests.tenancy.oracle import Owner, expected, least
from tests.tenancy.things import GLOBAL, SHOWN, make
from tests.tenancy.world import Principal, Side, Site

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{32}")
_TIME = re.compile(r'"timestamp":"[^"]+"')


ENDING = {
    "organizations_close_organization", "organizations_leave", "subscriptions_delete_subscription",
    "subscriptions_update_subscription", "subscriptions_replace_subscription", "subscriptions_put_override",
    "features_put_feature", "features_delete_feature",
}  # fmt: skip
"""After these there is no going on: whoever may is not asked."""
PATIENCE_S = 20.0
SIGNING_OUT = ("/logout", "/switch")
"""After these a sign-in is over: whoever calls them signs in once more for it."""


class Cell(Struct, frozen=True):
    """One question."""

    operation: Operation
    principal: str
    owner: Owner

    @property
    def name(self) -> str:
        """For readers, and to choose by."""
        return f"{self.operation.id} by {self.principal} on {self.owner}"


class Judge:
    """Calls cells for one organization, and keeps what is wrong."""

    def __init__(self, site: Site, document: Document, mine: Side, theirs: Side) -> None:
        self.site = site
        self.document = document
        self.mine = mine
        self.theirs = theirs
        self.wrong: list[str] = []
        self.leaks = 0
        self.counted: Counter[str] = Counter()

    def cells(self) -> Iterator[Cell]:
        """All of them: nobody's and another's before one's own, which may change."""
        for owner in ("nobody", "other", "own"):
            for operation in self.document.operations:
                for name, principal in self.mine.people.items():
                    cell = Cell(operation, name, owner)
                    if _asked(cell, refused=expected(operation, principal, owner) in {401, 403}):
                        yield cell

    async def judge(self, cell: Cell) -> None:
        """Call one and compare with the rule."""
        principal = self.mine.people[cell.principal]
        want = expected(cell.operation, principal, cell.owner)
        operation = cell.operation
        ids = await self.ids(cell, changing=want == 0)
        if operation.path.endswith(SIGNING_OUT) and want == 0:
            principal = await self.site.again(self.mine, principal)
        self.counted[cell.owner] += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                answer = await self._call(operation, principal, ids)
        except TimeoutError:
            self._say(cell, f"no answer in {PATIENCE_S:g} s")
            return
        self._look_for_theirs(cell, answer, ids)
        code = answer.json().get("error", {}).get("code", "") if answer.status_code in {401, 403} else ""
        if answer.status_code >= 500:
            self._say(cell, f"{answer.status_code} {answer.text}")
        elif want and answer.status_code != want:
            self._say(cell, f"{answer.status_code} instead of {want}: {answer.text}")
        elif want == 404 and cell.owner == "other":
            nothing = await self._call(operation, principal, dict.fromkeys(operation.ids, GHOST))
            if plain(nothing) != plain(answer):
                self._say(cell, f"told apart from nothing: {plain(answer)} and {plain(nothing)}")
                self.leaks += 1
        elif not want and least(operation) != "public" and code in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
            if not self._refused_by_rank(answer):
                self._say(cell, f"not let through: {answer.text}")
        elif not want and cell.owner == "own" and operation.ids and answer.status_code == 404:
            nothing = await self._call(operation, principal, dict.fromkeys(operation.ids, GHOST))
            if plain(nothing) == plain(answer) and least(operation) != "public":
                self._say(cell, f"its own is not there: {answer.text}")

    async def ids(self, cell: Cell, *, changing: bool) -> dict[str, str]:
        """What the address names; what may be changed is a new one."""
        wanted = cell.operation.ids
        if cell.owner == "nobody" or not wanted:
            return dict.fromkeys(wanted, GHOST)
        side = self.mine if cell.owner == "own" else self.theirs
        ids = {name: side.ids[name] if name not in GLOBAL or cell.owner == "own" else GHOST for name in wanted}
        personal = {"session_id", "key_id", "ticket_id"} & set(wanted)
        if cell.owner == "own" and changing and (cell.operation.method != "GET" or personal):
            last = wanted[-1] if wanted[-1] != "other_id" else wanted[0]
            if last in side.ids and last != "organization_id":
                principal = self.mine.people[cell.principal]
                ids[last] = await make(self.site, side, last, principal, operation=cell.operation.id)
        return ids

    async def _call(self, operation: Operation, principal: Principal, ids: dict[str, str]) -> httpx.Response:
        body = self.document.body_of(operation)
        return await self.site.call(operation.method, operation.address(ids), principal.headers, body)

    def _look_for_theirs(self, cell: Cell, answer: httpx.Response, ids: dict[str, str]) -> None:
        if self.mine.people[cell.principal].platform and least(cell.operation) == "platform":
            return  # whoever runs the installation sees all organizations in its lists
        told = answer.text + str(answer.headers)
        found = self.theirs.canary in told or any(
            id_ in told for name, id_ in self.theirs.ids.items() if id_ not in ids.values() and name not in SHOWN
        )
        if found:
            self.leaks += 1
            self._say(cell, f"shows what is another's: {answer.text[:400]}")

    @staticmethod
    def _refused_by_rank(answer: httpx.Response) -> bool:
        """Let through by the guard, refused by a rule of the thing itself, which names no permission."""
        return answer.status_code == 403 and "permission" not in answer.json()["error"]["details"]

    def _say(self, cell: Cell, what: str) -> None:
        self.wrong.append(f"{cell.name}: {what[:600]}")


def _asked(cell: Cell, *, refused: bool) -> bool:
    """Whether a cell says something, and leaves what the next ones need."""
    if cell.owner == "own":
        return refused or cell.operation.id not in ENDING
    whoever_runs_the_installation_sees_all = cell.owner == "other" and least(cell.operation) == "platform"
    return bool(cell.operation.ids) and not whoever_runs_the_installation_sees_all


def plain(answer: httpx.Response) -> tuple[Any, ...]:
    """An answer without what differs between any two requests."""
    text = _TIME.sub("", _ID.sub("<id>", answer.text))
    told = {name: answer.headers.get(name) for name in ("content-type", "etag", "location", "www-authenticate")}
    return answer.status_code, text, tuple(told.items())


def admin_url(settings: Settings) -> str:
    """The site's database, as its administrator."""
    return with_database(needs("postgres"), settings.database_url.reveal().rpartition("/")[2])


def digests(admin_url: str, organization_id: UUID) -> dict[str, str]:
    """A hash of an organization's rows, by table, past row-level security.

    Whom a way to sign in has refused is passed over: any stranger may be refused.
    """
    with psycopg.connect(admin_url) as connection:
        tables: Sequence[tuple[str, str]] = connection.execute("""
            SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
              AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'organization_id' END""").fetchall()
        found = {}
        for table, column in tables:
            query = sql.SQL(
                "SELECT count(*) || ' ' || coalesce(md5(string_agg(md5(r), '' ORDER BY md5(r))), '') "
                "FROM (SELECT (to_jsonb(t) - 'last_refusal' - 'last_refused_at')::text AS r FROM {} t WHERE {} = %s) x"
            ).format(sql.Identifier(table), sql.Identifier(column))
            found[table] = connection.execute(query, [organization_id]).fetchone()[0]
    return found
