"""Who may do what: one table. Services ask it, the roles page shows it, the scopes of tokens are made from it.

A permission is granted to a role everywhere, in some stages only, or only for what somebody owns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Text


class Kind(TextChoices):
    PROVIDER = "provider", _("Provider")
    CUSTOMER = "customer", _("Customer")


class Role(TextChoices):
    """In a workspace. The values are names that programs and people use alike, so they aren't translated."""

    OWNER = "owner", "owner"
    ADMIN = "admin", "admin"
    GATEWAY_OWNER = "gateway-owner", "gateway-owner"
    API_DEVELOPER = "api-developer", "api-developer"
    QA = "qa", "qa"
    BUSINESS_MANAGER = "business-manager", "business-manager"
    CONSUMER = "consumer", "consumer"
    VIEWER = "viewer", "viewer"


class SystemRole(TextChoices):
    """Of those who run the platform, outside of any workspace."""

    SYSTEM_ADMIN = "system-admin", "system-admin"
    SRE_OPERATOR = "sre-operator", "sre-operator"


ROLES_OF: Mapping[str, tuple[Role, ...]] = MappingProxyType(
    {
        Kind.PROVIDER: (
            Role.OWNER,
            Role.ADMIN,
            Role.GATEWAY_OWNER,
            Role.API_DEVELOPER,
            Role.QA,
            Role.BUSINESS_MANAGER,
            Role.VIEWER,
        ),
        Kind.CUSTOMER: (Role.OWNER, Role.ADMIN, Role.CONSUMER, Role.VIEWER),
    }
)

# What a role means to somebody who gets it, after "You …"
MEANING: Mapping[str, Text] = MappingProxyType(
    {
        Role.OWNER: _("You may do everything, also delete the workspace and make others owners."),
        Role.ADMIN: _("You may do everything but delete the workspace and change its owners."),
        Role.GATEWAY_OWNER: _("You run gateways and release into every stage."),
        Role.API_DEVELOPER: _("You write and release in dev and read the rest."),
        Role.QA: _("You test and release in staging and read the rest."),
        Role.BUSINESS_MANAGER: _("You look after plans, customers and invoices."),
        Role.CONSUMER: _("You make client apps and credentials and call APIs."),
        Role.VIEWER: _("You see everything but secrets and change nothing."),
    }
)


@dataclass(frozen=True)
class Grant:
    """Where a role has a permission. Without stages: in all of them."""

    stages: frozenset[str] = frozenset()
    only_own: bool = False

    def covers(self, *, stage: str, is_own: bool) -> bool:
        return (not self.stages or stage in self.stages) and (is_own or not self.only_own)


EVERYWHERE = Grant()


@dataclass(frozen=True)
class Permission:
    """A line of the table. `reads` says that it changes nothing, which decides the scope that a token needs."""

    key: str
    label: Text
    grants: Mapping[str, Grant]
    note: Text = ""
    reads: bool = False


@dataclass(frozen=True)
class Group:
    """Lines that belong together; `slug` begins the names of their scopes. No kinds: given by operators."""

    slug: str
    label: Text
    kinds: frozenset[str]
    permissions: tuple[Permission, ...] = field(default=())


def _to(roles: str, *, dev: str = "", staging: str = "", own: str = "") -> Mapping[str, Grant]:
    """Roles by name; those who have it in one stage, and those who have it for what they own."""
    grants = dict.fromkeys(roles.split(), EVERYWHERE)
    grants.update(dict.fromkeys(dev.split(), Grant(stages=frozenset({"dev"}))))
    grants.update(dict.fromkeys(staging.split(), Grant(stages=frozenset({"staging"}))))
    grants.update(dict.fromkeys(own.split(), Grant(only_own=True)))
    return MappingProxyType(grants)


_PROVIDER = frozenset({Kind.PROVIDER.value})
_CUSTOMER = frozenset({Kind.CUSTOMER.value})
_OWNERS = "owner admin gateway-owner"
_EVERYONE = "owner admin gateway-owner api-developer qa business-manager consumer viewer"

