"""The contract for connectors of `headrace.kits.files`: what all filesystems have in common, beyond the general one."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import gzip
import re
import secrets
from abc import abstractmethod
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from headrace.kits.files.connector import FilesConnector
from headrace.kits.files.options import ReadOptions, WriteOptions
from headrace.sdk import Capability, ConfigError, Connector, DataError, Reject
from headrace.sdk.manifests import ConnectorManifest
from headrace.testing.connector import ConnectorContract
from headrace.testing.connector_base import needs, rows
from headrace.testing.readme_flow import execute_readme, readme_of, same_for_all

CITIES = b"id,name,area\n1,Bern,51.6\n2,Oslo,\n5,Riga,304.0\n"
WRONG = b"id,name\n1,a\n2\n3,c,c\n4,d\n"


def sample_files() -> dict[str, bytes]:
    """What the fixture `config` puts into an empty place."""
    import polars as pl

    parquet = BytesIO()
    pl.DataFrame({"id": [1, 2], "name": ["a", None]}).write_parquet(parquet)
    return {"cities.csv": CITIES, "ids.parquet": parquet.getvalue(), "sub/lines.ndjson": b'{"a": 1}\n{"a": null}\n'}


class FilesContract(ConnectorContract):
    """The contract over files. A subclass gives `config` of a place with `sample_files()`, `bad_config` and `put`."""

    target = "target.parquet"

    @abstractmethod
    def put(self, config: dict[str, Any], name: str, body: bytes) -> None:
        """Put a file there by other means than the connector."""

    def test_after_gives_the_later_rows_in_order(self, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        """Here the cursor is an option: the version of the file that a row is from."""
        needs(manifest, Capability.INCREMENTAL)
        options = ReadOptions(facts=True)
        stream = connector.stream("cities.csv", options=options)
        assert stream.cursors == ("_version",)
        found = [row for frame in connector.read(stream, options=options) for row in frame.to_dicts()]
        assert {row["_file"] for row in found} == {"cities.csv"}
        version = found[0]["_version"]
        assert version.startswith(("2", "1970"))
        assert list(connector.read(stream, options=options, after=version)) == []
        assert sum(frame.height for frame in connector.read(stream, options=options, after="")) == 3

    def test_files_of_a_glob_are_one_table(self, connector: Connector[Any], config: dict[str, Any]) -> None:
        self.put(config, "year=2025/a.csv", b"id,name\n1,x\n")
        self.put(config, "year=2026/b.csv.gz", gzip.compress(b"id,extra\n2,1.5\n"))
        for name in ("year=*/*.csv*", "**/*.csv*"):
            try:
                stream = connector.stream(name)
            except ConfigError:
                if self.connector_id == "http_files":
                    return  # a web server does not list
                raise
            found = sorted(rows(connector, stream), key=lambda row: row["id"])
            found = [row for row in found if row["year"]]
            assert [(row["id"], row["year"], row["extra"]) for row in found] == [(1, 2025, None), (2, 2026, 1.5)]

    def test_wrong_lines_are_rejected_with_number(self, connector: Connector[Any], config: dict[str, Any]) -> None:
        self.put(config, "wrong.csv", WRONG)
        rejects: list[Reject] = []
        stream = connector.stream("wrong.csv")
        kept = [row["id"] for frame in connector.read(stream, reject=rejects.extend) for row in frame.to_dicts()]
        assert (kept, [reject.row for reject in rejects]) == ([1, 4], [3, 4])
        with pytest.raises(DataError, match=r"'wrong\.csv' line 3"):
            list(connector.read(stream))

    def test_only_the_columns_asked_for(self, connector: Connector[Any]) -> None:
        import polars as pl

        stream = connector.stream("ids.parquet")
        assert connector.scan(stream).filter(pl.col("id") > 1).select("name").collect().to_dicts() == [{"name": None}]

    @pytest.mark.parametrize("name", ["../x.csv", "/x.csv", "a/../../x.csv", "a\\..\\x.csv", "a\nb.csv", "", "."])
    def test_no_name_leads_out(self, name: str, connector: Connector[Any], manifest: ConnectorManifest) -> None:
        import polars as pl

        with pytest.raises(ConfigError):
            connector.stream(name)
        with pytest.raises(ConfigError):
            list(connector.files(name))
        if Capability.WRITE in manifest.capabilities:
            with pytest.raises(ConfigError):
                connector.write(name, iter([pl.DataFrame({"a": [1]})]))

    def test_a_missing_file_is_told_with_what_there_is(self, connector: Connector[Any]) -> None:
        with pytest.raises(ConfigError, match=r"there is no file 'missing\.csv'.*cities\.csv"):
            connector.stream("missing.csv")

    def test_partitions_become_folders_and_columns_again(self, writer: Connector[Any]) -> None:
        import polars as pl

        frame = pl.DataFrame({"id": [1, 2, 3, 4], "land": ["NO", "CH", None, "N/O"]})
        options = WriteOptions(partition_by=["land"])
        for _ in range(2):
            done = writer.write("out/part.parquet", iter([frame]), mode="overwrite", effect_key="k", options=options)
            assert done.written == 4
        writer.write("out/part.parquet", iter([frame.head(1)]), mode="overwrite", effect_key="l", options=options)
        writer.write("out/part.parquet", iter([frame.tail(3)]), effect_key="m", options=options)
        back = rows(writer, writer.stream("out"))
        assert sorted(back, key=lambda row: row["id"]) == frame.to_dicts()
        assert not list(writer.files("**/*.part"))

    def test_a_repeat_after_a_broken_write_shows_each_row_once(
        self, writer: FilesConnector[Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Files of one write come one after the other; it breaks between file k and k+1, for each k."""
        import polars as pl

        from headrace.kits.files import writing

        frames = [pl.DataFrame({"id": [number], "land": [str(number)]}) for number in range(3)]
        options = WriteOptions(partition_by=["land"])
        show = writing.show
        for k in range(3):
            left = iter(range(k))

            def broken(*args: Any, left: Any = left) -> None:
                if next(left, None) is None:
                    raise ConnectionError("the target went away")
                show(*args)

            monkeypatch.setattr(writing, "show", broken)
            with pytest.raises(Exception, match="tried again"):
                writer.write(f"many{k}/n.csv", iter(frames), effect_key="e", options=options)
            monkeypatch.setattr(writing, "show", show)
            writer.write(f"many{k}/n.csv", iter(frames), effect_key="e", options=options)
            assert sorted(row["id"] for row in rows(writer, writer.stream(f"many{k}"))) == [0, 1, 2]

    def test_a_closed_address_is_refused(
        self, config: dict[str, Any], manifest: ConnectorManifest, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Before a packet is sent; metadata services are opened by nobody."""
        if manifest.category == "file":
            pytest.skip("it reaches no other machine")
        monkeypatch.delenv("HEADRACE_EGRESS_ALLOW")
        connector = self.entry().open(config)
        for call in (connector.check, connector.discover, lambda: list(connector.files("*"))):
            with pytest.raises(ConfigError, match="HEADRACE_EGRESS_ALLOW="):
                call()
        connector.close()
        monkeypatch.setenv("HEADRACE_EGRESS_ALLOW", "private")
        place = {name: re.sub(r"127\.0\.0\.1|localhost", "169.254.169.254", value)
                 for name, value in config.items() if isinstance(value, str)}  # fmt: skip
        connector = self.entry().open({**config, **place})
        with pytest.raises(ConfigError, match="never opened"):
            connector.check()
        connector.close()

    def test_the_example_of_the_readme_runs(self, config: dict[str, Any]) -> None:
        """Its flow is executed by the engine on the connection of the test."""
        folder = readme_of(self)
        done = execute_readme(folder, same_for_all(folder, config))
        assert (done["cities"].rows_out, done["large"].rows_out) == (3, 2)


class FolderContract(FilesContract):
    """The contract where the server shows a folder of this machine: the session fixture `served`."""

    @pytest.fixture
    def place(self, served: Path) -> Path:
        """A folder of the test, with the sample files."""
        folder = served / f"t {secrets.token_hex(6)}"
        for name, body in sample_files().items():
            self._write(folder / name, body)
        self._place = folder
        return folder

    def put(self, config: dict[str, Any], name: str, body: bytes) -> None:
        self._write(self._place / name, body)

    @staticmethod
    def _write(path: Path, body: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        for folder in (path.parent, path.parent.parent):
            folder.chmod(0o777)
