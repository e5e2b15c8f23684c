"""An address opened in the wrong workspace: whether what it names is in another one of the same person's."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.db import models
from django.http import HttpRequest

from apps.core.ids import IdField
from apps.tenants.models import Tenant
from apps.tenants.requests import member_at_hand, memberships_at_hand


@dataclass(frozen=True)
class Elsewhere:
    tenant: Tenant
    url: str


def find_elsewhere(request: HttpRequest) -> Elsewhere | None:
    """Nothing is said of workspaces that the person isn't in, or that are suspended."""
    member, match = member_at_hand(request), request.resolver_match
    if member is None or match is None or member.tenant.is_suspended:
        return None
    others = [each.tenant for each in memberships_at_hand(request) if not each.tenant.is_suspended]
    others = [tenant for tenant in others if tenant.pk != member.tenant.pk]
    if not others:
        return None
    for value in match.kwargs.values():
        if owner := _owner_of(str(value), among=[tenant.pk for tenant in others]):
            tenant = next(each for each in others if each.pk == owner)
            here, there = f"/t/{member.tenant.slug}/", f"/t/{tenant.slug}/"
            return Elsewhere(tenant, request.get_full_path().replace(here, there, 1))
    return None


def _owner_of(pk: str, *, among: list[str]) -> str | None:
    model = _models_by_prefix().get(pk.partition("_")[0])
    if model is None:
        return None
    return model._base_manager.filter(pk=pk, tenant_id__in=among).values_list("tenant_id", flat=True).first()


@cache
def _models_by_prefix() -> dict[str, type[models.Model]]:
    """Everything that tenants own, by what its ids begin with."""
    found: dict[str, type[models.Model]] = {}
    for model in apps.get_models():
        key: Any = model._meta.pk
        if isinstance(key, IdField) and _has_tenant(model):
            found[key.prefix] = model
    return found


def _has_tenant(model: type[models.Model]) -> bool:
    return any(getattr(field, "attname", "") == "tenant_id" for field in model._meta.concrete_fields)
