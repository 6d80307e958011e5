"""An LDAP directory: OpenLDAP, Active Directory, FreeIPA, 389 Directory Server."""

from typing import Annotated, Literal

from headrace.sdk import AuthProviderManifest, Config, Field, Secret, hookimpl, lazy


class LdapConfig(Config, kw_only=True):
    """How to find people in the directory. Their password is tried by a bind as themselves."""

    host: Annotated[str, Field("Host", "Name or address of the directory server.", min_length=1)]
    port: Annotated[int, Field("Port", "636 with ldaps, 389 with starttls; 0 takes that.", ge=0, le=65535)] = 0
    security: Annotated[
        Literal["ldaps", "starttls", "none"],
        Field("Encryption", "`none` is taken for a server on this machine only: passwords would be readable."),
    ] = "ldaps"
    certificates: Annotated[
        str,
        Field("CA certificates", "PEM; empty takes those of the machine.", widget="textarea", rows=6, advanced=True),
    ] = ""
    bind_dn: Annotated[str, Field("Search as", "DN of an account that may search; empty searches anonymously.")] = ""
    bind_password: Annotated[Secret, Field("Password of it", "Of the account that searches.")] = Secret("")
    user_base: Annotated[
        str, Field("People below", "DN to search below.", min_length=1, examples=["ou=people,dc=example,dc=org"])
    ]
    user_filter: Annotated[
        str,
        Field(
            "Filter", "`{username}` is what was typed, escaped. It has to find one person.",
            pattern=r"^\(.*\{username\}.*\)$",
        ),
    ] = "(&(objectClass=person)(uid={username}))"  # fmt: skip
    subject_attribute: Annotated[
        str,
        Field("Identifier", "Attribute that never changes: entryUUID, objectGUID, ipaUniqueID, nsUniqueId."),
    ] = "entryUUID"
    email_attribute: Annotated[str, Field("E-mail", "Attribute with the address.", advanced=True)] = "mail"
    name_attribute: Annotated[str, Field("Name", "Attribute with the name to show.", advanced=True)] = "cn"
    group_base: Annotated[
        str, Field("Groups below", "DN to search groups below; empty takes the DNs in `memberOf` as names.")
    ] = ""
    group_filter: Annotated[
        str,
        Field("Group filter", "`{dn}` is the person's DN, escaped.", pattern=r"^\(.*\{dn\}.*\)$", advanced=True),
    ] = "(&(objectClass=groupOfNames)(member={dn}))"
    group_attribute: Annotated[str, Field("Group name", "Attribute with a group's name.", advanced=True)] = "cn"


@hookimpl
def headrace_auth_providers() -> list[AuthProviderManifest]:
    """Offer the provider, in editions with single sign-on."""
    return [
        AuthProviderManifest(
            id="ldap", title="LDAP directory", kind="form", config=LdapConfig, icon="lucide:book-user", feature="sso",
            factory=lazy("headrace_plugin_auth_ldap.provider:LdapProvider"),
            summary="Search, then bind as the person, over TLS; groups by search or memberOf.",
        )
    ]  # fmt: skip
