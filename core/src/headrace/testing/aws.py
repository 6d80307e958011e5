"""Moto as AWS: where it is, and a client of its own for tests."""

from __future__ import annotations

from typing import Any

from headrace.testing.counterparts import moto

KEY, SECRET = "AKIATESTTESTTESTTEST", "not-a-secret-at-all"


def aws_config(**more: Any) -> dict[str, Any]:
    """A connection's config."""
    return {"region": "eu-central-1", "access_key_id": KEY, "secret_access_key": SECRET, "endpoint_url": moto(), **more}


def client(api: str, config: dict[str, Any]) -> Any:
    """A client of botocore, by its own way."""
    from headrace.kits.records.aws import session

    return session().create_client(
        api, region_name=config["region"], endpoint_url=config["endpoint_url"], aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )  # fmt: skip
