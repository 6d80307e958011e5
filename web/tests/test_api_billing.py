"""The billing side through the real application; and what holds for the routes of any plugin."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa
from headrace.plugins.manager import Host
from headrace.worker.chores import Chores
from headrace_web.discover import PREFIX
from headrace_web.plugin_routes import plugin_routes
from litestar import Controller, Router, get

API = "/api/v1"


@pytest.fixture
def ask(client):
    async def call(who, method: str, path: str, body: Any = None, *, status: int = 0) -> Any:
        answer = await client.request(method, f"{API}{path}", json=body, headers=who.headers)
        assert answer.status_code == status if status else answer.is_success, f"{method} {path}: {answer.text}"
        return answer.json()["data"] if answer.is_success else answer.json()["error"]

    return call


async def test_one_billing_account_is_the_default(ask, sign_up) -> None:
    owner = await sign_up()
    first = await ask(owner, "POST", "/billing/accounts", {"name": "Head office"})
    second = await ask(owner, "POST", "/billing/accounts", {"name": "Plant", "currency": "EUR", "is_default": True})
    listed = await ask(owner, "GET", "/billing/accounts")
    assert [(one["name"], one["is_default"]) for one in listed] == [("Head office", False), ("Plant", True)]
    taken = await ask(owner, "POST", "/billing/accounts", {"name": "plant"}, status=409)
    assert "there is a billing account 'plant' already" in taken["message"]
    path, name = f"/billing/accounts/{first['id']}", {"name": "plant", "row_version": listed[0]["row_version"]}
    renamed = await ask(owner, "PATCH", path, name, status=409)
    assert renamed["message"] == taken["message"]
    none = {"is_default": False, "row_version": second["row_version"]}
    assert (
        "make another" in (await ask(owner, "PATCH", f"/billing/accounts/{second['id']}", none, status=409))["message"]
    )
    await ask(owner, "DELETE", f"/billing/accounts/{first['id']}")
    viewer = await sign_up("viewer", owner.organization_id)
    await ask(viewer, "GET", "/billing/accounts", status=403)


async def test_what_stands_on_every_invoice(ask, sign_up) -> None:
    owner = await sign_up()
    assert (await ask(owner, "GET", "/billing/info"))["row_version"] == 0
    info = {"legal_name": "Works Ltd", "address": {"city": "Ulm", "zip": "89073"}, "row_version": 0}
    made = await ask(owner, "PUT", "/billing/info", info)
    await ask(owner, "PUT", "/billing/info", info, status=412)
    moved = await ask(owner, "PATCH", "/billing/info", {
        "address": {"city": "Bern", "zip": None}, "row_version": made["row_version"],
    })  # fmt: skip
    assert (moved["legal_name"], moved["address"]) == ("Works Ltd", {"city": "Bern"})


async def test_an_invoice_from_draft_to_paid(ask, sign_up, admin) -> None:
    owner = await sign_up()
    of = {"organization_id": str(owner.organization_id)}
    line = {"text": "Premium, November", "unit_price": "299"}
    await ask(owner, "POST", "/billing/invoices", {"lines": [line]}, status=403)
    made = await ask(admin, "POST", "/billing/invoices", {**of, "lines": [line], "tax_percent": "19"})
    assert (made["number"][5:], made["net"], made["total"], made["status"]) == ("0001", "299.00", "355.81", "draft")
    again = await ask(admin, "POST", "/billing/invoices", {**of, "lines": [line]})
    assert again["number"][5:] == "0002"
    path = f"/billing/invoices/{made['id']}"
    issued = await ask(admin, "PATCH", path, {**of, "status": "issued", "row_version": made["row_version"]})
    late = {**of, "lines": [line, line], "row_version": issued["row_version"]}
    assert "is issued; void it" in (await ask(admin, "PATCH", path, late, status=409))["message"]
    paid = await ask(admin, "PATCH", path, {**of, "status": "paid", "row_version": issued["row_version"]})
    assert paid["paid_on"]
    seen = await ask(owner, "GET", "/billing/invoices?status=paid")
    assert [one["number"] for one in seen] == [made["number"]]
    await ask(admin, "GET", path, status=404)


async def test_a_budget_tells_each_threshold_once_a_month(
    ask, sign_up, database, worker_database, plugin_host
) -> None:  # fmt: skip
    owner = await sign_up()
    await ask(owner, "POST", "/budgets", {"name": "x", "usage_type": "spoons", "amount": 1}, status=404)
    budget = await ask(owner, "POST", "/budgets", {"name": "Places", "usage_type": "workspaces", "amount": 4})
    assert (budget["used"], budget["alerts"]) == (0, [])
    for name in ("a", "b"):
        await ask(owner, "POST", "/workspaces", {"name": name})
    for _ in range(2):
        assert "budgets" in await Chores(worker_database, plugin_host).round()
    async with database.transaction() as session:
        query = sa.text("select data->>'sentence' from letters where kind = 'notice' and recipient = :owner")
        (told,) = (await session.scalars(query, {"owner": owner.email})).all()
    assert told.startswith("2 workspaces are used, 50 % of the 4 that the budget 'Places' has"), "once, not each round"
    found = await ask(owner, "GET", f"/budgets/{budget['id']}")
    assert (found["used"], [(one["threshold"], one["used"]) for one in found["alerts"]]) == (2, [(50, 2)])


async def test_everybody_sees_what_is_announced_now(ask, sign_up, admin) -> None:
    viewer = await sign_up("viewer")
    now = await ask(admin, "POST", "/announcements", {"title": "Maintenance tonight", "severity": "warning"})
    await ask(admin, "POST", "/announcements", {"title": "Long ago", "ends_at": "2020-01-01T00:00:00Z"})
    await ask(viewer, "POST", "/announcements", {"title": "Me too"}, status=403)
    assert [one["title"] for one in await ask(viewer, "GET", "/announcements")] == ["Maintenance tonight"]
    await ask(viewer, "GET", "/announcements?all_of_them=true", status=403)
    over = {"ends_at": "2021-01-01T00:00:00Z", "row_version": now["row_version"]}
    await ask(admin, "PATCH", f"/announcements/{now['id']}", over)
    assert await ask(viewer, "GET", "/announcements") == []


async def test_people_accept_the_version_that_holds(ask, sign_up, admin) -> None:
    owner = await sign_up()
    terms = {"kind": "privacy", "title": "Privacy", "body": "We keep little."}
    await ask(admin, "POST", "/terms", terms)
    second = await ask(admin, "POST", "/terms", terms)
    await ask(admin, "POST", "/terms", {**terms, "effective_at": "2199-01-01T00:00:00Z"})
    holding = await ask(owner, "GET", "/terms")
    assert [(one["version"], one["accepted_at"]) for one in holding] == [(2, None)]
    for _ in range(2):
        accepted = await ask(owner, "POST", f"/terms/{second['id']}/accept")
    assert accepted["accepted_at"]
    assert len(await ask(owner, "GET", f"/terms/{second['id']}/acceptances")) == 1
    assert await ask(admin, "GET", f"/terms/{second['id']}/acceptances") == [], "of one's own organization only"


async def test_members_see_their_own_tickets(ask, sign_up) -> None:
    owner = await sign_up()
    viewer, other = [await sign_up("viewer", owner.organization_id, name=name) for name in ("ann", "ben")]
    asked = await ask(viewer, "POST", "/tickets", {"subject": "Where are my rows?", "body": "Gone", "labels": ["data"]})
    assert [one["subject"] for one in await ask(owner, "GET", "/tickets?label=data")] == ["Where are my rows?"]
    assert await ask(other, "GET", "/tickets") == []
    await ask(other, "GET", f"/tickets/{asked['id']}", status=404)
    closed = await ask(owner, "PATCH", f"/tickets/{asked['id']}", {
        "status": "closed", "row_version": asked["row_version"],
    })  # fmt: skip
    assert closed["status"] == "closed"
    await ask(viewer, "POST", f"/tickets/{asked['id']}/messages", {"body": "Still gone"})
    said = await ask(owner, "GET", f"/tickets/{asked['id']}/messages")
    assert [one["body"] for one in said] == ["Gone", "Still gone"]
    assert (await ask(viewer, "GET", f"/tickets/{asked['id']}"))["status"] == "open", "it is open again"
    assert await ask(viewer, "GET", "/tickets/labels") == ["data"]


async def test_a_plugin_that_is_switched_off_has_no_routes(ask, sign_up, client) -> None:
    owner = await sign_up()
    host: Host = client.app.state.services.host
    await ask(owner, "GET", "/tickets")
    host.switch({"headrace-plugin-billing"})
    try:
        gone = await ask(owner, "GET", "/tickets", status=404)
        assert "headrace-plugin-billing, which is switched off here" in gone["message"]
    finally:
        host.switch(())
    await ask(owner, "GET", "/tickets")


def test_a_route_that_is_there_already_fails_its_plugin(plugin_host) -> None:
    class Mine(Controller):
        path = "/tickets"

        @get("/")
        async def list_them(self) -> None:
            """Not theirs."""

    record = next(one for one in plugin_host.records if one.name == "plugin-billing")
    fake = Host()
    fake.records = [type(record)(
        name=record.name, module=record.module, distribution=record.distribution, version="1", fingerprint="",
    )]  # fmt: skip
    assert plugin_routes(fake, PREFIX, [Router(path=PREFIX, route_handlers=[Mine])]) == []
    assert fake.records[0].state == "failed"
    assert "its route /api/v1/tickets is there already" in fake.records[0].reason
