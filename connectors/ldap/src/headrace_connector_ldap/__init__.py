"""LDAP: entries of a directory as rows."""

from typing import Annotated, Literal

from headrace.sdk import Capability, Config, ConnectorManifest, Field, Secret, hookimpl, lazy

DOCS = """An attribute is a column. Most may have several values: name them with `[]` at the end, as in `mail[]`, and
the column is a list; an entry with several values of one that is named without it is rejected, not cut."""


class LdapConfig(Config, kw_only=True):
    """How to reach the directory, and what to read."""

    host: Annotated[str, Field("Host", examples=["ldap.example.org"], min_length=1, order=0)]
    port: Annotated[int, Field("Port", "0 takes the usual one, 636 or 389.", ge=0, le=65_535, order=1)] = 0
    security: Annotated[
        Literal["tls", "none"], Field("Encryption", "None only for a directory on this machine.", order=2)
    ] = "tls"
    bind_dn: Annotated[str, Field("Account", "DN; empty reads as anybody.", order=3)] = ""
    bind_password: Annotated[Secret, Field("Password", order=4)] = Secret("")
    base: Annotated[str, Field("Base", "Where to search.", examples=["dc=example,dc=org"], min_length=1, order=5)]
    filter: Annotated[str, Field("Filter", examples=["(objectClass=person)"], order=6)] = "(objectClass=*)"
    attributes: Annotated[
        list[str], Field("Attributes", "Columns; `mail[]` takes all values.", widget="tags", min_length=1,
                         examples=[["cn", "mail[]"]], order=7)
    ]  # fmt: skip
    certificates: Annotated[
        str, Field("Certificate authority", "PEM of a private one; empty trusts those of the system.",
                   widget="textarea", advanced=True, order=8)
    ] = ""  # fmt: skip


@hookimpl
def headrace_connectors() -> list[ConnectorManifest]:
    """Offer the connector."""
    return [
        ConnectorManifest(
            id="ldap", title="LDAP directory", category="business_apps", summary="Entries of a directory",
            config=LdapConfig, factory=lazy("headrace_connector_ldap.connector:LdapConnector"), waits=True, docs=DOCS,
            icon="lucide:contact", capabilities=frozenset({Capability.READ}), proof="real server",
        )
    ]  # fmt: skip
