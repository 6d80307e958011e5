"""Files through the API: announced, sent and taken by signed addresses, looked at, kept, forgotten."""

from __future__ import annotations

import asyncio
import hashlib
from uuid import UUID

import pytest
import sqlalchemy as sa
from headrace.files import signing, transfer
from headrace.files.retention import remove_old, sweep
from headrace.infra.ids import new_id
from headrace.infra.store import Store
from msgspec import structs

API = "/api/v1"
CSV = b"a,b\n1,2\n" * 50_000
PDF = b"%PDF-1.7\n%%EOF\n"


@pytest.fixture
async def call(client, sign_up):
    person = await sign_up()

    async def ask(method, path, body=None, status=200, who=None, **query):
        answer = await client.request(method, API + path, json=body, params=query, headers=(who or person).headers)
        assert answer.status_code == status, answer.text
        return answer.json()["data"] if answer.is_success else answer.json()["error"]

    ask.person = person
    return ask


@pytest.fixture
def store(client) -> Store:
    return client.app.state.services.store


async def made(call, client, name="sales.csv", content=CSV, **body):
    one = await call("POST", "/files", {"name": name, **body}, 201)
    answer = await client.put(one["upload"]["url"], content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_file_is_sent_listed_and_taken_without_a_sign_in(call, client, store):
    one = await call("POST", "/files", {"name": "Zahlen ä%20.csv", "description": "of May"}, 201)
    assert (one["status"], one["size_bytes"], one["content_type"]) == ("pending", 0, "text/csv")
    assert (await call("GET", f"/files/{one['id']}/download", status=409))["message"].startswith("this file has no")

    async def slowly():
        for at in range(0, len(CSV), 70_001):
            yield CSV[at : at + 70_001]

    sent = (await client.put(one["upload"]["url"], content=slowly())).json()["data"]
    assert (sent["status"], sent["size_bytes"], sent["sha256"]) == ("ready", len(CSV), hashlib.sha256(CSV).hexdigest())
    signed = await call("GET", f"/files/{one['id']}/download")
    answer = await client.get(signed["url"])
    assert answer.content == CSV
    told = answer.headers
    assert told["content-disposition"] == (
        "attachment; filename=\"Zahlen __20.csv\"; filename*=UTF-8''Zahlen%20%C3%A4%2520.csv"
    )
    assert (told["x-content-type-options"], told["content-length"]) == ("nosniff", str(len(CSV)))
    assert told["content-security-policy"].startswith("sandbox")
    assert told["content-type"] == "application/octet-stream", "no browser opens it as a page"
    assert [one["name"] for one in await call("GET", "/files", q="zahl")] == ["Zahlen ä%20.csv"]
    assert await call("GET", "/files", bucket="reports") == []
    again = await client.put(one["upload"]["url"], content=CSV)
    assert again.status_code == 409, "a content stays as it is"
    assert len(store.list(call.person.organization_id, "files")) == 1


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("run.csv", b"MZ\x90\x00" + b"\0" * 600, "not what its name says"),
        ("page.txt", PDF, "not what its name says"),
        ("report.pdf", b"<script>alert(1)</script>" * 100, "not what its name says"),
        ("small.png", b"\x89PN", "not what its name says"),
        ("late.csv", b"a,b\n" * 1000 + b"\0", "not what its name says"),
        ("x.csv", b"", "is empty"),
    ],
)
async def test_a_content_that_its_name_does_not_say_is_not_kept(call, client, store, name, content, said):
    one = await call("POST", "/files", {"name": name}, 201)
    answer = await client.put(one["upload"]["url"], content=content)
    assert answer.status_code == 422
    assert said in answer.json()["error"]["message"]
    assert store.list(call.person.organization_id) == []
    assert (await call("GET", f"/files/{one['id']}"))["status"] == "pending"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd.csv", "a\\b.csv", "x.exe", "x", ".csv", "a\x00.csv", "a\u202e.csv", "a.csv ", "x" * 256]
)
async def test_names_without_a_kind_or_with_a_path_are_refused(call, name):
    said = await call("POST", "/files", {"name": name}, 422)
    assert said["code"] == "VALIDATION_FAILED"


async def test_a_form_is_no_content(call, client, store):
    one = await call("POST", "/files", {"name": "x.csv"}, 201)
    answer = await client.put(one["upload"]["url"], files={"files": ("../../x", CSV)}, data={"path": "/etc/passwd"})
    assert answer.status_code == 422
    assert "without a form around it" in answer.json()["error"]["message"]
    assert store.list(call.person.organization_id) == []


