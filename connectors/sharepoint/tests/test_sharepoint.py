"""The contract over a fake of Microsoft Graph; and what is particular to a site with libraries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from headrace.sdk import ConfigError
from headrace.testing.connector_base import rows
from headrace.testing.drive_rules import DriveContract
from headrace.testing.drives import DriveService
from headrace.testing.graph_service import GraphService

NAMES = ("a b.csv", "größe 😀.csv", "it's 100% so.csv", "x#y&z+1=;.csv", "%41.csv")
SITE = "contoso.sharepoint.com,2c712604-1370-44e7-a1f5-426573fda80a,2d2244c3-251a-49ea-93a8-39e1c3a060fe"


class TestSharepoint(DriveContract):
    connector_id = "sharepoint"
    start = "Shared Documents/in it"
    names = NAMES

    def made(self, disk: Path) -> GraphService:
        service = GraphService(disk)
        service.sites = {"contoso.sharepoint.com:/sites/Sales": SITE, "contoso.sharepoint.com": SITE}
        service.drives = {}
        for name in ("Shared Documents", "Reports", "Site Assets"):
            key = service.shelf.folder(name).key
            service.drives[f"drives/{key}"] = key
        return service

    def settings(self, service: DriveService) -> dict[str, Any]:
        return {
            "auth": "client_credentials", "client_id": "us", "client_secret": "s3cret-of-an-app", "tenant": "contoso",
            "site": "https://contoso.sharepoint.com/sites/Sales/", "library": "Shared Documents", "folder": "in it",
            "endpoint": f"{service.url}/v1.0", "token_url": f"{service.url}/contoso/oauth2/v2.0/token",
        }  # fmt: skip

    @pytest.fixture
    def bad_config(self, config: dict[str, Any]) -> dict[str, Any]:
        return {**config, "library": "Nowhere"}

    def test_a_library_that_is_not_there_is_told_with_those_there_are(self, bad_config: dict[str, Any]) -> None:
        opened = self.entry().open(bad_config)
        with pytest.raises(ConfigError, match="no library 'Nowhere'; there is 'Reports', 'Shared Documents'"):
            opened.check()
        opened.close()

    def test_the_site_of_the_host_has_no_path(self, config: dict[str, Any]) -> None:
        opened = self.entry().open({**config, "site": "contoso.sharepoint.com"})
        opened.check()
        opened.close()

    def test_a_site_that_is_not_there(self, config: dict[str, Any]) -> None:
        opened = self.entry().open({**config, "site": "https://contoso.sharepoint.com/sites/Nowhere"})
        with pytest.raises(ConfigError, match="there is no site"):
            opened.check()
        opened.close()

    def test_without_a_library_each_is_a_folder(self, config: dict[str, Any], service: DriveService) -> None:
        """So that people choose one where they choose a stream."""
        import polars as pl

        service.shelf.put("Reports/2026/x.csv", b"id\n1\n")
        opened = self.entry().open({**config, "library": "", "folder": ""})
        opened.check()
        names = [stream.name for stream in opened.discover()]
        assert names[0] == "Reports/2026/x.csv"
        assert "Shared Documents/in it/cities.csv" in names
        assert rows(opened, opened.stream("Reports/**/*.csv")) == [{"id": 1}]
        frame = pl.DataFrame({"id": [2]})
        opened.write("Reports/2026/y.csv", iter([frame]), mode="overwrite")
        assert sorted(row["id"] for row in rows(opened, opened.stream("Reports/2026"))) == [1, 2]
        for name in ("y.csv", "Nowhere/y.csv"):
            with pytest.raises(ConfigError, match="the site has no library"):
                opened.write(name, iter([frame]), mode="overwrite")
        opened.close()
