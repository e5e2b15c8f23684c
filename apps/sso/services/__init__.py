"""Setting up identity providers, and what they do to people's accounts."""

from apps.sso.services.identities import link_identity, sign_in, unlink_identity
from apps.sso.services.providers import change_provider, create_provider, remove_group_role, set_group_role

__all__ = [
    "change_provider",
    "create_provider",
    "link_identity",
    "remove_group_role",
    "set_group_role",
    "sign_in",
    "unlink_identity",
]
