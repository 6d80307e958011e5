"""Passwords: argon2id, off the event loop, at equal cost for unknown users."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from headrace.sdk.errors import ConfigError

MIN_LENGTH = 10
MAX_LENGTH = 1024

_HASHER = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$wGTp2kWMkAYwJdsgcq7g9eCXtyYb4YIXEWNEMEBOv6Y"


def check_strength(password: str, *, email: str = "") -> None:
    """Refuse what is short or is the address itself.

    Raises:
        ConfigError: with field `password`.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ConfigError(f"a password has at least {MIN_LENGTH} and at most {MAX_LENGTH} characters", field="password")
    if email and password.lower() in {email.lower(), email.lower().partition("@")[0]}:
        raise ConfigError("the password is the e-mail address; choose another", field="password")
    if len(set(password)) < 4:
        raise ConfigError("the password repeats few characters; choose another", field="password")


async def hash_password(password: str) -> str:
    """Hash with a fresh salt."""
    return await asyncio.to_thread(_HASHER.hash, password)


async def verify_password(password: str, stored: str | None) -> bool:
    """Whether it is the one; without a stored hash the same work is done in vain."""
    return await asyncio.to_thread(_verify, password[: MAX_LENGTH + 1], stored)


def _verify(password: str, stored: str | None) -> bool:
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(stored: str) -> bool:
    """Whether the parameters have grown since."""
    return _HASHER.check_needs_rehash(stored)
