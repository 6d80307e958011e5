"""Hosted forms as visitors meet them: what they see, what counts, what is refused."""

from __future__ import annotations

import re
import time

import pytest
import sqlalchemy as sa
from headrace.sdk.errors import ConfigError
from headrace.triggers.form_fields import origin_of

API = "/api/v1"
CANVAS = {
    "nodes": [{"id": "form", "position": {"x": 0, "y": 0},
               "data": {"nodeType": "triggers.manual", "config": {"sample": [{"id": 1}]}}}],
    "edges": [],
}  # fmt: skip
FIELDS = [
    {"name": "full_name", "label": "Your <name>", "required": True, "help": "As on your passport."},
    {"name": "age", "type": "number"},
    {"name": "born", "type": "date"},
    {"name": "size", "type": "choice", "choices": ["S", "M"], "required": True},
    {"name": "agreed", "type": "boolean"},
    {"name": "letter", "type": "long_text"},
    {"name": "photo", "type": "file", "max_mb": 0.01},
]
GOOD = {"full_name": "Ada", "age": "36", "born": "1815-12-10", "size": "M", "agreed": "on", "letter": "a\r\nb"}


class Page:
    """A flow with a form, and a browser without scripts."""

    def __init__(self, client, person, database):
        self.client, self.person, self.database = client, person, database
        self.place = ""

    async def make(self, configuration=None, status=201, **fields):
        headers = self.person.headers
        flow = await self.client.post(
            f"{API}/flows",
            json={"name": f"F{time.monotonic_ns()}", "status": "active", "definition": CANVAS},
            headers=headers,
        )
        body = {"trigger_type": "form", "configuration": {"fields": FIELDS, **(configuration or {})}, **fields}
        made = await self.client.post(f"{API}/flows/{flow.json()['data']['id']}/triggers", json=body, headers=headers)
        assert made.status_code == status, made.text
        if status == 201:
            self.place = "/forms/" + made.json()["data"]["url"].partition("/forms/")[2]
        return made.json()

    async def open(self, **options):
        shown = await self.client.get(self.place, **options)
        assert shown.status_code == 200, shown.text
        return shown.text, re.search(r'name="_ticket" value="([^"]+)"', shown.text)[1]

    async def send(self, ticket, values=None, files=None, **options):
        data = {"_ticket": ticket, **(GOOD if values is None else values)}
        return await self.client.post(self.place, data=data, files=files or {"photo": ("", b"")}, **options)

    async def rows(self, query="select input_data, id from executions"):
        async with self.database.transaction(self.person.organization_id) as session:
            return list((await session.execute(sa.text(query))).all())


@pytest.fixture
async def form(client, sign_up, database):
    person = await sign_up()
    await client.post(f"{API}/workspaces", json={"name": "W"}, headers=person.headers)
    return Page(client, person, database)


async def test_a_page_is_shown_sent_and_thanked_for(form):
    await form.make({"title": "Join", "description": "Come in.", "message": "See you!"})
    text, ticket = await form.open()
    assert "Your &lt;name&gt;" in text
    assert 'aria-describedby="full_name-help"' in text
    assert "<script" not in text
    answer = await form.send(ticket)
    assert (answer.status_code, "See you!" in answer.text) == (200, True)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    ((given, _),) = await form.rows()
    assert await form.rows("select trigger_type from executions") == [("form",)]
    assert given["rows"] == [{"full_name": "Ada", "age": 36, "born": "1815-12-10", "size": "M", "agreed": True,
                              "letter": "a\nb", "photo": None}]  # fmt: skip


