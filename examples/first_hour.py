"""The first hour with headrace, over its REST API alone: from the first account to the upgrade of a plan.

    python examples/first_hour.py http://127.0.0.1:8080 --setup-token hrsetup_...

The token ends the link that a fresh install prints; later, give --email and --password of a platform admin. It works in
an organization of its own, but switches the feature `sso` and the edition `premium` of all for a moment.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from typing import Any
from urllib.parse import urlsplit

import httpx

PASSWORD = secrets.token_urlsafe(16)
DIRECTORY = {"provider": "ldap", "name": "Staff", "config": {"host": "ldap.example.org", "user_base": "dc=example"}}


class Caller:
    """Somebody who calls the API: nobody yet, a person with a token, or a program with a key."""

    def __init__(self, http: httpx.Client, token: str = "") -> None:
        self.http, self.headers = http, {"Authorization": f"Bearer {token}"} if token else {}

    def ask(self, method: str, path: str, body: Any = None, *, refused: str = "", **query: str) -> Any:
        """What the API answers; with `refused`, the sentence of a refusal that has to come, with this code."""
        answer = self.http.request(method, f"/api/v1{path}", json=body, params=query, headers=self.headers)
        told = answer.json() if "json" in answer.headers.get("content-type", "") else {}
        if (told.get("error") or {}).get("code", "") != refused or answer.is_success == bool(refused):
            should = f"be refused with {refused}" if refused else "work"
            sys.exit(f"first hour: {method} {path} should {should}, but answers {answer.status_code}: {answer.text}")
        return f"{refused}: {told['error']['message']}" if refused else told["data"]


def see(step: str, saw: str, *, right: bool = True) -> None:
    """One line a step; the last one when it is not right."""
    if not right:
        sys.exit(f"first hour: {step} is not as it should be: {saw}")
    print(f"{step:<13} {saw}", flush=True)


def sign_in(nobody: Caller, email: str, password: str) -> Caller:
    """A person with a token."""
    tokens = nobody.ask("POST", "/auth/login", {"email": email, "password": password, "kind": "program"})
    return Caller(nobody.http, tokens["access_token"])


def first_account(nobody: Caller, token: str | None, email: str, password: str) -> Caller:
    """The set-up token makes the first account; who has one signs in."""
    if token:
        nobody.ask("POST", "/setup", {"token": token, "email": email, "password": password, "full_name": "Ada"})
    see("set-up" if token else "sign in", f"{email}, password {password}" if password == PASSWORD else email)
    return sign_in(nobody, email, password)


def organization(admin: Caller) -> Caller:
    """An organization of one's own on the plan `standard`, and roles of one's own, which that plan has not got."""
    made = admin.ask("POST", "/organizations", {"name": "First hour"})
    owner = Caller(admin.http, admin.ask("POST", f"/organizations/{made['id']}/switch")["access_token"])
    owner.ask("POST", "/workspaces", {"name": "Work"})
    has = owner.ask("POST", "/subscriptions", {"plan_id": "standard"})
    owner.ask("POST", "/roles", {"name": "Early", "permissions": []}, refused="FEATURE_DISABLED")
    owner.ask("PUT", f"/subscriptions/{made['id']}/overrides/custom_roles", {"enabled": True, "reason": "first hour"})
    see("organization", f"'{made['name']}' ({made['slug']}) with edition {has['edition']}, plan {has['plan_id']}")
    return owner


def invitation(owner: Caller) -> str:
    """Who accepts by the link is a member; where no mail server sends the link, one hands it over."""
    email = f"bo-{secrets.token_hex(4)}@example.org"
    invited = owner.ask("POST", "/invitations", {"email": email, "role": "viewer"})
    link = invited["link"] or owner.ask("POST", f"/invitations/{invited['id']}/link")["link"]
    nobody, token = Caller(owner.http), urlsplit(link).fragment
    joined = nobody.ask("POST", "/invitations/accept", {"token": token, "password": PASSWORD, "full_name": "Bo"})
    see("invitation", f"{joined['email']} joined as {joined['role']} by the link")
    return email


def custom_role(owner: Caller, email: str, flow_id: str) -> tuple[Caller, str]:
    """A role of one's own counts at once: the sign-in with the old rights ends, and no flow is there any more."""
    before = sign_in(Caller(owner.http), email, PASSWORD)
    before.ask("GET", f"/flows/{flow_id}")
    role = owner.ask("POST", "/roles", {"name": "Reporter", "permissions": ["dashboard:read", "report:read"]})
    member = next(one for one in owner.ask("GET", "/members") if one["email"] == email)
    owner.ask("PATCH", f"/members/{member['id']}", {"role": role["id"], "row_version": member["row_version"]})
    before.ask("GET", f"/flows/{flow_id}", refused="UNAUTHENTICATED")
    colleague = sign_in(Caller(owner.http), email, PASSWORD)
    hidden = colleague.ask("GET", f"/flows/{flow_id}", refused="FLOW_NOT_FOUND")
    see("custom role", f"'{role['name']}' has {', '.join(role['permissions'])}; the flow that it saw before: {hidden}")
    return colleague, member["id"]


