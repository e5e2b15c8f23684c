"""Which scopes make sense for a token, made from the table of roles."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Text
from apps.tenants.roles import GROUPS, SCOPES


@dataclass(frozen=True)
class ScopeGroup:
    """A line of the form: what one may read and change there."""

    slug: str
    label: Text
    summary: Text
    has_reads: bool = True

    @property
    def read(self) -> str:
        return f"{self.slug}:read" if self.has_reads else ""

    @property
    def write(self) -> str:
        return f"{self.slug}:write"


# In a few words; the roles page has each line
SUMMARIES: Mapping[str, Text] = MappingProxyType(
    {
        "functions": _("Code, releases, stages, logs"),
        "gateways": _("State, variables, client apps"),
        "products": _("API services, plans, publishes, drift"),
        "customers": _("Usage, subscriptions, invoices"),
        "ai": _("Tools, playground, model providers"),
        "subscriptions": _("Plans, client apps, credentials, usage"),
        "workspace": _("Members, invitations, settings, audit log"),
    }
)
ACCOUNT = ScopeGroup("account", _("Your account"), _("Profile, sessions, access tokens"))


def groups_for(kinds: Collection[str], *, with_account: bool) -> Iterator[ScopeGroup]:
    """For workspaces of these kinds. The account belongs to no workspace."""
    for group in GROUPS:
        if group.kinds & set(kinds):
            has_reads = any(permission.reads for permission in group.permissions)
            yield ScopeGroup(group.slug, group.label, SUMMARIES[group.slug], has_reads)
    if with_account:
        yield ACCOUNT


def scopes_for(kinds: Collection[str], *, with_account: bool) -> list[str]:
    """Every scope that these lines have, in the table's order."""
    slugs = {group.slug for group in groups_for(kinds, with_account=with_account)}
    return [scope for scope in SCOPES if scope.partition(":")[0] in slugs]


def with_reading(scopes: Collection[str]) -> list[str]:
    """Whoever may change may read too; each once, in the table's order."""
    wanted = {*scopes, *(reading(scope) for scope in scopes)}
    return [scope for scope in SCOPES if scope in wanted]


def widest(scopes: Collection[str]) -> list[str]:
    """For people: reading goes without saying where there's changing."""
    return [scope for scope in scopes if writing(scope) == scope or writing(scope) not in scopes]


def reading(scope: str) -> str:
    return f"{scope.partition(':')[0]}:read"


def writing(scope: str) -> str:
    return f"{scope.partition(':')[0]}:write"
