"""The tables of executions go down and up again."""

from __future__ import annotations

from headrace.infra import migrate


def test_the_revision_goes_down_and_up(database_urls):
    heads = migrate.upgrade(database_urls.owner_url)
    migrate.downgrade(database_urls.owner_url, "0002")
    assert migrate.upgrade(database_urls.owner_url) == heads
