"""The contract of auth providers: another system says who somebody is; what they may do here is the host's decision.

A provider knows neither users nor roles. It answers a `Profile`, or refuses with a sentence that gives nothing away
and a `detail` for the log.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, Generic, Literal

from msgspec import Struct

from headrace.sdk.config import Config, ConfigT, Secret
from headrace.sdk.errors import NotFound, Unauthenticated
from headrace.sdk.manifests import Lazy

AuthKind = Literal["password", "form", "redirect", "headers", "directory"]


class SignInRefused(Unauthenticated):
    """The provider does not vouch for this person; `detail` tells the log and the admins why."""

    code = "SIGN_IN_REFUSED"


class AuthProviderManifest(Struct, frozen=True, kw_only=True):
    """A way to sign in.

    Attributes:
        kind: `form` takes a name and a password here; `redirect` sends the browser away and reads what it brings back;
            `headers` reads what a proxy in front of us has added; `password` is the host's own accounts; a `directory`
            tells us of people and groups by itself, and nobody signs in with it.
        config: Struct that an owner fills in for each organization.
        factory: The `AuthProvider` class; none for `password`.
        feature: Asked of the organization's edition; empty is in every edition.
    """

    id: str
    title: str
    kind: AuthKind
    config: type[Config] = Config
    factory: Lazy | None = None
    summary: str = ""
    icon: str = "lucide:key-round"
    docs: str = ""
    feature: str = ""


class Profile(Struct, frozen=True, kw_only=True):
    """Who came, as the provider knows them.

    Attributes:
        subject: Never changes and is never given to somebody else.
        email_verified: The provider has seen that the address is theirs; without it nobody is found by address.
        groups: Names that the organization maps to roles.
    """

    subject: str
    email: str = ""
    email_verified: bool = False
    name: str = ""
    groups: tuple[str, ...] = ()


class Begun(Struct, frozen=True, kw_only=True):
    """Where to send the browser, and what `finish` needs again; the host keeps it encrypted, for one use."""

    url: str
    memory: dict[str, str] = {}


class AuthProvider(ABC, Generic[ConfigT]):
    """One configured provider. Called in a thread with a deadline; one object serves one sign-in.

    Every method may raise `SignInRefused`, `ConfigError` (an owner has to correct the config) or `TransientError`.
    """

    def __init__(self, config: ConfigT) -> None:
        self.config = config

    @abstractmethod
    def check(self) -> None:
        """Go on only when the other side answers and the config fits; for the owner who sets it up."""

    def sign_in(self, username: str, password: Secret) -> Profile:
        """Kind `form`: who this is, if the password is right."""
        raise self._other_kind()

    def begin(self, *, state: str, callback: str) -> Begun:
        """Kind `redirect`: begin a sign-in that comes back to `callback` with `state`."""
        raise self._other_kind()

    def finish(self, fields: Mapping[str, str], *, memory: Mapping[str, str], callback: str) -> Profile:
        """Kind `redirect`: who came back. The host has checked state, browser and single use before."""
        raise self._other_kind()

    def identify(self, headers: Mapping[str, str], *, peer: str) -> Profile:
        """Kind `headers`: who the proxy at address `peer` says it is.

        Header names are in lower case. One that came several times has a line for each: which of them the proxy has
        written is not known.
        """
        raise self._other_kind()

    def metadata(self, *, callback: str) -> bytes:
        """What the other side wants to know of us, as XML.

        Raises:
            NotFound: it wants nothing.
        """
        raise NotFound("this provider has no metadata")

    def _other_kind(self) -> Any:
        return NotFound("one does not sign in with this provider in this way")
