"""The contract for connectors of drives: what a service that pages, throttles and breaks off must not do to files."""

# ruff: noqa: S101, D102 - these are tests, named by what they prove

from __future__ import annotations

import filecmp
import secrets
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from headrace.connections.tokens import config_value, request
from headrace.kits.files.connector import FilesConnector
from headrace.kits.http.tokens import address
from headrace.sdk import AuthError, ConfigError, Connector, DataError, TransientError
from headrace.sdk.manifests import ConnectorManifest
from headrace.testing.connector_base import rows
from headrace.testing.drives import Accident, DriveService
from headrace.testing.files import FilesContract, sample_files
from headrace.testing.http_server import Asked, http_server
from headrace.testing.memory import MemoryWatch, measurable

if TYPE_CHECKING:
    import polars as pl

NAMES = ("a b.csv", "größe 😀.csv", 'it\'s 100% "so".csv', "x#y&z+1=?;.csv", "%41.csv")
BIG = 64 * 2**20


class Person:
    """What the host does for a connection that a person connected: it keeps a token, and renews it."""

    def __init__(self, service: DriveService, manifest: ConnectorManifest, config: dict[str, Any]) -> None:
        self._service, self._config, self.renewed = service, config, 0
        assert manifest.oauth is not None
        self._flow, self._access = manifest.oauth, ""
        place = address(self._flow.authorize_url, "authorize_url", config_value(config))
        assert place.startswith("https://"), place

    def wait_s(self, budgets: tuple[tuple[int, int], ...]) -> float:
        return 0.0

    def token(self, refused: str = "") -> str:
        if refused or not self._access:
            form = {"grant_type": "refresh_token", "refresh_token": self._service.refresh}
            self._access = request(self._flow, self._config, form).access_token
            self.renewed += 1
        return self._access