GROUPS: tuple[Group, ...] = (
    Group(
        "functions",
        _("Functions"),
        _PROVIDER,
        (
            Permission(
                "functions.read",
                _("Read code, history and logs"),
                _to(f"{_OWNERS} api-developer qa viewer"),
                reads=True,
            ),
            Permission("functions.call", _("Call a function from the console"), _to(f"{_OWNERS} api-developer qa")),
            Permission("functions.save", _("Save a function"), _to(_OWNERS, dev="api-developer", staging="qa")),
            Permission(
                "releases.create",
                _("Release into a stage"),
                _to(_OWNERS, dev="api-developer", staging="qa"),
                note=_("the pipeline may narrow it"),
            ),
            Permission("releases.roll_back", _("Roll back a stage"), _to(_OWNERS, dev="api-developer", staging="qa")),
            Permission(
                "releases.approve", _("Approve a release"), _to(_OWNERS, staging="qa"), note=_("never one's own")
            ),
            Permission("stages.hold", _("Pin or freeze a stage"), _to(_OWNERS)),
            Permission(
                "releases.break_glass",
                _("Release through a hold"),
                _to("owner"),
                note=_("break glass, with a reason"),
            ),
            Permission("dependencies.change", _("Add and remove npm packages"), _to(_OWNERS)),
            Permission(
                "data.read",
                _("See the data that functions keep"),
                _to(f"{_OWNERS} api-developer qa viewer"),
                reads=True,
            ),
            Permission(
                "data.change",
                _("Change the data that functions keep"),
                _to("owner admin", own="gateway-owner"),
                note=_("it's the same in every stage"),
            ),
            Permission(
                "plugins.change", _("Set plugins and triggers"), _to(_OWNERS, dev="api-developer", staging="qa")
            ),
        ),
    ),
    Group(
        "gateways",
        _("Gateways"),
        _PROVIDER,
        (
            Permission(
                "gateways.read",
                _("See gateways and their state"),
                _to(f"{_OWNERS} api-developer qa business-manager viewer"),
                reads=True,
            ),
            Permission("gateways.create", _("Create a gateway"), _to(_OWNERS)),
            Permission(
                "gateways.operate",
                _("Stop, start, restart, change the bundle"),
                _to("owner admin", own="gateway-owner"),
                note=_("own: those they own"),
            ),
            Permission(
                "gateways.secrets",
                _("Set variables and secrets"),
                _to("owner admin", own="gateway-owner"),
                note=_("no role reads a secret back"),
            ),
            Permission("gateways.delete", _("Delete a gateway"), _to("owner admin", own="gateway-owner")),
            Permission("gateways.grant", _("Grant a client app a stage"), _to("owner admin", own="gateway-owner")),
        ),
    ),
    Group(
        "products",
        _("API products"),
        _PROVIDER,
        (
            Permission(
                "products.read",
                _("See API services, products and plans"),
                _to(f"{_OWNERS} api-developer qa business-manager viewer"),
                reads=True,
            ),
            Permission("services.change", _("Change API services, routes, policies"), _to(f"{_OWNERS} api-developer")),
            Permission("products.change", _("Change products and plans"), _to("owner admin business-manager")),
            Permission("publishes.change", _("Publish, withdraw, roll back a revision"), _to(_OWNERS)),
            Permission("drift.decide", _("Decide about drift"), _to(_OWNERS), note=_("revert, adopt, ignore")),
        ),
    ),
    Group(
        "customers",
        _("Customers and money"),
        _PROVIDER,
        (
            Permission(
                "usage.read", _("See usage"), _to(f"{_OWNERS} api-developer qa business-manager viewer"), reads=True
            ),
            Permission("revenue.read", _("See revenue and invoices"), _to("owner admin business-manager"), reads=True),
            Permission(
                "subscriptions.decide",
                _("Approve, suspend, resume subscriptions"),
                _to("owner admin business-manager"),
            ),
            Permission("plans.give", _("Give a custom plan"), _to("owner admin business-manager")),
            Permission("invoices.issue", _("Issue an invoice, mark it paid"), _to("owner admin business-manager")),
        ),
    ),
    Group(
        "ai",
        _("AI"),
        _PROVIDER,
        (
            Permission("tools.offer", _("Offer an operation as an MCP tool"), _to(f"{_OWNERS} api-developer")),
            Permission("playground.use", _("Use the playground"), _to(f"{_OWNERS} api-developer qa business-manager")),
            Permission("models.change", _("Set model providers and their keys"), _to("owner admin")),
        ),
    ),
    Group(
        "subscriptions",
        _("Subscriptions"),
        _CUSTOMER,
        (
            Permission("consumption.read", _("See usage and quota"), _to("owner admin consumer viewer"), reads=True),
            Permission("subscriptions.change", _("Subscribe, change plan, cancel"), _to("owner admin")),
            Permission("apps.change", _("Make and change client apps"), _to("owner admin consumer")),
            Permission("credentials.change", _("Make, rotate, revoke credentials"), _to("owner admin consumer")),
            Permission("apis.try", _("Try an API from its page"), _to("owner admin consumer")),
            Permission("bills.pay", _("See and pay invoices"), _to("owner admin")),
        ),
    ),
    Group(
        "workspace",
        _("Workspace"),
        _PROVIDER | _CUSTOMER,
        (
            Permission("workspace.see", _("See the workspace and its members"), _to(_EVERYONE), reads=True),
            Permission("audit.read", _("Read and export the audit log"), _to(_OWNERS), reads=True),
            Permission(
                "members.manage",
                _("Invite, change roles, remove"),
                _to("owner admin"),
                note=_("an owner is changed by an owner"),
            ),
            Permission("workspace.change", _("Change name, branding, SSO, notifications"), _to("owner admin")),
            Permission("workspace.hand_over", _("Make someone else an owner"), _to("owner")),
            Permission("workspace.delete", _("Delete the workspace"), _to("owner")),
        ),
    ),
    Group(
        "fleet",
        _("Fleet"),
        frozenset(),
        (
            Permission(
                "clusters.register",
                _("Register clusters and agents, maintenance"),
                _to("system-admin sre-operator"),
            ),
            Permission("fleet.decide_drift", _("Decide about drift"), _to("system-admin sre-operator")),
            Permission("gateways.mend", _("Mend a stuck gateway, release a lease"), _to("system-admin sre-operator")),
            Permission("gateways.force_phase", _("Force a phase"), _to("system-admin"), note=_("with a reason")),
        ),
    ),
    Group(
        "tenants",
        _("Workspaces"),
        frozenset(),
        (
            Permission(
                "tenants.see", _("See which workspaces there are"), _to("system-admin sre-operator"), reads=True
            ),
            Permission("tenants.open", _("Open a provider workspace"), _to("system-admin")),
            Permission("tenants.change", _("Rename a workspace, manage its people"), _to("system-admin")),
            Permission("tenants.suspend", _("Suspend or delete a workspace"), _to("system-admin")),
            Permission(
                "tenants.see_into",
                _("See into a workspace"),
                _to("system-admin sre-operator"),
                note=_("audited, the owners are told"),
                reads=True,
            ),
        ),
    ),
    Group(
        "people",
        _("People"),
        frozenset(),
        (
            Permission(
                "people.manage", _("Make, change, deactivate people, reset a second factor"), _to("system-admin")
            ),
            Permission("tokens.revoke", _("Revoke somebody else's access token"), _to("system-admin sre-operator")),
            Permission("identities.unlink", _("Unlink somebody else's identity"), _to("system-admin")),
            Permission("providers.change", _("Set up identity providers"), _to("system-admin")),
        ),
    ),
    Group(
        "platform",
        _("Platform"),
        frozenset(),
        (
            Permission(
                "platform.see",
                _("See processes, tasks, mails and people"),
                _to("system-admin sre-operator"),
                reads=True,
            ),
            Permission("tasks.operate", _("Run, repeat and remove tasks"), _to("system-admin sre-operator")),
            Permission("audit.read_all", _("Read the whole audit log"), _to("system-admin sre-operator"), reads=True),
            Permission("keys.rotate", _("Rotate the encryption key"), _to("system-admin")),
        ),
    ),
)