def grant(owner: Caller, colleague: Caller, user_id: str, flow: dict[str, Any], other: dict[str, Any]) -> None:
    """A grant opens one flow; `permissions/check` says why."""
    on = {"object_type": "flow", "object_id": flow["id"]}
    owner.ask("POST", "/permissions", {**on, "user_id": user_id, "level": "view"})
    seen = [one["name"] for one in colleague.ask("GET", "/flows")]
    rename = colleague.ask("PATCH", f"/flows/{flow['id']}", {"name": "Mine"}, refused="PERMISSION_DENIED")
    see("grant", f"of 2 flows the colleague sees {seen}; to rename it: {rename}", right=seen == [flow["name"]])
    for one in (flow, other):
        asked = {"permission": "flow:read", "object_type": "flow", "object_id": one["id"], "user_id": user_id}
        why = owner.ask("GET", "/permissions/check", **asked)
        said = f"'{one['name']}': {'yes' if why['allowed'] else 'no'}, as {why['reason']}"
        see("check", said, right=why["allowed"] == (one is flow))


def api_key(owner: Caller) -> None:
    """A key may do what its scopes name and nothing else, not even make keys; revoked, it ends at once."""
    made = owner.ask("POST", "/api-keys", {"name": "Reader", "permissions": ["flow:read"]})
    program = Caller(owner.http, made["key"])
    seen = len(program.ask("GET", "/flows"))
    beyond = program.ask("POST", "/flows", {"name": "By a program"}, refused="PERMISSION_DENIED")
    program.ask("POST", "/api-keys", {"name": "More", "permissions": ["flow:create"]}, refused="PERMISSION_DENIED")
    owner.ask("DELETE", f"/api-keys/{made['id']}")
    program.ask("GET", "/flows", refused="UNAUTHENTICATED")
    see("API key", f"{made['details']['hint']}... with flow:read reads {seen} flows; to make one: {beyond}")


def switches(owner: Caller) -> None:
    """A platform admin switches a feature, then an edition: whoever asks next is judged by it."""
    off = owner.ask("POST", "/identity-providers", DIRECTORY, refused="FEATURE_DISABLED")
    owner.ask("PUT", "/features/sso", {"default_enabled": True})
    try:
        made = owner.ask("POST", "/identity-providers", DIRECTORY)
    finally:
        owner.ask("DELETE", "/features/sso")
    owner.ask("POST", "/identity-providers", {**DIRECTORY, "name": "More"}, refused="FEATURE_DISABLED")
    see("feature", f"sso off: {off}; on: the directory '{made['name']}' is made; off again: no second one")
    owner.ask("PATCH", "/editions/premium", {"enabled": False})
    try:
        gone = owner.ask("POST", "/subscriptions/upgrade", {"plan": "premium"}, refused="VALIDATION_FAILED")
    finally:
        owner.ask("PATCH", "/editions/premium", {"enabled": True})
    see("edition", f"premium off: {gone}; on again")


def limit_and_upgrade(owner: Caller) -> None:
    """The plan is used up; after the upgrade it goes on."""
    for number in range(owner.ask("GET", "/features/usage/flows")["remaining"]):
        owner.ask("POST", "/flows", {"name": f"Flow {number}"})
    see("limit", owner.ask("POST", "/flows", {"name": "One too many"}, refused="LIMIT_REACHED"))
    changed = owner.ask("POST", "/subscriptions/upgrade", {"plan": "premium"})
    made, now = owner.ask("POST", "/flows", {"name": "One more"}), owner.ask("GET", "/features/usage/flows")
    gained = ", ".join(changed["change"]["gains"])
    see("upgrade", f"to premium: '{made['name']}' is made, {now['used']} of {now['limit']} flows; gained {gained}")


def main() -> None:
    """Go through the hour."""
    parser = argparse.ArgumentParser(description="The first hour with headrace, over its REST API.")
    parser.add_argument("url", help="of a running headrace, e.g. http://127.0.0.1:8080")
    parser.add_argument("--setup-token", help="from the link that a fresh install prints")
    parser.add_argument("--email", default="ada@example.org", help="of the first account, or of a platform admin")
    parser.add_argument("--password", default=PASSWORD, help="of that account; a first one gets one by itself")
    told = parser.parse_args()
    try:
        with httpx.Client(base_url=told.url, timeout=30) as http:
            admin = first_account(Caller(http), told.setup_token, told.email, told.password)
            owner = organization(admin)
            flow, other = (owner.ask("POST", "/flows", {"name": name}) for name in ("Shared", "Private"))
            colleague, user_id = custom_role(owner, invitation(owner), flow["id"])
            grant(owner, colleague, user_id, flow, other)
            api_key(owner)
            switches(owner)
            limit_and_upgrade(owner)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        sys.exit(f"first hour: headrace does not answer at {told.url} ({error}); is it started?")


if __name__ == "__main__":
    main()
