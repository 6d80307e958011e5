"""The same site as the tenancy proofs."""

from tests.tenancy.conftest import cheap_passwords, plugin_host, site, told

__all__ = ["cheap_passwords", "plugin_host", "site", "told"]