async def test_a_page_counts_once_however_often_it_is_sent(form):
    await form.make()
    _, ticket = await form.open()
    answers = [await form.send(ticket) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert len(await form.rows()) == 1
    _, another = await form.open()
    await form.send(another)
    assert len(await form.rows()) == 2


async def test_a_page_of_nobody_or_of_another_browser_does_not_count(form):
    await form.make()
    _, ticket = await form.open()
    for bad in ("", "x", ticket[:-2] + "AA", ticket.replace(".", "9.", 1)):
        answer = await form.send(bad)
        assert (answer.status_code, "open too long" in answer.text) == (422, True)
        assert 'value="Ada"' in answer.text
    form.client.cookies.clear()
    assert (await form.send(ticket)).status_code == 422
    foreign = await form.send(ticket, headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"})
    assert foreign.status_code == 403
    assert await form.rows() == []


@pytest.mark.parametrize(("field", "value", "said"), [
    ("full_name", "  ", "This has to be filled in."), ("age", "many", "This is no number; write it like 12.5."),
    ("age", "1e999", "This is no number"), ("born", "31.12.1999", "This is no date"),
    ("size", "XL", "Choose one of the list."), ("letter", "x" * 20_001, "longer than 20,000 characters"),
])  # fmt: skip
async def test_what_is_wrong_is_said_beside_its_field(form, field, value, said):
    await form.make()
    _, ticket = await form.open()
    answer = await form.send(ticket, {**GOOD, field: value})
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-error">[^<]*{re.escape(said)}', answer.text), answer.text
    assert "One answer needs another look" in answer.text
    again = re.search(r'name="_ticket" value="([^"]+)"', answer.text)[1]
    assert (await form.send(again)).status_code == 200


async def test_a_file_goes_to_the_object_store(form, client):
    await form.make()
    _, ticket = await form.open()
    for _ in range(2):
        answer = await form.send(ticket, files={"photo": ("../../me & you.png", b"\x89PNG", "image/png")})
        assert answer.status_code == 200, answer.text
    ((given, _),) = await form.rows()
    photo = given["rows"][0]["photo"]
    assert (photo["name"], photo["bytes"], photo["content_type"]) == ("../../me & you.png", 4, "image/png")
    store = client.app.state.services.store
    assert store.get(form.person.organization_id, photo["key"]) == b"\x89PNG"
    assert store.list(form.person.organization_id, "calls") == [photo["key"]]
    _, ticket = await form.open()
    large = await form.send(ticket, files={"photo": ("b.bin", b"x" * 20_000)})
    assert (large.status_code, "larger than 0.01 MiB" in large.text) == (422, True)


async def test_a_user_name_or_a_token_is_asked_for(form):
    await form.make({"authentication": "basic"}, status=422)
    await form.make({"authentication": "basic", "url_path": "join"}, secrets={"username": "ada", "password": "p:w"})
    refused = await form.client.get(form.place)
    assert (refused.status_code, refused.headers["www-authenticate"][:5]) == (401, "Basic")
    assert (await form.client.get(form.place, auth=("ada", "wrong"))).status_code == 401
    _, ticket = await form.open(auth=("ada", "p:w"))
    assert (await form.send(ticket)).status_code == 401
    assert (await form.send(ticket, auth=("ada", "p:w"))).status_code == 200
    short = await form.make({"authentication": "token"}, status=422, secrets={"token": "short"})
    assert short["error"]["message"] == "a token has at least 16 characters"
    await form.make({"authentication": "token"}, secrets={"token": "very-secret-token"})
    assert (await form.client.get(form.place)).status_code == 404
    form.place += "?token=very-secret-token"
    _, ticket = await form.open()
    assert (await form.send(ticket)).status_code == 200


async def test_a_redirect_leads_where_the_form_says_and_nowhere_else(form):
    for bad in ("", "javascript:alert(1)", "http://example.org", "https://a@b.org", "//example.org"):
        answer = await form.make({"response": "redirect", "redirect_url": bad}, status=422)
        assert "https://example.org/thanks" in answer["error"]["message"]
    await form.make({"response": "redirect", "redirect_url": "https://example.org/thanks?x=1"})
    shown = await form.client.get(form.place)
    assert "form-action 'self' https://example.org" in shown.headers["content-security-policy"]
    _, ticket = await form.open()
    answer = await form.send(ticket)
    assert (answer.status_code, answer.headers["location"]) == (303, "https://example.org/thanks?x=1")
    with pytest.raises(ConfigError):
        origin_of("https://example.org;script-src *")


async def test_a_form_that_does_not_listen_is_not_there(form, client):
    made = await form.make()
    hook = form.place.replace("/forms/", "/hooks/")
    assert (await client.post(hook, json={})).status_code == 404
    patched = await client.patch(
        f"{API}/triggers/{made['data']['id']}", headers=form.person.headers,
        json={"is_active": False, "row_version": made["data"]["row_version"]},
    )  # fmt: skip
    assert patched.status_code == 200
    gone = await client.get(form.place)
    assert (gone.status_code, "There is no form at this address." in gone.text) == (404, True)


async def test_who_sends_without_end_is_slowed_down(form, monkeypatch):
    monkeypatch.setattr("headrace_web.hosted.SENT_MAX", 2)
    await form.make()
    codes = []
    for _ in range(3):
        _, ticket = await form.open()
        codes.append((await form.send(ticket)).status_code)
    assert codes == [200, 200, 429]


async def test_two_questions_of_one_name_and_a_choice_of_nothing_are_refused(form):
    twice = await form.make({"fields": [{"name": "a"}, {"name": "a"}]}, status=422)
    assert twice["error"]["message"] == "two questions have the name 'a'; rename one"
    nothing = await form.make({"fields": [{"name": "a", "type": "choice"}]}, status=422)
    assert nothing["error"]["message"] == "the question 'a' offers no choice; add some"


async def test_who_guesses_passwords_is_slowed_down(form):
    await form.make({"authentication": "basic"}, secrets={"username": "ada", "password": "right"})
    codes = [(await form.client.get(form.place, auth=("ada", str(n)))).status_code for n in range(11)]
    assert codes == [401] * 10 + [429]
    assert (await form.client.get(form.place, auth=("ada", "right"))).status_code == 429
