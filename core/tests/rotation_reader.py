"""A process of the rotation drill: opens connections as a worker does, and stores some anew, until its stdin closes."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import threading
from pathlib import Path
from uuid import UUID

from headrace.connections import service
from headrace.connections.models import Connection
from headrace.infra.crypto import KeyRing
from headrace.infra.database import Database
from headrace.infra.key_file import KeyFile
from headrace.workspaces import models as _tables  # noqa: F401 - the table that connections refer to

EVERY = 25
"""So many openings for each connection that is stored anew."""


async def main() -> None:
    """Tell counts at the end: openings, stored anew, failures with their reasons."""
    url, file, given = sys.argv[1:4]
    database = Database.from_url(url, pool_size=2)
    vault = service.Vault(KeyRing((), source=KeyFile(Path(file))))
    rows = [(UUID(one["organization"]), UUID(one["id"])) for one in json.loads(Path(given).read_text())]
    ended, reads, writes, failures = threading.Event(), 0, 0, []
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    print("ready", flush=True)
    while not ended.is_set():
        organization_id, row_id = random.choice(rows)
        try:
            async with database.transaction(organization_id) as session:
                if reads % EVERY:
                    spec = (await service.resolve(session, vault, organization_id, [str(row_id)]))[str(row_id)]
                    config = spec.config
                else:
                    row = await session.get_one(Connection, (organization_id, row_id), with_for_update=True)
                    config = await vault.open(session, row)
                    row.config = await vault.seal(session, organization_id, row_id, config)
                    writes += 1
            if config["password"] != f"canary-{row_id}":
                failures.append("another secret")
        except Exception as error:
            failures.append(f"{type(error).__name__}: {error}")
        reads += 1
    print(json.dumps({"reads": reads, "writes": writes, "failures": failures}), flush=True)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main())
