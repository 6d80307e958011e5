"""What a connector of the sql kit proves without a server: declaration, address, statements, types, errors."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import closing
from typing import Any, ClassVar

import pytest
import sqlalchemy as sa

from headrace.kits.sql.apply import Staged
from headrace.kits.sql.ddl import add_column, retype
from headrace.kits.sql.errors import translate
from headrace.kits.sql.paging import bounds
from headrace.kits.sql.types import sql_type
from headrace.sdk import Column, ConfigError, DataError, DataType, TransientError
from headrace.testing.connector import DeclareRules

COLUMNS = (
    Column("select", DataType.INTEGER, bits=64), Column("name 100%", DataType.TEXT),
    Column("real", DataType.FLOAT, bits=64), Column("exact", DataType.DECIMAL, precision=18, scale=4),
    Column("yes", DataType.BOOLEAN),
    Column("day", DataType.DATE), Column("moment", DataType.TIMESTAMP, zone="UTC"), Column("raw", DataType.BINARY),
)  # fmt: skip


class Recorder:
    """A connection that compiles what it is given, and finds one row of everything."""

    def __init__(self, dialect: sa.Dialect) -> None:
        self.dialect = dialect
        self.statements: list[str] = []

    def execute(self, statement: Any, _values: Any = None) -> None:
        self.statements.append(str(statement.compile(dialect=self.dialect)))

    def scalar(self, statement: Any) -> int:
        self.execute(statement)
        return 1


class UnprovenContract(DeclareRules):
    """Rules for a connector whose server cannot run here."""

    config: ClassVar[dict[str, Any]] = {
        "host": "db.example.org", "database": "shop", "user": "reader", "password": "s3cret/@:word",
    }  # fmt: skip

    hidden: ClassVar[str] = "password"
    proven: ClassVar[bool] = False
    """Another test has an other side, where the driver and that are installed."""

    def opened(self) -> Any:
        return self.entry().open(self.config)

    @pytest.fixture
    def dialect(self) -> sa.Dialect:
        url = self.opened().url()
        try:
            made: sa.Dialect = url.get_dialect()()
        except (sa.exc.NoSuchModuleError, ImportError) as error:
            pytest.skip(f"its dialect is an extra that is not installed: {error}")
        return made

    def test_the_proof_says_so(self, manifest: Any) -> None:
        assert (manifest.proof == "unproven") != self.proven
        assert "[driver]" in manifest.docs

    def test_the_address_has_all_of_the_config(self) -> None:
        url = self.opened().url()
        shown = sa.make_url(url.render_as_string(hide_password=False))
        held = [shown.password, *shown.query.values()]
        assert self.config[self.hidden] in held, "it comes through unharmed"
        parts = " ".join(map(str, (shown.host, shown.database, shown.username, *shown.query.values())))
        assert all(value in parts for name, value in self.config.items() if name not in {self.hidden, "region"})

    def test_messages_hold_no_secret(self) -> None:
        assert self.config[self.hidden] not in self.opened().where

    def test_a_missing_driver_is_one_sentence(self) -> None:
        named = f"headrace-connector-{self.connector_id.replace('_', '-')}"
        with closing(self.opened()) as connector:
            if self.installed(connector.url()):
                pytest.skip("the driver is installed")
            with pytest.raises(ConfigError, match=rf"install {named}\[driver\]"):
                connector.engine()

    @staticmethod
    def installed(url: sa.URL) -> bool:
        try:
            url.get_dialect().import_dbapi()
        except (sa.exc.NoSuchModuleError, ImportError):
            return False
        return True

    def test_statements_compile(self, dialect: sa.Dialect) -> None:
        """Tables, reads by key, upsert, merge and history, with names and a column that need quotes."""
        recorder: Any = Recorder(dialect)
        made = [sa.Column(c.name, sql_type(c), primary_key=c.name == "select", autoincrement=False) for c in COLUMNS]
        history = [
            sa.Column("valid_from", sa.DateTime(timezone=True)),
            sa.Column("valid_to", sa.DateTime(timezone=True)),
        ]
        target = sa.Table("Order", sa.MetaData(), *made, *history, schema="my shop")
        stage = sa.Table("Order__stage", sa.MetaData(), *(sa.Column(c.name, sql_type(c)) for c in COLUMNS))
        query = sa.select(target).where(*bounds(target, COLUMNS[:2], {"after": [1, "x"], "until": 9}))
        recorder.execute(query.order_by(target.c["select"]))
        recorder.execute(sa.select(sa.func.ntile(4).over(order_by=target.c["select"])))
        traits, names = getattr(self.opened(), "traits", None), [column.name for column in COLUMNS]
        if traits is None:
            return
        recorder.execute(sa.schema.CreateTable(target))
        for mode in self.modes():
            Staged(recorder, target, stage, names, ["select"], merges=traits.merges).apply(mode, 1)  # type: ignore[arg-type]
        add_column(recorder, target, sa.Column("late", sa.BigInteger()), traits.add)
        if traits.retype:
            retype(recorder, target, sa.Column("late", sa.Double()), traits.retype)
        quoted = dialect.identifier_preparer.quote("select")
        assert quoted != "select"
        for statement in recorder.statements:
            if re.search(r"(?<![:\w])select(?!\w)", statement.replace(quoted, "")):
                pytest.fail(f"a name is not quoted: {statement}")
        assert any("MERGE" in statement for statement in recorder.statements) == traits.merges

    def modes(self) -> Sequence[str]:
        known = {str(capability) for capability in self.entry().manifest.capabilities}
        return [mode for mode in ("upsert", "merge", "scd2") if mode in known]

    @pytest.mark.parametrize(
        ("error", "kind"),
        [
            (sa.exc.OperationalError("s", None, Exception("connection refused")), TransientError),
            (sa.exc.IntegrityError("s", None, Exception("duplicate key value violates unique constraint")), DataError),
            (sa.exc.DataError("s", None, Exception("value too long")), DataError),
            (sa.exc.ProgrammingError("s", None, Exception("syntax")), ConfigError),
        ],
    )
    def test_errors_have_their_class(self, error: Exception, kind: type[Exception]) -> None:
        assert isinstance(translate(error, self.opened().where), kind)