async def test_a_bucket_takes_its_kinds_only(call, client):
    await call("POST", "/files", {"bucket": "reports", "name": "x.parquet"}, 422)
    await made(call, client, "May.pdf", PDF, bucket="reports")
    buckets = {one["bucket"]: one for one in await call("GET", "/files/buckets")}
    assert list(buckets) == ["files", "frames", "backups", "templates", "reports"]
    assert (buckets["reports"]["files"], buckets["reports"]["size_bytes"]) == (1, len(PDF))
    assert (buckets["reports"]["days"], buckets["files"]["days"]) == (365, 0)


async def test_no_file_is_larger_than_allowed_whatever_it_tells(call, client, store):
    services = client.app.state.services
    services.settings = structs.replace(services.settings, file_bytes=100_000)
    assert (await call("POST", "/files", {"name": "x.csv", "size_bytes": 100_001}, 413))["code"] == "TOO_LARGE"
    one = await call("POST", "/files", {"name": "x.csv", "size_bytes": 10}, 201)
    answer = await client.put(one["upload"]["url"], content=CSV)
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "TOO_LARGE")
    assert store.list(call.person.organization_id) == []


async def test_storage_is_counted_and_bounded(call, client, database, store):
    organization_id = call.person.organization_id
    two = [await call("POST", "/files", {"name": f"{n}.csv", "size_bytes": 60}, 201) for n in range(2)]
    async with database.transaction(organization_id) as session:
        limit = "INSERT INTO feature_overrides (organization_id, kind, key, value) VALUES (:o, 'limit', :k, 100)"
        await session.execute(sa.text(limit), {"o": organization_id, "k": "storage_bytes"})
    both = [client.put(one["upload"]["url"], content=b"x" * 60) for one in two]
    codes = sorted(answer.status_code for answer in await asyncio.gather(*both))
    assert codes[0] == 200
    assert codes[1] in {403, 413}, "exactly one fits, also when both come at once"
    assert len(store.list(organization_id)) == 1
    assert (await call("POST", "/files", {"name": "y.csv", "size_bytes": 60}, 403))["code"] == "LIMIT_REACHED"


async def test_an_address_is_bound_to_method_file_tenant_and_time(call, client, sign_up, monkeypatch):
    mine = await made(call, client)
    url = (await call("GET", f"/files/{mine['id']}/download"))["url"]
    base, _, token = url.partition("?token=")
    whose, until, mark = token.split(".")
    other = await sign_up(name="other")
    theirs = (await client.post(f"{API}/files", json={"name": "x.csv"}, headers=other.headers)).json()["data"]
    wrong = [
        f"{whose}.{int(until) + 1}.{mark}", f"{other.organization_id.hex}.{until}.{mark}", f"{whose}.{until}.",
        f"{whose}.{until}.{mark[:-1]}", f"{whose}.x.{mark}", "x", f"{whose}.{until}.é",
    ]  # fmt: skip
    for one in wrong:
        assert (await client.get(base, params={"token": one})).status_code == 403, one
    assert (await client.put(url, content=CSV)).status_code == 403, "GET is no PUT"
    assert (await client.get(theirs["upload"]["url"])).status_code == 403
    assert (await client.get(f"{API}/files/{theirs['id']}/content?token={token}")).status_code == 403
    assert (await client.get(base)).status_code == 422
    later = signing.now().__class__.fromtimestamp(int(until) + 1, tz=signing.now().tzinfo)
    monkeypatch.setattr(signing, "now", lambda: later)
    gone = await client.get(url)
    assert (gone.status_code, gone.json()["error"]["code"]) == (410, "EXPIRED")


async def test_a_deleted_file_is_not_given_and_comes_back(call, client):
    one = await made(call, client)
    url = (await call("GET", f"/files/{one['id']}/download"))["url"]
    await call("DELETE", f"/files/{one['id']}")
    assert (await client.get(url)).status_code == 404
    await call("GET", f"/files/{one['id']}", status=404)
    assert await call("GET", "/files") == []
    assert [row["id"] for row in await call("GET", "/files", deleted=True)] == [one["id"]]
    await call("POST", f"/files/{one['id']}/restore")
    assert (await client.get(url)).content == CSV
    await call("POST", f"/files/{one['id']}/restore", status=404)