class DriveContract(FilesContract):
    """The contract over a vendor's fake, whose connection is to one folder. A subclass gives `made` and `settings`.

    Attributes:
        start: Where the connection's folder is in the service.
        names: Names that the vendor takes.
    """

    start: ClassVar[str] = "in it"
    names: ClassVar[tuple[str, ...]] = NAMES
    memory_bytes = 224 * 2**20  # pages of a mapped copy count too, and the libraries that the first test loads

    @abstractmethod
    def made(self, disk: Path) -> DriveService:
        """The vendor's fake."""

    @abstractmethod
    def settings(self, service: DriveService) -> dict[str, Any]:
        """Config of a connection to it, which no person has to connect."""

    def is_piece(self, asked: Asked) -> bool:
        """Whether a request carries a piece of an upload."""
        return asked.method == "PUT" and bool(asked.body)

    @pytest.fixture
    def service(self, tmp_path: Path) -> Iterator[DriveService]:
        disk = tmp_path / "shelf"
        disk.mkdir()
        made = self.made(disk)
        with http_server(made.answer) as server, http_server(made.answer) as other:
            made.url, made.other, made.servers = server.url, other.url, [server, other]
            yield made
        assert not made.wrong, made.wrong

    @pytest.fixture
    def config(self, service: DriveService) -> dict[str, Any]:
        self._service = service
        for name, body in sample_files().items():
            service.shelf.put(f"{self.start}/{name}", body)
        return self.settings(service)

    def put(self, config: dict[str, Any], name: str, body: bytes) -> None:
        self._service.shelf.put(f"{self.start}/{name}", body)

    def body(self, service: DriveService, name: str) -> bytes:
        """What is there."""
        node = service.shelf.at(f"{self.start}/{name}")
        assert node is not None, f"{name} is there"
        assert node.body is not None
        return node.body.read_bytes()

    def test_hostile_names_come_and_go(self, connector: FilesConnector[Any], service: DriveService) -> None:
        import polars as pl

        for number, name in enumerate(self.names):
            service.shelf.put(f"{self.start}/mine {number}'s/{name}", b"id\n1\n")
            stream = f"mine {number}'s/{name}"
            assert rows(connector, connector.stream(stream)) == [{"id": 1}]
            connector.write(stream, iter([pl.DataFrame({"id": [2]})]), mode="append")
            assert self.body(service, stream) == b"id\n1\n2\n"
            connector.write(f"new/{name}", iter([pl.DataFrame({"id": [3]})]), mode="overwrite")
        assert {facts.path for facts in connector.files("new/*")} == {f"new/{name}" for name in self.names}

    def test_a_large_folder_is_listed_whole(self, connector: FilesConnector[Any], service: DriveService) -> None:
        expected = {f"many/{number:03}.csv" for number in range(10 * service.page + 1)}
        for name in expected:
            service.shelf.put(f"{self.start}/{name}", b"id\n1\n")
        assert {facts.path for facts in connector.files("many/*.csv")} == expected
        assert {facts.path for facts in connector.files("**/*.csv")} == {"cities.csv", *expected}

    def test_deep_folders_are_found_and_made(self, connector: FilesConnector[Any], service: DriveService) -> None:
        import polars as pl

        deep = "/".join(f"d{number}" for number in range(30))
        connector.write(f"{deep}/x.csv", iter([pl.DataFrame({"id": [1]})]), mode="overwrite")
        assert self.body(service, f"{deep}/x.csv") == b"id\n1\n"
        assert [facts.path for facts in connector.files("d0/**/*.csv")] == [f"{deep}/x.csv"]
        connector.close()
        assert rows(connector, connector.stream(f"{deep}/x.csv")) == [{"id": 1}]
        assert list(connector.files("/".join("d" * 900))) == []

    def test_a_token_that_is_over_is_fetched_again(self, connector: Connector[Any], service: DriveService) -> None:
        connector.check()
        first = service.given
        service.expire()
        assert len(rows(connector, connector.stream("cities.csv"))) == 3
        assert (first, service.given) == (1, 2)

    def test_a_busy_service_is_asked_again_when_it_says(
        self, connector: Connector[Any], service: DriveService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits: list[float] = []
        monkeypatch.setattr("time.sleep", waits.append)
        connector.check()
        service.accidents = [Accident(lambda _: True, service.busy()) for _ in range(2)]
        assert len(rows(connector, connector.stream("cities.csv"))) == 3
        assert waits == [7, 7], "as Retry-After says"

    def test_a_service_that_stays_busy_is_told(
        self, connector: Connector[Any], service: DriveService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connector.check()
        monkeypatch.setattr("time.sleep", lambda _: None)
        service.accidents = [Accident(lambda _: True, service.busy()) for _ in range(50)]
        with pytest.raises(TransientError) as caught:
            connector.stream("cities.csv")
        assert caught.value.retry_after_s == 7
        service.accidents.clear()

    def test_a_refused_token_is_told(self, config: dict[str, Any], service: DriveService) -> None:
        """Refused again when it is new: it is not asked for for ever."""
        opened = self.entry().open(config)
        service.accidents = [Accident(lambda _: True, service.unauthorized()) for _ in range(9)]
        with pytest.raises(AuthError):
            opened.check()
        assert len(service.accidents) == 7
        service.accidents.clear()
        opened.close()

    def test_who_connected_it_reads_and_is_renewed(
        self, config: dict[str, Any], service: DriveService, manifest: ConnectorManifest
    ) -> None:
        """By the manifest's flow, as the host renews tokens; nobody else has to enter anything."""
        own = {**config, "auth": "oauth2_code", "client_id": "us", "client_secret": "s3cret-of-a-client"}
        opened = self.entry().open(own)
        with pytest.raises(AuthError, match="nobody has connected"):
            opened.check()
        opened.close()
        opened = self.entry().open(own)
        opened.host = person = Person(service, manifest, own)
        opened.check()
        service.expire()
        assert len(rows(opened, opened.stream("cities.csv"))) == 3
        assert person.renewed == 2
        opened.close()

    @pytest.mark.parametrize("done", [False, True])
    @pytest.mark.parametrize("number", [0, 1, 2])
    def test_a_lost_piece_is_sent_again(
        self, done: bool, number: int, config: dict[str, Any], service: DriveService, tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        """The link breaks before a piece is taken, or after it was and before anybody knew; so too at the last."""
        monkeypatch.setattr("time.sleep", lambda _: None)
        body = secrets.token_bytes(self.large(monkeypatch))
        (tmp_path / "big").write_bytes(body)
        left = iter(range(number))
        hits = lambda asked: self.is_piece(asked) and next(left, None) is None  # noqa: E731
        service.accidents = [Accident(hits, done=done)]
        opened = self.entry().open(config)
        opened.fs.put_file(str(tmp_path / "big"), self.at(opened, "big.bin"))
        assert not service.accidents, "the link broke"
        assert self.body(service, "big.bin") == body
        above = service.shelf.at(self.start)
        assert above is not None
        assert [node.name for node in service.shelf.below(above.key)].count("big.bin") == 1
        opened.close()

    def large(self, monkeypatch: pytest.MonkeyPatch) -> int:
        """Bytes of a file that goes in three pieces or more."""
        from headrace.kits.files import drive_calls

        step = 10 * 2**16
        monkeypatch.setattr(drive_calls, "PIECE_BYTES", step * 2)
        return 5 * step + 7

    @staticmethod
    def at(connector: FilesConnector[Any], name: str) -> str:
        """A path as the filesystem names it."""
        return f"{connector.root().rstrip('/')}/{name}"

    def test_a_broken_download_goes_on(
        self, connector: FilesConnector[Any], service: DriveService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("time.sleep", lambda _: None)
        body = secrets.token_bytes(3 * 2**18)
        service.shelf.put(f"{self.start}/big.bin", body)
        connector.check()
        service.cut_after = 2**18
        connector.fs.get_file(self.at(connector, "big.bin"), str(tmp_path / "back"))
        assert (tmp_path / "back").read_bytes() == body
        assert not service.cut_after, "the link broke"

    def test_a_file_that_changes_while_it_is_read_is_never_mixed(
        self, connector: FilesConnector[Any], service: DriveService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All of the one or all of the other, or an error."""
        bodies = [sign * (3 * 2**18) for sign in (b"a", b"b")]
        service.shelf.put(f"{self.start}/big.bin", bodies[0])

        def change(_: float) -> None:
            service.shelf.put(f"{self.start}/big.bin", bodies[1])

        monkeypatch.setattr("time.sleep", change)
        connector.check()
        service.cut_after = 2**18
        try:
            connector.fs.get_file(self.at(connector, "big.bin"), str(tmp_path / "back"))
        except DataError:
            return
        assert (tmp_path / "back").read_bytes() in bodies

    def test_an_append_never_takes_away_what_somebody_else_has_put(
        self, connector: FilesConnector[Any], service: DriveService
    ) -> None:
        import polars as pl

        service.shelf.put(f"{self.start}/log.csv", b"id\n1\n")

        def frames() -> Iterator[pl.DataFrame]:
            yield pl.DataFrame({"id": [3]})
            service.shelf.put(f"{self.start}/log.csv", b"id\n1\n2\n")

        with pytest.raises(TransientError, match=r"'log\.csv' was changed by somebody else"):
            connector.write("log.csv", frames(), mode="append")
        assert self.body(service, "log.csv") == b"id\n1\n2\n"
        connector.write("log.csv", iter([pl.DataFrame({"id": [3]})]), mode="append")
        assert self.body(service, "log.csv") == b"id\n1\n2\n3\n"

    def test_a_folder_that_moved_is_found_anew(self, connector: FilesConnector[Any], service: DriveService) -> None:
        """Ids that are known are no longer good; also when a file is written there."""
        import polars as pl

        service.shelf.put(f"{self.start}/sub/deep/x.csv", b"id\n1\n")
        assert rows(connector, connector.stream("sub/deep/x.csv")) == [{"id": 1}]
        gone = service.shelf.at(f"{self.start}/sub")
        assert gone is not None
        service.shelf.remove(gone)
        service.shelf.put(f"{self.start}/sub/deep/x.csv", b"id\n2\n")
        assert rows(connector, connector.stream("sub/deep/x.csv")) == [{"id": 2}]
        again = service.shelf.at(f"{self.start}/sub")
        assert again is not None
        service.shelf.remove(again)
        connector.write("sub/deep/y.csv", iter([pl.DataFrame({"id": [3]})]), mode="overwrite")
        assert self.body(service, "sub/deep/y.csv") == b"id\n3\n"

    def test_a_folder_is_no_file(self, connector: FilesConnector[Any], service: DriveService) -> None:
        import polars as pl

        service.shelf.folder(f"{self.start}/box.csv")
        with pytest.raises(ConfigError, match=r"'box\.csv' is a folder"):
            connector.write("box.csv", iter([pl.DataFrame({"id": [1]})]), mode="overwrite")

    @pytest.mark.skipif(not measurable(), reason="this system does not tell how much memory is used")
    def test_a_large_file_takes_little_memory(
        self, connector: FilesConnector[Any], service: DriveService, tmp_path: Path
    ) -> None:
        """64 MiB there and back; the fake, which is in the same process, keeps its contents on disk."""
        piece = secrets.token_bytes(2**20)
        with (tmp_path / "big").open("wb") as file:
            for _ in range(BIG // len(piece)):
                file.write(piece)
        connector.check()
        watch = MemoryWatch()
        answer = service.route

        def looked(asked: Asked) -> Any:
            watch.look()
            return answer(asked)

        service.route = looked  # type: ignore[method-assign]
        connector.fs.put_file(str(tmp_path / "big"), self.at(connector, "big.bin"))
        connector.fs.get_file(self.at(connector, "big.bin"), str(tmp_path / "back"))
        watch.look()
        assert filecmp.cmp(tmp_path / "big", tmp_path / "back", shallow=False)
        assert watch.grown < 48 * 2**20, f"it took {watch.grown // 2**20} MiB"
