"""Plans: those of the edition packages, which may be changed, and the installation's own."""

from __future__ import annotations

from typing import Literal

from headrace.entitlements import plans, preview
from litestar import Controller, delete, get, patch, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Struct, UnsetType

from headrace_web.deps import Context
from headrace_web.envelope import ApiStruct, Envelope, IfMatch, base_version, given, ok
from headrace_web.guards import OF_ACCOUNTS, SIGNED_IN, permission


class PlanBody(ApiStruct):
    """A plan of an edition: features that it adds to the edition's or (false) takes away; -1 is no limit."""

    key: str
    edition: str
    title: str
    features: dict[str, bool] = {}
    limits: dict[str, int] = {}


class PlanPatch(ApiStruct):
    """What to change; `features` and `limits` are replaced as a whole."""

    title: str | UnsetType = UNSET
    features: dict[str, bool] | UnsetType = UNSET
    limits: dict[str, int] | UnsetType = UNSET
    row_version: int | None = None


class PlanPut(ApiStruct):
    """A plan as it shall be: what is left out is none."""

    title: str
    features: dict[str, bool] = {}
    limits: dict[str, int] = {}
    row_version: int | None = None


class PlanOut(Struct, kw_only=True):
    """A plan; `changed` ones are of a package, and deleting them gives that one back. Those have row_version 0."""

    key: str
    edition: str
    title: str
    features: dict[str, bool]
    limits: dict[str, int]
    price: str
    origin: Literal["package", "changed", "own"]
    row_version: int


class PlansController(Controller):
    """Plans."""

    path = "/plans"
    opt = OF_ACCOUNTS
    tags = ("plans",)

    @get("/", opt=SIGNED_IN)
    async def list_plans(self, ctx: NamedDependency[Context]) -> Envelope[list[PlanOut]]:
        """Every plan, by edition."""
        async with ctx.transaction() as session:
            return ok([_out(one) for one in await plans.list_(session)])

    @post("/", opt=permission("subscription:manage"))
    async def create_plan(self, ctx: NamedDependency[Context], data: JSONBody[PlanBody]) -> Envelope[PlanOut]:
        """Make a plan."""
        async with ctx.transaction() as session:
            return ok(_out(await plans.create(session, ctx.actor, **given(data))))

    @get("/{key:str}", opt=SIGNED_IN)
    async def get_plan(self, ctx: NamedDependency[Context], key: FromPath[str]) -> Envelope[PlanOut]:
        """One plan."""
        async with ctx.transaction() as session:
            return ok(_out(await plans.get(session, key)))

    @patch("/{key:str}", opt=permission("subscription:manage"))
    async def update_plan(
        self, ctx: NamedDependency[Context], key: FromPath[str], data: JSONBody[PlanPatch], if_match: IfMatch = None
    ) -> Envelope[PlanOut]:
        """Change a plan; who has it is judged by it from now on, and what is beyond can be read only."""
        return await _changed(ctx, key, data, if_match)

    @put("/{key:str}", opt=permission("subscription:manage"))
    async def replace_plan(
        self, ctx: NamedDependency[Context], key: FromPath[str], data: JSONBody[PlanPut], if_match: IfMatch = None
    ) -> Envelope[PlanOut]:
        """Replace a plan."""
        return await _changed(ctx, key, data, if_match)

    @delete("/{key:str}", opt=permission("subscription:manage"), status_code=200)
    async def delete_plan(self, ctx: NamedDependency[Context], key: FromPath[str]) -> Envelope[dict[str, str]]:
        """Remove a plan that nobody has; one of a package is again as the package says."""
        async with ctx.transaction() as session:
            users = await preview.users_of(session, ctx.actor, key)
            await plans.delete(session, ctx.actor, key, users=users)
        return ok({"key": key})


async def _changed(ctx: Context, key: str, data: PlanPatch | PlanPut, if_match: str | None) -> Envelope[PlanOut]:
    async with ctx.transaction() as session:
        version = base_version(if_match, data.row_version, "plan")
        fields = given(data, "row_version")
        return ok(_out(await plans.update(session, ctx.actor, key, row_version=version, **fields)))


def _out(known: plans.KnownPlan) -> PlanOut:
    features = {key.removeprefix("-"): not key.startswith("-") for key in sorted(known.plan.features)}
    return PlanOut(
        key=known.plan.id, edition=known.edition, title=known.plan.title, features=features, limits=known.plan.limits,
        price=known.plan.price, origin=known.origin, row_version=known.row_version,
    )  # fmt: skip