async def test_a_file_is_renamed_within_its_kind(call, client):
    one = await made(call, client)
    changed = await call("PATCH", f"/files/{one['id']}", {"name": "June.csv", "row_version": one["row_version"]})
    assert changed["name"] == "June.csv"
    assert await call("PATCH", f"/files/{one['id']}", {"name": "J.pdf", "row_version": changed["row_version"]}, 422)
    await call("PATCH", f"/files/{one['id']}", {"name": "J.csv", "row_version": one["row_version"]}, 412)
    await call("PATCH", f"/files/{one['id']}", {"name": "J.csv"}, 428)
    whole = await call("PUT", f"/files/{one['id']}", {"name": "J.csv", "row_version": changed["row_version"]})
    assert (whole["name"], whole["description"]) == ("J.csv", "")


async def test_backups_are_for_who_may_delete_files(call, client, sign_up):
    one = await made(call, client, "all.dump", b"PGDMP" + b"\0" * 9, bucket="backups")
    editor = await sign_up("editor", call.person.organization_id)
    await call("GET", f"/files/{one['id']}", status=404, who=editor)
    await call("GET", f"/files/{one['id']}/download", status=404, who=editor)
    assert await call("GET", "/files", who=editor) == []
    assert "backups" not in {row["bucket"] for row in await call("GET", "/files/buckets", who=editor)}
    await call("POST", "/files", {"bucket": "backups", "name": "x.dump"}, 403, who=editor)


async def test_files_go_when_their_time_is_over_and_so_do_contents_that_nobody_knows(call, client, database, store):
    organization_id = call.person.organization_id
    kept, old, trashed, own = [await made(call, client, f"{n}.csv", bucket="files") for n in range(4)]
    await made(call, client, "r.pdf", PDF, bucket="reports")
    await call("POST", "/files", {"name": "never.csv"}, 201)
    async with database.transaction(organization_id) as session:
        aged = """
            UPDATE files SET created_at = now() - :d * interval '1 day',
              uploaded_at = uploaded_at - :d * interval '1 day' WHERE name = :name"""
        for name, days in (("r.pdf", 366), ("never.csv", 2), ("1.csv", 4000)):
            await session.execute(sa.text(aged), {"name": name, "d": days})
        trash = "UPDATE files SET deleted_at = now() - interval '31 days' WHERE id = :id"
        await session.execute(sa.text(trash), {"id": UUID(trashed["id"])})
        assert await remove_old(session, organization_id, store) == 3
    left = {one["id"] for one in await call("GET", "/files")}
    assert left == {kept["id"], old["id"], own["id"]}, "files stay for ever, unless the organization says otherwise"
    assert len(store.list(organization_id)) == 3
    async with database.transaction(organization_id) as session:
        await session.execute(sa.text('UPDATE organizations SET settings = \'{"retention": {"files_days": 30}}\''))
        assert await remove_old(session, organization_id, store) == 1
    lost = f"files/files/{kept['id']}/01900000-0000-7000-8000-000000000000"
    store.put(organization_id, lost, b"cut off")
    store.put(organization_id, f"files/files/{kept['id']}/{new_id()}", b"is coming")
    async with database.transaction(organization_id) as session:
        assert await sweep(session, organization_id, store) == 1
    assert not store.exists(organization_id, lost)


async def test_a_large_file_passes_in_pieces(tmp_path):
    """Neither way holds the file: the largest thing that is read or written at once is a piece."""
    from headrace.files.kinds import KINDS, Watch

    store, organization_id = Store(tmp_path.as_uri()), new_id()

    async def content():
        for _ in range(200):
            yield b"x" * 65_536

    watch = Watch("x.txt", KINDS["txt"], 2**30)
    await transfer.receive(store, organization_id, "files/a", content(), watch)
    seen = [len(piece) async for piece in transfer.pieces(store, organization_id, "files/a")]
    assert sum(seen) == watch.size_bytes == 200 * 65_536
    assert max(seen) <= transfer.PIECE_BYTES


async def test_an_upload_that_breaks_off_leaves_nothing(tmp_path):
    from headrace.files.kinds import KINDS, Watch

    store, organization_id = Store(tmp_path.as_uri()), new_id()

    async def content():
        yield b"x" * 600_000
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await transfer.receive(store, organization_id, "files/a", content(), Watch("x.txt", KINDS["txt"], 2**30))
    assert store.list(organization_id) == []
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]
