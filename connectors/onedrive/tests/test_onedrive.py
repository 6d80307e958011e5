"""The contract over a fake of Microsoft Graph; and what is particular to a OneDrive."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from headrace.kits.files.connector import FilesConnector
from headrace.sdk import ConfigError, TransientError
from headrace.testing.connector_base import rows
from headrace.testing.drive_rules import DriveContract
from headrace.testing.drives import Accident, DriveService
from headrace.testing.graph_service import GraphService
from headrace.testing.http_server import Asked

NAMES = ("a b.csv", "größe 😀.csv", "it's 100% so.csv", "x#y&z+1=;.csv", "%41.csv")


class TestOnedrive(DriveContract):
    connector_id = "onedrive"
    names = NAMES

    def made(self, disk: Path) -> GraphService:
        return GraphService(disk)

    def settings(self, service: DriveService) -> dict[str, Any]:
        return {
            "auth": "client_credentials", "client_id": "us", "client_secret": "s3cret-of-an-app", "tenant": "contoso",
            "user": "ada@example.org", "folder": self.start, "endpoint": f"{service.url}/v1.0",
            "token_url": f"{service.url}/contoso/oauth2/v2.0/token",
        }  # fmt: skip

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "client_secret": "s3cret-and-wrong"}

    def test_graph_itself_compares_on_an_append(self, connector: FilesConnector[Any], service: GraphService) -> None:
        """Between our look and the upload somebody else puts another version."""
        import polars as pl

        service.shelf.put(f"{self.start}/log.csv", b"id\n1\n")

        def meanwhile(asked: Asked) -> bool:
            if asked.path.endswith("createUploadSession"):
                service.shelf.put(f"{self.start}/log.csv", b"id\n9\n")
            return False

        service.accidents = [Accident(meanwhile)]
        with pytest.raises(TransientError, match="changed by somebody else"):
            connector.write("log.csv", iter([pl.DataFrame({"id": [2]})]), mode="append")
        assert self.body(service, "log.csv") == b"id\n9\n"
        service.accidents.clear()

    def test_an_upload_that_graph_forgets_is_begun_again(
        self, connector: FilesConnector[Any], service: GraphService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The old file stays until then."""
        service.shelf.put(f"{self.start}/big.bin", b"old")
        (tmp_path / "big").write_bytes(b"x" * self.large(monkeypatch))

        def forget(asked: Asked) -> bool:
            if self.is_piece(asked) and service.sessions and next(iter(service.sessions.values())).there:
                service.sessions.clear()
            return False

        service.accidents = [Accident(forget)]
        with pytest.raises(TransientError, match="begun again"):
            connector.fs.put_file(str(tmp_path / "big"), self.at(connector, "big.bin"))
        assert self.body(service, "big.bin") == b"old"
        service.accidents.clear()

    def test_links_and_notebooks_are_left_out(self, connector: FilesConnector[Any], service: GraphService) -> None:
        at = {"size": 0, "lastModifiedDateTime": "2026-03-01T12:00:00Z"}
        service.odd = [
            {"id": "1", "name": "shared.csv", "file": {}, "remoteItem": {"id": "2"}, **at},
            {"id": "3", "name": "Notes", "package": {"type": "oneNote"}, **at},
        ]
        assert {facts.path for facts in connector.files("*.csv")} == {"cities.csv"}

    def test_a_link_goes_without_the_token(self, connector: FilesConnector[Any], service: GraphService) -> None:
        """The fake refuses a token at the host of contents; and a link that is over is asked for again."""
        assert len(rows(connector, connector.stream("cities.csv"))) == 3
        service.links.clear()
        connector.close()
        assert len(rows(connector, connector.stream("cities.csv"))) == 3

    @pytest.mark.parametrize(
        ("wrong", "told"), [({"user": ""}, "enter whose it is"), ({"tenant": "common"}, "signs in to one tenant")]
    )
    def test_an_app_names_user_and_tenant(self, wrong: dict[str, str], told: str, config: dict[str, Any]) -> None:
        opened = self.entry().open({**config, **wrong})
        with pytest.raises(ConfigError, match=told):
            opened.check()
        opened.close()
