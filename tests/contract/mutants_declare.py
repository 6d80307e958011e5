"""Broken promises of declaring and connecting."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from headrace.sdk import AuthError, Capability, Config, ConfigError, Field, Secret, TransientError
from msgspec import Meta

from . import tiny_heavy
from .mutant import breaks, declares
from .tiny.connector import TinyConnector


class Untitled(Config, kw_only=True):
    path: Annotated[str, Meta(extra_json_schema={"x-ui": {"options_from": "choices"}})]
    password: Annotated[Secret, Field("Password")]
    host: Annotated[str, Field("Host")] = ""
    port: Annotated[int, Field("Port")] = 0


class OpenPassword(Config, kw_only=True):
    path: Annotated[str, Field("File", options_from="choices")]
    password: Annotated[str, Field("Password")]


declares("HeavyDeclaration", "declaration_is_light", module=tiny_heavy.__name__)
declares("FieldWithoutTitle", "declaration_is_complete", manifest={"config": Untitled})
declares("NoSummary", "declaration_is_complete", manifest={"summary": ""})
declares("ClaimsTooLittle", "capabilities_are_methods_both_ways",
         manifest={"capabilities": frozenset(Capability) - {Capability.QUERY}})  # fmt: skip
declares("ActsUndeclared", "capabilities_are_methods_both_ways", manifest={"actions": ()})


@breaks("declaration_is_complete", manifest={"config": OpenPassword})
class PasswordNotSecret(TinyConnector):
    def open(self) -> Any:
        return sqlite3.connect(self.config.path, isolation_level=None, timeout=0.1)

    @contextmanager
    def session(self):
        db = self.open()
        try:
            yield db
        finally:
            db.close()

    def check(self) -> None:
        with self.session() as db:
            ((word,),) = db.execute("select word from _password").fetchall()
        if word != self.config.password:
            raise AuthError("the tiny file refuses the password; correct it in the connection")


@breaks("capabilities_are_methods_both_ways")
class ClaimsTooMuch(TinyConnector):
    query = TinyConnector.__mro__[1].query


@breaks("choices_have_what_the_connection_uses")
class OffersOthersOnly(TinyConnector):
    def choices(self, field: str) -> list[str]:
        return [name for name in super().choices(field) if name != self.config.path]


@breaks("choices_have_what_the_connection_uses")
class OffersTwice(TinyConnector):
    def choices(self, field: str) -> list[str]:
        return super().choices(field) * 2


@breaks("check_passes", "closes_twice_and_opens_again")
class RefusesAGoodConfig(TinyConnector):
    def check(self) -> None:
        raise ConfigError("the tiny file is not to the taste of this connector; write another one")


class _BadConfig(TinyConnector):
    def check(self) -> None:
        try:
            super().check()
        except AuthError as error:
            self.answer(error)

    def answer(self, error: AuthError) -> None:
        raise NotImplementedError


@breaks("bad_config_is_a_clear_error_without_secrets")
class SecretInTheError(_BadConfig):
    def answer(self, error: AuthError) -> None:
        raise AuthError(f"the password '{self.config.password.reveal()}' is wrong; correct it")


@breaks("bad_config_is_a_clear_error_without_secrets")
class ErrorOfTheWrongClass(_BadConfig):
    def answer(self, error: AuthError) -> None:
        raise TransientError(error.message)


@breaks("bad_config_is_a_clear_error_without_secrets")
class ErrorOfTheDriver(_BadConfig):
    def answer(self, error: AuthError) -> None:
        raise sqlite3.OperationalError("file is encrypted or is not a database")


@breaks("bad_config_is_a_clear_error_without_secrets")
class ErrorThatSaysNothing(_BadConfig):
    def answer(self, error: AuthError) -> None:
        raise AuthError("failed")


@breaks("bad_config_is_a_clear_error_without_secrets")
class AnyPasswordWillDo(_BadConfig):
    def answer(self, error: AuthError) -> None:
        return


@breaks("closes_twice_and_opens_again")
class ClosesOnce(TinyConnector):
    closed = False

    def close(self) -> None:
        if self.closed:
            raise sqlite3.ProgrammingError("cannot operate on a closed database")
        self.closed = True


@breaks("closes_twice_and_opens_again")
class StaysClosed(TinyConnector):
    closed = False

    def open(self) -> Any:
        if self.closed:
            raise sqlite3.ProgrammingError("cannot operate on a closed database")
        return super().open()

    def close(self) -> None:
        self.closed = True


class _Kept:
    """A link that closing leaves open; what is not committed is undone as ever."""

    def __init__(self, db: Any) -> None:
        self._db, self._begun = db, False
        self.fetchmany = db.fetchmany

    def execute(self, sql: str, params: Sequence[Any] = ()) -> Any:
        self._begun = sql == "begin immediate" or (self._begun and sql != "commit")
        return self._db.execute(sql, params)

    def close(self) -> None:
        if self._begun:
            self._db.execute("rollback")


@breaks("opens_a_new_link_after_a_dropped_one", remote=True)
class KeepsADeadLink(TinyConnector):
    kept: Any = None

    def open(self) -> Any:
        if not self.config.port:
            return super().open()
        if self.kept is None:
            self.kept = super().open()
        return _Kept(self.kept)

    def close(self) -> None:
        if self.kept is not None:
            self.kept.close()
        self.kept = None


@breaks("opens_a_new_link_after_a_dropped_one", remote=True)
class CutReadLooksWhole(TinyConnector):
    def read(self, stream, **asked):
        try:
            yield from super().read(stream, **asked)
        except TransientError:
            return


@breaks("opens_a_new_link_after_a_dropped_one", remote=True)
class DroppedLinkIsADriverError(TinyConnector):
    @contextmanager
    def session(self):
        db = self.open()
        try:
            yield db
        finally:
            db.close()
