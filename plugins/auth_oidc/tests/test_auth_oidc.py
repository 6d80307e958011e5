"""An issuer that lies in every way that matters; the real counterpart is in web's tests of single sign-on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from headrace.plugins.manager import load_plugins
from headrace.sdk import ConfigError, SignInRefused
from headrace.testing.http_server import Asked, Reply, http_server, json_reply
from headrace_plugin_auth_oidc import discovery

CALLBACK = "https://headrace.example.org/api/v1/auth/providers/x/callback"
RSA_KEYS = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def jwk(key: Any, kid: str, algorithm: str) -> dict[str, Any]:
    kind = jwt.algorithms.ECAlgorithm if algorithm == "ES256" else jwt.algorithms.RSAAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid, "use": "sig", "alg": algorithm}


class Issuer:
    """Publishes keys, and hands out the ID token that a test has made."""

    def __init__(self) -> None:
        self.url = ""
        self.keys = [jwk(RSA_KEYS[0], "one", "RS256")]
        self.sign = (RSA_KEYS[0], "RS256", "one")
        self.claims: dict[str, Any] = {}
        self.token: str | None = None
        self.userinfo: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.challenge = ""

    def answer(self, asked: Asked) -> Reply:
        if asked.path.endswith("openid-configuration"):
            return json_reply({
                "issuer": self.url, "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token", "jwks_uri": f"{self.url}/keys",
                "userinfo_endpoint": f"{self.url}/userinfo", **self.document,
            })  # fmt: skip
        if asked.path == "/keys":
            return json_reply({"keys": self.keys})
        if asked.path == "/userinfo":
            return json_reply(self.userinfo)
        form = dict(parse_qsl(asked.body.decode()))
        digest = hashlib.sha256(form["code_verifier"].encode()).digest()
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != self.challenge:
            return json_reply({"error": "invalid_grant"}, 400)
        key, algorithm, kid = self.sign
        token = self.token or jwt.encode(self.claims, key, algorithm=algorithm, headers={"kid": kid})
        return json_reply({"access_token": "a", "token_type": "Bearer", "id_token": token})


@pytest.fixture
def issuer():
    made = Issuer()
    discovery._kept.clear()
    with http_server(made.answer) as server:
        made.url = server.url
        yield made


class Trip:
    """A browser that went to the provider and is about to come back."""

    def __init__(self, issuer: Issuer, **config: Any) -> None:
        entry = load_plugins(only=["plugin-auth_oidc"], strict=True).registry.auth_provider("oidc")
        self.issuer = issuer
        self.provider = entry.open({"issuer": issuer.url, "client_id": "us", "client_secret": "s3cret value", **config})
        self.begun = self.provider.begin(state="st", callback=CALLBACK)
        self.query = dict(parse_qsl(urlsplit(self.begun.url).query))
        issuer.challenge = self.query["code_challenge"]
        at = int(time.time())
        issuer.claims = {
            "iss": issuer.url, "aud": "us", "sub": "u-1", "exp": at + 300, "iat": at, "nonce": self.query["nonce"],
            "email": "ada@example.org", "email_verified": True, "name": "Ada", "groups": ["staff", "data"],
        }  # fmt: skip

    def back(self, **fields: str):
        return self.provider.finish({"code": "c", **fields}, memory=self.begun.memory, callback=CALLBACK)

    def refused(self, **fields: str) -> str:
        with pytest.raises(SignInRefused) as caught:
            self.back(**fields)
        assert "s3cret value" not in caught.value.detail
        return caught.value.detail


@pytest.fixture
def trip(issuer) -> Trip:
    return Trip(issuer)


def test_a_good_answer_tells_who_it_is(trip) -> None:
    profile = trip.back(iss=trip.issuer.url)
    assert (profile.subject, profile.email, profile.email_verified) == ("u-1", "ada@example.org", True)
    assert (profile.name, profile.groups) == ("Ada", ("staff", "data"))
    assert {"state": "st", "code_challenge_method": "S256", "response_type": "code"}.items() <= trip.query.items()
    assert trip.begun.memory["verifier"] not in trip.begun.url


def test_es256_is_taken_too(trip) -> None:
    trip.issuer.keys = [jwk(EC_KEY, "ec", "ES256"), jwk(RSA_KEYS[0], "one", "RS256")]
    trip.issuer.sign = (EC_KEY, "ES256", "ec")
    assert trip.back().subject == "u-1"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"aud": "somebody else"}, "Audience"),
        ({"aud": ["us", "else"]}, "azp"),
        ({"aud": ["us", "else"], "azp": "else"}, "azp"),
        ({"iss": "https://evil.example.org"}, "Issuer"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"exp": time.time() - 61}, "Expired"),
        ({"exp": None}, "exp"),
        ({"iat": time.time() + 3600}, "yet valid"),
        ({"iat": time.time() - 3600}, "too old"),
        ({"nbf": time.time() + 3600}, "yet valid"),
        ({"sub": None}, "sub"),
    ],
)  # fmt: skip
def test_a_wrong_claim_is_refused(trip, changes, word) -> None:
    claims = {**trip.issuer.claims, **changes}
    trip.issuer.claims = {name: value for name, value in claims.items() if value is not None}
    assert word in trip.refused()


def test_clocks_may_differ_by_a_minute(trip) -> None:
    trip.issuer.claims |= {"exp": int(time.time()) - 30, "iat": int(time.time()) + 30}
    assert trip.back().subject == "u-1"


def text(value: Any) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.mark.parametrize("algorithm", ["none", "None", "nOnE", ""])
def test_an_unsigned_token_is_refused(trip, algorithm) -> None:
    trip.issuer.token = f"{text({'alg': algorithm, 'typ': 'JWT'})}.{text(trip.issuer.claims)}."
    assert "signed with" in trip.refused()


def test_the_public_key_is_no_shared_secret(trip) -> None:
    public = RSA_KEYS[0].public_key()
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        secret = public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)
        signed = f"{text({'alg': 'HS256', 'kid': 'one'})}.{text(trip.issuer.claims)}"
        mac = hmac.new(secret, signed.encode(), hashlib.sha256).digest()
        trip.issuer.token = f"{signed}.{text(mac)}"
        assert "HS256" in trip.refused()


def test_a_key_in_the_token_itself_is_not_used(trip) -> None:
    trip.issuer.token = jwt.encode(
        trip.issuer.claims, RSA_KEYS[1], algorithm="RS256",
        headers={"kid": "one", "jwk": jwk(RSA_KEYS[1], "one", "RS256"), "jku": "https://evil.example.org/keys"},
    )  # fmt: skip
    assert "InvalidSignature" in trip.refused()


def test_an_algorithm_that_is_not_the_keys_is_refused(trip) -> None:
    trip.issuer.keys = [{**jwk(EC_KEY, "one", "ES256"), "alg": "RS256"}]
    assert "no key" in trip.refused()
    trip.issuer.token = jwt.encode(trip.issuer.claims, RSA_KEYS[0], algorithm="RS512", headers={"kid": "one"})
    assert "RS512" in trip.refused()


def test_a_rotated_key_is_fetched_and_an_old_one_ends(trip, monkeypatch) -> None:
    assert trip.back().subject == "u-1"
    trip.issuer.keys = [jwk(RSA_KEYS[1], "two", "RS256")]
    monkeypatch.setattr(discovery, "RENEW_S", 0.0)
    trip.issuer.sign = (RSA_KEYS[1], "RS256", "two")
    assert trip.back().subject == "u-1", "an unknown kid has the keys read again"
    trip.issuer.sign = (RSA_KEYS[0], "RS256", "one")
    assert "no key" in trip.refused()


def test_tampered_tokens_are_refused(trip) -> None:
    good = jwt.encode(trip.issuer.claims, RSA_KEYS[0], algorithm="RS256", headers={"kid": "one"})
    head, body, signature = good.split(".")
    other = text({**trip.issuer.claims, "sub": "u-2"})
    for token in (f"{head}.{other}.{signature}", f"{head}.{body}.", f"{head}.{body}.{signature[:-8]}", "", "a.b.c"):
        trip.issuer.token = token or " "
        assert trip.refused()


def test_what_the_token_lacks_is_asked_for_of_the_same_subject_only(trip) -> None:
    for name in ("email", "email_verified", "groups"):
        del trip.issuer.claims[name]
    trip.issuer.userinfo = {"sub": "u-1", "email": "ada@example.org", "email_verified": True, "groups": "staff"}
    profile = trip.back()
    assert (profile.email_verified, profile.groups) == (True, ("staff",))
    trip.issuer.userinfo["sub"] = "u-2"
    assert "another subject" in trip.refused()


def test_roles_count_as_groups_and_may_be_left_out(issuer) -> None:
    trip = Trip(issuer)
    issuer.claims |= {"roles": ["data", "chief"], "display_name": "Ada L."}
    del issuer.claims["name"]
    assert (trip.back().groups, trip.back().name) == (("staff", "data", "chief"), "Ada L.")
    trip = Trip(issuer, roles_claim="")
    issuer.claims["roles"] = ["chief"]
    assert trip.back().groups == ("staff", "data")


def test_verified_is_said_of_the_address_beside_it(trip) -> None:
    """An address of the token is not verified because another document says so of another one."""
    for name in ("email_verified", "groups"):
        del trip.issuer.claims[name]
    trip.issuer.claims["email"] = "boss@example.org"
    trip.issuer.userinfo = {"sub": "u-1", "email": "ada@example.org", "email_verified": True, "groups": []}
    profile = trip.back()
    assert (profile.email, profile.email_verified) == ("boss@example.org", False)


@pytest.mark.parametrize("said", [None, False, "true", 1])
def test_an_address_is_verified_only_when_the_provider_says_so(issuer, said) -> None:
    trip = Trip(issuer)
    del issuer.claims["email_verified"]
    issuer.userinfo = {"sub": "u-1"}
    if said is not None:
        issuer.claims["email_verified"] = said
    assert trip.back().email_verified is False
    trip = Trip(issuer, email_is_verified=True)
    issuer.claims["email_verified"] = False
    assert trip.back().email_verified is False, "a no stays a no"


def test_a_second_factor_may_be_wanted(issuer) -> None:
    trip = Trip(issuer, wants_second_factor=True)
    issuer.claims["amr"] = ["pwd"]
    assert "second factor" in trip.refused()
    issuer.claims["amr"] = ["pwd", "otp"]
    assert trip.back().subject == "u-1"


def test_answers_that_are_none(trip) -> None:
    assert "access_denied" in trip.refused(error="access_denied")
    assert "another issuer" in trip.refused(iss="https://evil.example.org")
    assert "no code" in trip.refused(code="")
    trip.begun.memory["verifier"] = "of another sign-in"
    assert "invalid_grant" in trip.refused()


def test_a_provider_that_names_itself_always_does(trip) -> None:
    """RFC 9207: an answer without its name is of somebody else."""
    discovery._kept.clear()
    trip.issuer.document = {"authorization_response_iss_parameter_supported": True}
    assert "name its issuer" in trip.refused()
    assert trip.back(iss=trip.issuer.url).subject == "u-1"


def test_discovery_of_another_issuer_or_without_https_is_refused(issuer) -> None:
    entry = load_plugins(only=["plugin-auth_oidc"], strict=True).registry.auth_provider("oidc")

    def check(**document: Any) -> None:
        issuer.document = document
        discovery._kept.clear()
        entry.open({"issuer": issuer.url, "client_id": "us"}).check()

    check()
    for document in (
        {"issuer": "https://evil.example.org"}, {"token_endpoint": "http://example.org/token"},
        {"jwks_uri": "file:///etc/passwd"}, {"authorization_endpoint": "javascript:alert(1)"}, {"token_endpoint": 1},
    ):  # fmt: skip
        with pytest.raises(ConfigError):
            check(**document)
    for address in ("http://example.org", "ftp://example.org", "https://", "x"):
        with pytest.raises(ConfigError):
            entry.open({"issuer": address, "client_id": "us"}).check()


@pytest.mark.parametrize("host", ["http://169.254.169.254", "https://169.254.169.254", "https://[fe80::1]"])
def test_the_door_is_not_passed_by(host) -> None:
    entry = load_plugins(only=["plugin-auth_oidc"], strict=True).registry.auth_provider("oidc")
    with pytest.raises(ConfigError):
        entry.open({"issuer": host, "client_id": "us"}).check()
