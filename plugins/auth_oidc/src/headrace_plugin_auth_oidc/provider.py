"""Authorization code with PKCE, state and nonce; every claim of the ID token that is relied on is checked."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import jwt
import msgspec
from headrace.sdk import AuthProvider, Begun, ConfigError, Profile, SignInRefused

from headrace_plugin_auth_oidc import OidcConfig
from headrace_plugin_auth_oidc.discovery import Discovered, client, discover, key_of

SKEW_S = 60
AGE_MAX_S = 600
"""An ID token is made while the browser is away."""
_SECOND = frozenset({"mfa", "otp", "hwk", "fido", "sms", "swk", "face", "fpt", "pop", "sc"})
_NAMES = ("name", "display_name", "preferred_username")
_SENTENCE = "the provider's answer is not accepted; try again, or tell your admin"


class OidcProvider(AuthProvider[OidcConfig]):
    """One issuer and our client there."""

    def check(self) -> None:
        """The discovery document is there, and is of this issuer."""
        if "openid" not in self.config.scopes.split():
            raise ConfigError("the scopes need 'openid'", field="scopes")
        discover(self.config.issuer)

    def begin(self, *, state: str, callback: str) -> Begun:
        """The address to go to; nonce and code verifier stay here."""
        found = discover(self.config.issuer)
        nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        query = {
            "response_type": "code",
            "client_id": self.config.client_id,
            "redirect_uri": callback,
            "scope": self.config.scopes,
            "state": state,
            "nonce": nonce,
            "code_challenge": _text(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in found.authorization_endpoint else "?"
        url = f"{found.authorization_endpoint}{joint}{urlencode(query)}"
        return Begun(url=url, memory={"nonce": nonce, "verifier": verifier})

    def finish(self, fields: Mapping[str, str], *, memory: Mapping[str, str], callback: str) -> Profile:
        """Exchange the code, check the ID token, ask for what it lacks."""
        if "error" in fields:
            raise _refused(f"the provider answers {fields['error'][:80]!r}")
        if "iss" in fields and fields["iss"] != self.config.issuer:
            raise _refused("the answer names another issuer")
        if not fields.get("code"):
            raise _refused("the answer has no code")
        found = discover(self.config.issuer)
        if found.authorization_response_iss_parameter_supported and "iss" not in fields:
            raise _refused("the answer does not name its issuer, which this provider always does")
        tokens = self._exchange(found, fields["code"], memory["verifier"], callback)
        claims = self._claims(found, str(tokens.get("id_token") or ""), memory["nonce"])
        if self.config.wants_second_factor and not _SECOND & set(_texts(claims.get("amr"))):
            raise _refused("no second factor was used at the provider (claim amr)")
        more = self._userinfo(found, tokens, claims)
        if "email" in claims:
            more.pop("email_verified", None)  # it is said of the address beside it, not of the token's
        return self._profile({**more, **claims})

    def _exchange(self, found: Discovered, code: str, verifier: str, callback: str) -> dict[str, Any]:
        body = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": callback, "code_verifier": verifier,
        }  # fmt: skip
        secret, credentials = self.config.client_secret.reveal(), {}
        if secret and "client_secret_basic" in found.token_endpoint_auth_methods_supported:
            pair = f"{quote(self.config.client_id, safe='')}:{quote(secret, safe='')}"
            credentials["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            body |= {"client_id": self.config.client_id, **({"client_secret": secret} if secret else {})}
        return self._json(
            "POST", found.token_endpoint, body=urlencode(body).encode(), credentials=credentials,
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )  # fmt: skip

    def _claims(self, found: Discovered, token: str, nonce: str) -> dict[str, Any]:
        """Claims of an ID token that is for us, of this sign-in, and of now."""
        try:
            key, algorithm = key_of(found, jwt.get_unverified_header(token))
            claims: dict[str, Any] = jwt.decode(
                token, key, algorithms=[algorithm], audience=self.config.client_id, issuer=self.config.issuer,
                leeway=SKEW_S, options={"require": ["iss", "sub", "aud", "exp", "iat"]},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise _refused(f"the ID token is not valid: {type(error).__name__}: {error}") from None
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise _refused("the ID token has another nonce: it is of another sign-in")
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if (several or "azp" in claims) and claims.get("azp") != self.config.client_id:
            raise _refused("the ID token was made for another client (claim azp)")
        if time.time() - float(claims["iat"]) > AGE_MAX_S + SKEW_S:
            raise _refused("the ID token is too old")
        return claims

    def _userinfo(self, found: Discovered, tokens: dict[str, Any], claims: dict[str, Any]) -> dict[str, Any]:
        """More claims of the same subject; not asked for when the token has them."""
        token = tokens.get("access_token")
        wanted = {"email", self.config.groups_claim}
        if not found.userinfo_endpoint or not isinstance(token, str) or wanted <= claims.keys():
            return {}
        more = self._json("GET", found.userinfo_endpoint, credentials={"Authorization": f"Bearer {token}"})
        if more.get("sub") != claims["sub"]:
            raise _refused("the provider's userinfo is of another subject")
        return more

    def _profile(self, claims: dict[str, Any]) -> Profile:
        email = claims.get("email")
        named = (self.config.groups_claim, self.config.roles_claim)
        return Profile(
            subject=claims["sub"],
            email=email if isinstance(email, str) else "",
            email_verified=claims.get("email_verified", self.config.email_is_verified) is True,
            name=next((claims[name] for name in _NAMES if isinstance(claims.get(name), str)), ""),
            groups=tuple(dict.fromkeys(text for name in named if name for text in _texts(claims.get(name)))),
        )

    def _json(
        self, method: str, url: str, *, body: bytes = b"", headers: Mapping[str, str] | None = None,
        credentials: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        door = client()
        try:
            answer = door.request(
                method, url, headers={"Accept": "application/json", **(headers or {})}, credentials=credentials,
                body=body,
            )  # fmt: skip
        finally:
            door.close()
        try:
            said = msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            said = None
        if answer.status != 200 or not isinstance(said, dict):
            reason = said.get("error") if isinstance(said, dict) else "no JSON"
            raise _refused(f"the provider answers {answer.status} ({str(reason)[:80]})")
        return said


def _texts(value: Any) -> list[str]:
    """A claim that is a text or a list of texts."""
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)][:500] if isinstance(value, list) else []


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _refused(detail: str) -> SignInRefused:
    return SignInRefused(_SENTENCE, detail=detail)
