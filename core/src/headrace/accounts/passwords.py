"""Passwords: argon2id, off the event loop, at equal cost for unknown users; imported bcrypt hashes are read too."""

from __future__ import annotations

import asyncio

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from headrace.sdk.errors import ConfigError

MIN_LENGTH = 10
MAX_LENGTH = 1024

_BCRYPT = ("$2a$", "$2b$", "$2y$")
_HASHER = PasswordHasher()
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHRzYWx0c2FsdA$wGTp2kWMkAYwJdsgcq7g9eCXtyYb4YIXEWNEMEBOv6Y"
_IMPORTED: dict[str, str] = {}
"""By cost, a bcrypt hash of nobody; from the first imported one that a process meets."""


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
    if stored is not None and stored.startswith(_BCRYPT):
        _IMPORTED[stored[4:6]] = f"$2b${stored[4:6]}${'C' * 21}u{'u' * 31}"
        good = _verify_bcrypt(password, stored)
        return good or _in_vain(password, _NOBODY, but=stored[4:6])
    good = _verify_argon2(password, stored or _NOBODY) and stored is not None
    return good or _in_vain(password)


def _verify_argon2(password: str, stored: str) -> bool:
    try:
        return _HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


def _in_vain(password: str, *argon2: str, but: str = "") -> bool:
    """The work of the other kinds of hashes, so that a wrong password takes as long whoever's it is. Returns False."""
    for stored in argon2:
        _verify_argon2(password, stored)
    for cost, stored in _IMPORTED.items():
        if cost != but:
            _verify_bcrypt(password, stored)
    return False


def _verify_bcrypt(password: str, stored: str) -> bool:
    try:
        return bcrypt.checkpw(password.encode()[:72], stored.encode())  # it never saw more than 72 bytes
    except ValueError:
        return False


def needs_rehash(stored: str) -> bool:
    """Whether the parameters have grown since, or it is a hash of another kind."""
    return stored.startswith(_BCRYPT) or _HASHER.check_needs_rehash(stored)
