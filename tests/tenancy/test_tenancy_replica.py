"""Every operation that only reads is answered by a standby as the primary answers it: none of them writes."""

from __future__ import annotations

import asyncio

import pytest
from headrace.sdk.config import Secret
from headrace.testing.standby import standby
from headrace_web import limits

from tests.tenancy.matrix import Cell, Judge, plain
from tests.tenancy.operations import Document
from tests.tenancy.things import side_of
from tests.tenancy.world import open_site

LIVE = {"queues_list_queues"}
"""Answers that tell how old something is by now."""


@pytest.mark.slow
async def test_every_read_is_the_same_at_a_standby(headrace_settings, plugin_host, monkeypatch, tmp_path, told):
    async def once(*_: object) -> int:
        return 1

    monkeypatch.setattr(limits, "_count", once)
    with standby(tmp_path / "replica") as copy:
        urls = (Secret(copy.url_of(headrace_settings.database_url.reveal())),)
        async with open_site(headrace_settings.replace(database_replica_urls=urls), plugin_host) as site:
            side = await side_of(site, "readcanary")
            document, replicas, wrong, there = Document(site.app), site.services.replicas, [], 0
            judge = Judge(site, document, side, side)
            since = replicas._now
            async with asyncio.timeout(30):
                while replicas.each[0].fresh <= since:
                    await asyncio.sleep(0.05)
            for operation in document.operations:
                if operation.method != "GET" or operation.path.endswith("/stream") or operation.access == "public":
                    continue
                address = operation.address(await judge.ids(Cell(operation, "owner", "own"), changing=False))
                before = replicas.answered.copy()
                answer = await site.call("GET", address, side.owner.headers)
                asked = set(replicas.answered - before)
                with monkeypatch.context() as patch:
                    patch.setattr(replicas, "each", [])
                    same = await site.call("GET", address, side.owner.headers)
                there += bool(asked - {"primary"})
                if answer.status_code >= 500 or (operation.id not in LIVE and plain(answer) != plain(same)):
                    wrong.append(f"{operation.id}: {answer.text[:300]}, at the primary {same.text[:300]}")
                elif asked and "primary" in asked:
                    wrong.append(f"{operation.id}: went to the primary, as the standby would not answer")
    told(f"replicas: {there} operations answered by a standby, {len(wrong)} otherwise than by the primary",
         reads_at_a_standby=there, reads_at_a_standby_wrong=len(wrong))  # fmt: skip
    assert not wrong, "\n".join(wrong)
    assert there > 60
