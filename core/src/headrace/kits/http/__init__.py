"""Kit for REST services: a `connector.toml` beside a Config is a connector. Light; the work is in its modules."""

from headrace.kits.http.manifest import rest_manifest

__all__ = ["rest_manifest"]
