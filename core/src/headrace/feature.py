"""What a plugin with tables builds on, beside `headrace.sdk`: rows of an organization, who acts, the clock."""

from headrace.accounts.notices import tell_owners
from headrace.accounts.permissions import Actor
from headrace.entitlements.service import usage
from headrace.entitlements.subscriptions import of as acting_for
from headrace.flows.service import check_version
from headrace.identities import directory, directory_groups
from headrace.identities.directory import Directory, open_directory
from headrace.identities.models import DirectoryGroup, DirectoryPerson
from headrace.infra.clock import now
from headrace.infra.ids import new_id
from headrace.infra.models import GlobalModel, TenantModel, Versioned, tenant_key
from headrace.infra.rls import enable_rls

__all__ = [
    "Actor",
    "Directory",
    "DirectoryGroup",
    "DirectoryPerson",
    "GlobalModel",
    "TenantModel",
    "Versioned",
    "acting_for",
    "check_version",
    "directory",
    "directory_groups",
    "enable_rls",
    "new_id",
    "now",
    "open_directory",
    "tell_owners",
    "tenant_key",
    "usage",
]