PERMISSIONS: Mapping[str, Permission] = MappingProxyType(
    {permission.key: permission for group in GROUPS for permission in group.permissions}
)
_GROUP_OF = {permission.key: group for group in GROUPS for permission in group.permissions}

# In somebody else's workspace an operator needs the platform's permission; what isn't here, operators don't do there
OPERATORS_NEED: Mapping[str, str] = MappingProxyType(
    {
        "workspace.see": "tenants.see_into",
        "audit.read": "tenants.see_into",
        "members.manage": "tenants.change",
        "workspace.change": "tenants.change",
        "workspace.hand_over": "tenants.change",
        "workspace.delete": "tenants.suspend",
    }
)

# What it takes to change something in the admin: by app, or by its model where that takes something else
ADMIN_NEEDS: Mapping[str, str] = MappingProxyType(
    {
        "core": "tasks.operate",
        "django_q": "tasks.operate",
        "accounts": "people.manage",
        "access": "tokens.revoke",
        "sso": "providers.change",
        "sso.linkedidentity": "identities.unlink",
        "tenants": "tenants.change",
    }
)

# A token's scopes: what one may read, and what one may change, in each group
ACCOUNT_SCOPES = ("account:read", "account:write")
SCOPES: tuple[str, ...] = (
    *ACCOUNT_SCOPES,
    *(f"{group.slug}:{way}" for group in GROUPS if group.kinds for way in ("read", "write")),
)


def may(role: str, permission: str, *, kind: str = "", stage: str = "", is_own: bool = False) -> bool:
    """`kind` is the workspace's; without one it's about the platform."""
    group = _GROUP_OF[permission]
    if kind not in (group.kinds or {""}):
        return False
    grant = PERMISSIONS[permission].grants.get(role)
    return grant is not None and grant.covers(stage=stage, is_own=is_own)


def roles_that_may(permission: str, *, kind: str = "", stage: str = "", is_own: bool = False) -> list[str]:
    """For a refusal, and for the pages that offer roles: from the one with the most rights to the least."""
    roles: tuple[str, ...] = tuple(ROLES_OF[kind]) if kind else tuple(SystemRole.values)
    return [str(role) for role in roles if may(role, permission, kind=kind, stage=stage, is_own=is_own)]


def scope_of(permission: str) -> str:
    """The scope that a token needs for it."""
    return f"{_GROUP_OF[permission].slug}:{'read' if PERMISSIONS[permission].reads else 'write'}"


def groups_of(kind: str) -> Iterator[Group]:
    """The part of the table for one kind of workspace; the platform's for an empty kind."""
    return (group for group in GROUPS if (kind in group.kinds if kind else not group.kinds))
