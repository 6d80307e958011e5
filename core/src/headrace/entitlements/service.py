"""What an organization may use: features and limits. Code asks for these only, never for a plan or an edition."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

import sqlalchemy as sa
from msgspec import Struct
from sqlalchemy.ext.asyncio import AsyncSession

from headrace.accounts import features, seats
from headrace.entitlements import counts, parts, resolve
from headrace.entitlements.catalogue import Catalogue
from headrace.entitlements.plugin import Entitlements
from headrace.infra.clock import now
from headrace.plugins.manager import Host, load_plugins
from headrace.sdk.errors import FeatureOff, LimitReached
from headrace.sdk.hookspecs import OrganizationInfo

_INFO = "entitlements"
_KNOWN = sa.text("""
SELECT CASE WHEN s.next_at <= :now THEN s.next_edition ELSE s.edition END AS edition,
  CASE WHEN s.next_at <= :now THEN s.next_plan ELSE s.plan END AS plan,
  coalesce(s.status = 'suspended' OR (s.status = 'cancelled' AND coalesce(s.period_end, '-infinity') <= :now)
    OR (s.status = 'trialing' AND s.period_end <= :now), false) AS closed,
  o.kind, o.key, o.enabled, o.value,
  (SELECT i.value #>> '{}' FROM instance_state i WHERE i.key = 'entitlements') AS version
FROM (SELECT CAST(:organization_id AS uuid) AS id) g
LEFT JOIN subscriptions s ON s.organization_id = g.id
LEFT JOIN feature_overrides o ON o.organization_id = g.id AND (o.expires_at IS NULL OR o.expires_at > :now)
""")
_VERSION = sa.text("SELECT value #>> '{}' FROM instance_state WHERE key = 'entitlements'")


class _Process(Struct):
    """What this process asks."""

    host: Host
    answers: Entitlements


_process: list[_Process] = []


class Usage(Struct, frozen=True):
    """How much of a limit is used; -1 is unlimited. Beyond the soft one there is a warning, and all goes on."""

    type: str
    used: int
    limit: int
    remaining: int
    resets_at: datetime | None = None
    soft_limit: int = resolve.UNLIMITED
    warning: str = ""


def use_host(host: Host, *, licence: str = "") -> None:
    """Ask these plugins from now on; each process does this once at its start."""
    answers = Entitlements(host.registry, licence)
    host.register_default(answers, "entitlements")
    _process[:] = [_Process(host, answers)]


def _asked() -> _Process:
    if not _process:
        use_host(load_plugins())
    return _process[0]


def answers() -> Entitlements:
    """The last answers, for who changes what they stand on."""
    return _asked().answers


async def state(session: AsyncSession) -> Catalogue:
    """Editions, plans and features as this transaction sees them."""
    _, found = await _asked().answers.at(session, await session.scalar(_VERSION))
    return found


async def organization_info(session: AsyncSession, organization_id: UUID | None = None) -> OrganizationInfo:
    """Edition, plan and overrides; read once per transaction."""
    organization_id = organization_id or session.info["organization_id"]
    cached = session.info.get(_INFO)
    if isinstance(cached, OrganizationInfo) and cached.id == organization_id:
        return cached
    rows = (await session.execute(_KNOWN, {"organization_id": organization_id, "now": now()})).all()
    key, found = await _asked().answers.at(session, rows[0].version)
    info = OrganizationInfo(
        id=organization_id,
        edition=rows[0].edition or found.default[0],
        plan=rows[0].plan or found.default[1],
        features={one.key: bool(one.enabled) for one in rows if one.kind == "feature"},
        limits={one.key: one.value for one in rows if one.kind == "limit"},
        closed=rows[0].closed,
        catalogue=key,
    )
    session.info[_INFO] = info
    return info


def forget(session: AsyncSession) -> None:
    """Read anew what the organization has: this transaction has changed it."""
    session.info.pop(_INFO, None)


async def check_feature(
    session: AsyncSession, key: str, *, organization_id: UUID | None = None
) -> resolve.FeatureAnswer:
    """Whether the organization has a feature, and by what."""
    info = await organization_info(session, organization_id)
    asked = _asked()
    found = asked.answers.catalogue(info.catalogue)
    answer = resolve.feature(key, info, found.editions, found.features)
    enabled = bool(asked.host.decide("headrace_feature_enabled", feature=key, organization=info))
    return answer if answer.enabled == enabled else resolve.FeatureAnswer(key, enabled, "override")


async def require_feature(session: AsyncSession, key: str, *, organization_id: UUID | None = None) -> None:
    """Go on only with this feature.

    Raises:
        FeatureOff: naming the editions that have it.
    """
    if not (await check_feature(session, key, organization_id=organization_id)).enabled:
        found = _asked().answers.catalogue((await organization_info(session, organization_id)).catalogue)
        declared = found.features.get(key)
        title = declared.title if declared else resolve.FEATURES.get(key, key)
        editions = resolve.editions_with(key, found.editions)
        where = f"it is part of {', '.join(editions)}" if editions else "no installed edition has it"
        raise FeatureOff(f"the feature '{title}' is not in your edition; {where}", feature=key, editions=editions)


async def require_features(session: AsyncSession, keys: Iterable[str]) -> None:
    """Go on only with all of them; empty ones are none.

    Raises:
        FeatureOff: the first that is missing.
    """
    for key in sorted({*keys} - {""}):
        await require_feature(session, key)


async def enabled_features(session: AsyncSession, *, organization_id: UUID | None = None) -> dict[str, bool]:
    """Every known feature and whether the organization has it."""
    info = await organization_info(session, organization_id)
    keys = sorted({*resolve.FEATURES, *_asked().answers.catalogue(info.catalogue).features})
    return {key: (await check_feature(session, key, organization_id=organization_id)).enabled for key in keys}


async def limit_of(session: AsyncSession, key: str, *, organization_id: UUID | None = None) -> int:
    """The limit; -1 is unlimited."""
    info = await organization_info(session, organization_id)
    return int(_asked().host.decide("headrace_limit", limit=key, organization=info))


async def reserve(
    session: AsyncSession, key: str, *, organization_id: UUID | None = None, more: int = 1,
    within: Mapping[str, UUID | None] | None = None,
) -> None:  # fmt: skip
    """Go on only when so many more fit, exactly: others who create the same wait for this transaction's end.

    Args:
        session: The transaction that will create them, or has done so (`more` 0).
        key: The limit.
        organization_id: That of the transaction by default.
        more: How many.
        within: Whose they are, by `workspace` and `user`, which have limits of their own; None is nobody's.

    Raises:
        LimitReached: with limit, used and max.
    """
    organization_id = organization_id or session.info["organization_id"]
    await _reserve(session, key, key, organization_id, more, lambda: counts.used(session, key, organization_id))
    for whose in ("workspace", "user"):  # always in this order: who waits for one holds nothing that others need first
        id_ = (within or {}).get(whose)
        if id_ is not None:
            await _reserve(
                session, f"{key}_per_{whose}", f"{key}_per_{whose}|{id_}", organization_id, more,
                partial(parts.used, session, key, whose, organization_id, id_),
            )  # fmt: skip


async def _reserve(
    session: AsyncSession, key: str, lock: str, organization_id: UUID, more: int, count: Callable[[], Awaitable[int]]
) -> None:
    hard = await limit_of(session, key, organization_id=organization_id)
    soft = await limit_of(session, f"{key}{parts.SOFT}", organization_id=organization_id)
    if hard != resolve.UNLIMITED:
        await _alone(session, lock, organization_id)
        hard = await limit_of(session, key, organization_id=organization_id)
    elif soft == resolve.UNLIMITED:
        return
    used = await count()
    _within(key, used, hard, more)
    if soft != resolve.UNLIMITED and used + more > soft:
        parts.warn(key, used + more, soft)


async def require_writable(session: AsyncSession, key: str, id_: UUID, *, organization_id: UUID | None = None) -> None:
    """Go on only when one of a kind is within the limit: after a downgrade the newest ones can be read, nothing else.

    Raises:
        LimitReached: it is beyond.
    """
    organization_id = organization_id or session.info["organization_id"]
    most = await limit_of(session, key, organization_id=organization_id)
    info = await organization_info(session, organization_id)
    older = counts.COUNTED[key].older
    if most == resolve.UNLIMITED or older is None or (info.closed and key in resolve.GROWING):
        return
    before = int(await session.scalar(older, {"organization_id": organization_id, "id": id_}) or 0)
    if before >= most:
        raise LimitReached(
            f"the plan allows {most} {_words(key)}, and this is one of those beyond: it can be read and deleted, and "
            "changed again after an upgrade, or when older ones are deleted",
            limit=key, used=before + 1, max=most,
        )  # fmt: skip


async def hold_execution(session: AsyncSession, organization_id: UUID) -> int | None:
    """Go on only when the month has room for one more execution. Returns what `count_execution` wants.

    Raises:
        LimitReached: with limit, used, max and resets_at.
    """
    most = await limit_of(session, "executions", organization_id=organization_id)
    return None if most == resolve.UNLIMITED else await counts.hold_month(session, organization_id, most)


async def count_execution(session: AsyncSession, organization_id: UUID, held: int | None) -> None:
    """The execution is there; `held` is what `hold_execution` gave."""
    if held is not None:
        await counts.count_month(session, organization_id, held + 1)


async def usage(
    session: AsyncSession, key: str, *, organization_id: UUID | None = None, of: tuple[str, UUID] | None = None
) -> Usage:
    """How much of a limit is used and left, by the organization or by one `workspace` or `user` of it.

    Raises:
        NotFound: nothing counts such a thing.
    """
    key = counts.ALIASES.get(key, key)
    organization_id = organization_id or session.info["organization_id"]
    monthly = False
    if of is None:
        used = await counts.used(session, key, organization_id)
        monthly = counts.COUNTED[key].monthly
    else:
        used = await parts.used(session, key, of[0], organization_id, of[1])
        key = f"{key}_per_{of[0]}"
    maximum = await limit_of(session, key, organization_id=organization_id)
    remaining = resolve.UNLIMITED if maximum == resolve.UNLIMITED else max(0, maximum - used)
    resets_at = counts.next_month(now()) if monthly else None
    soft = await limit_of(session, f"{key}{parts.SOFT}", organization_id=organization_id)
    return Usage(key, used, maximum, remaining, resets_at, soft, parts.sentence(key, used, soft))


async def _take_seat(session: AsyncSession, organization_id: UUID, *, invited: bool) -> None:
    """One more person; an invitation is promised a seat, beside those that are."""
    if await limit_of(session, "users", organization_id=organization_id) == resolve.UNLIMITED:
        return
    await _alone(session, "users", organization_id)
    used = await counts.used(session, "users", organization_id)
    used += await counts.promised(session, organization_id) if invited else 0
    _within("users", used, await limit_of(session, "users", organization_id=organization_id), 1)


seats.asked[:] = [_take_seat]
features.asked[:] = [require_feature]


async def _alone(session: AsyncSession, key: str, organization_id: UUID) -> None:
    """Others who create the same wait for the end of this transaction, and what they have committed is seen."""
    lock = sa.func.pg_advisory_xact_lock(sa.func.hashtextextended(f"{organization_id}|{key}", 0))
    await session.execute(sa.select(lock))
    forget(session)


def _within(key: str, used: int, most: int, more: int) -> None:
    if most != resolve.UNLIMITED and used + more > most:
        raise LimitReached(
            f"the plan allows {most} {_words(key)}, {used} are used; delete some or upgrade the plan",
            limit=key, used=used, max=most,
        )  # fmt: skip


def _words(key: str) -> str:
    return key.replace("_", " ")
