"""The forms of the entrance without JavaScript: a plain post signs in, says what is wrong, sends no password back."""

from __future__ import annotations

import re

import pyotp
import pytest
from headrace_web.entrance import FORMS

PASSWORD = "correct horse battery staple 9"
OURS = {"Origin": "http://127.0.0.1:8080"}


async def post(client, path: str, **fields: str):
    return await client.post(path, data=fields, headers=OURS)


@pytest.mark.parametrize(
    ("wanted", "gone_to"),
    [("/connections", "/connections"), ("//example.org/", "/"), ("/\\example.org", "/"), ("https://example.org", "/")],
)
async def test_one_signs_in_and_goes_to_a_place_of_ours(client, sign_up, wanted: str, gone_to: str) -> None:
    ada = await sign_up(name="ada")
    answer = await client.post("/login", params={"next": wanted}, data={"email": ada.email, "password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, gone_to)
    assert answer.cookies["headrace_session"]
    assert (await client.get("/api/v1/auth/me")).json()["data"]["user"]["email"] == ada.email


async def test_what_is_wrong_is_said_and_no_password_comes_back(client, sign_up) -> None:
    ada = await sign_up(name="ada")
    answer = await post(client, "/login", email=ada.email, password="<b>not this one</b>")
    assert answer.status_code == 401
    assert "is wrong" in answer.text
    assert f'value="{ada.email}"' in answer.text
    assert "not this one" not in answer.text
    assert "headrace_session" not in answer.cookies
    assert (await post(client, "/login", email=ada.email)).status_code == 422


async def test_the_second_factor_is_a_second_page(client, sign_up) -> None:
    ada = await sign_up(name="ada")
    factor = "/api/v1/auth/second-factor"
    begun = (await client.post(factor, json={"password": PASSWORD}, headers=ada.headers)).json()["data"]
    code = pyotp.TOTP(begun["secret"]).now()
    confirmed = await client.post(f"{factor}/confirm", json={"code": code}, headers=ada.headers)
    asked = await post(client, "/login", email=ada.email, password=PASSWORD)
    assert asked.status_code == 200
    assert "Your password is right" in asked.text
    assert "headrace_session" not in asked.cookies
    recovery = confirmed.json()["data"]["recovery_codes"][0]
    assert (await post(client, "/login", email=ada.email, password=PASSWORD, code=recovery)).status_code == 303


async def test_a_page_of_another_origin_signs_nobody_in(client, sign_up) -> None:
    ada = await sign_up(name="ada")
    sent = {"email": ada.email, "password": PASSWORD}
    answer = await client.post("/login", data=sent, headers={"Origin": "https://example.org"})
    assert answer.status_code == 403
    assert "headrace_session" not in answer.cookies


async def test_a_forgotten_password_says_the_same_to_everybody(client, sign_up) -> None:
    ada = await sign_up(name="ada")
    known = await post(client, "/forgot-password", email=ada.email)
    other = await post(client, "/forgot-password", email="nobody@example.org")
    assert known.status_code == other.status_code == 200
    assert known.text.replace(ada.email, "") == other.text.replace("nobody@example.org", "")
    assert "a letter is on its way" in known.text


def test_every_word_of_the_entrance_is_there_in_german():
    from headrace_web import assets
    from headrace_web.entrance_posts import ASKED
    from headrace_web.entrance_words import words_of

    said = {ASKED}
    for form in FORMS.values():
        said |= {form.title, form.text, form.button, form.done, *(field.label for field in form.fields)}
        said |= {form.link[1]} if form.link else set()
    script = assets.find("auth.js")
    assert script
    text = script.read_text()
    said |= set(re.findall(r"(?:say\(|t\(|: |\?\? )'([A-Zh][^']*[a-z][^']*)'", text))
    assert len(said) > 30
    assert sorted(said - words_of("de").keys() - {""}) == []


async def test_the_entrance_speaks_the_language_of_the_browser(client):
    german = await client.get("/login", headers={"Accept-Language": "fr;q=0.9, de-CH, en"})
    assert '<html lang="de">' in german.text
    assert "<h1>Anmelden</h1>" in german.text
    assert german.headers["Vary"] == "Accept-Language"
    assert '<html lang="en">' in (await client.get("/login", headers={"Accept-Language": "fr"})).text
