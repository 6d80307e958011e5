"""One PostgreSQL and one Valkey for a whole test session, in a process of its own that ends with the session.

`python -m headrace.testing.server FOLDER PID` starts them in FOLDER, writes `ready.json`, and stops when PID ends.
"""

from __future__ import annotations

import os
import select
import shutil
import sys
from pathlib import Path

from msgspec import Struct, json

TEMPLATE = "headrace_template"
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "400"}


class Ready(Struct, frozen=True, kw_only=True):
    """What the tests need to know. The passwords live as long as the session.

    Attributes:
        admin_url: Superuser, for making databases.
        passwords: By role.
        redis_url: Valkey, database 0.
    """

    admin_url: str
    passwords: dict[str, str]
    redis_url: str


def main(folder: Path, session_pid: int) -> None:
    """Serve until the test session ends."""
    from msgspec import structs

    from headrace.infra import migrate
    from headrace.infra.embedded import EmbeddedServices
    from headrace.infra.postgres import Passwords, write_private
    from headrace.infra.roles import ensure_database, grant_connect
    from headrace.testing.branches import branches

    session = os.pidfd_open(session_pid)
    services = EmbeddedServices(folder / "home", options=FAST)
    try:
        urls = services.start()
        passwords = structs.asdict(Passwords.load(folder / "home" / "secrets" / "postgres.json"))
        owner = urls.owner_url.reveal()
        admin = owner.replace(f"headrace_owner:{passwords['headrace_owner']}", f"postgres:{passwords['postgres']}")
        admin = admin.rpartition("/")[0] + "/postgres"
        import psycopg

        with psycopg.connect(admin, autocommit=True) as connection:
            ensure_database(connection, TEMPLATE, "headrace_owner")
            grant_connect(connection, TEMPLATE)
        migrate.upgrade(owner.rpartition("/")[0] + "/" + TEMPLATE, branches())
        ready = Ready(admin_url=admin, passwords=passwords, redis_url=urls.redis_url.reveal())
        write_private(folder / "ready.json", json.encode(ready))
        poll = select.poll()
        poll.register(session, select.POLLIN)
        poll.poll()
    finally:
        services.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
