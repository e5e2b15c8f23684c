"""Setting up identity providers, and what they do to people's accounts."""

from apps.sso.services.identities import link_identity, sign_in, unlink_identity
from apps.sso.services.providers import (
    SETTINGS,
    change_provider,
    check_group_role,
    create_provider,
    remove_group_role,
    set_group_role,
)

__all__ = [
    "SETTINGS",
    "change_provider",
    "check_group_role",
    "create_provider",
    "link_identity",
    "remove_group_role",
    "set_group_role",
    "sign_in",
    "unlink_identity",
]
