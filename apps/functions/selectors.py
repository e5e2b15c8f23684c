from collections.abc import Collection
from dataclasses import dataclass

from django.contrib.postgres.aggregates import BoolOr
from django.db.models import Count, IntegerField, Max, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce

from apps.core.errors import NotFound
from apps.functions.models import Artifact, Dependencies, Draft, Function, FunctionVersion
from apps.functions.names import path_of, read_name
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway
from apps.gateways.selectors import address_of, hosts_of
from apps.gateways.stage_counts import functions_in_stages
from apps.tenants.member import Member


def list_functions(*, actor: Member, gateway: FunctionGateway) -> "QuerySet[Function]":
    """Those that are there; what was deleted is in the recycle bin."""
    return _all_functions(actor, gateway).filter(deleted_at=None)


def list_newest(*, actor: Member, gateway: FunctionGateway, names: int) -> list[Function]:
    """Of so many names, in all their stages: what can't be loaded first, then what was saved last."""
    rows = list_functions(actor=actor, gateway=gateway)
    refused = Q(version=Cast(KeyTextTransform("version", "load_error"), IntegerField()))
    by_name = rows.order_by().values("base_name")
    by_name = by_name.annotate(fails=Coalesce(BoolOr(refused), False), last=Max("head__saved_at"))
    newest = by_name.order_by("-fails", "-last", "base_name").values_list("base_name", flat=True)[:names]
    order = {name: place for place, name in enumerate(newest)}
    found = rows.filter(base_name__in=order).select_related("head")
    kept = list(found.defer("head__files", "head__hashes", "head__dependencies"))
    for row in kept:
        row.gateway = gateway
    return sorted(kept, key=lambda row: order[row.base_name])


def list_deleted(*, actor: Member, gateway: FunctionGateway) -> "QuerySet[Function]":
    """The recycle bin."""
    return _all_functions(actor, gateway).exclude(deleted_at=None)


def called_at(function: Function) -> str:
    """Where anybody calls it; with the names of its parameters in place of them."""
    host = hosts_of(function.gateway, function.stage)[0]
    return address_of(function.gateway, host) + path_of(function.base_name).removeprefix("/")


def find_functions(*, actor: Member) -> "QuerySet[Function]":
    """Of all gateways of the workspace."""
    actor.require("functions.read")
    return Function.objects.of(actor.tenant).filter(deleted_at=None).exclude(gateway__phase=Phase.DELETED)


def get_function(*, actor: Member, function_id: str, with_deleted: bool = False) -> Function:
    actor.require("functions.read")
    rows = Function.objects.of(actor.tenant).exclude(gateway__phase=Phase.DELETED).filter(pk=function_id)
    if not with_deleted:
        rows = rows.filter(deleted_at=None)
    return _found(rows)


def get_function_named(*, actor: Member, gateway: FunctionGateway, name: str) -> Function:
    """By `dev/user/me`; without a stage, in dev."""
    wanted = read_name(name)
    return _found(list_functions(actor=actor, gateway=gateway).filter(stage=wanted.stage, base_name=wanted.base))


def list_versions(*, actor: Member, function: Function) -> "QuerySet[FunctionVersion]":
    """Its history, the newest first."""
    actor.require("functions.read", row=function)
    return FunctionVersion.objects.of(actor.tenant).filter(function=function).order_by("-number")


def get_version(*, actor: Member, function: Function, number: int) -> FunctionVersion:
    found = list_versions(actor=actor, function=function).filter(number=number).first()
    if found is None:
        raise NotFound
    return found


def get_draft(*, actor: Member, function: Function) -> Draft | None:
    """The actor's own; nobody sees another one's."""
    actor.require("functions.read", row=function)
    found: Draft | None = Draft.objects.of(actor.tenant).filter(function=function, person_id=actor.pk).first()
    return found


def head_of(function: Function) -> FunctionVersion:
    """What is wanted live, with its sources."""
    if function.head is None:
        raise NotFound
    return function.head


def artifact_of(function: Function) -> Artifact:
    """What its head was compiled to: what publishing puts into the gateway's database."""
    artifact: Artifact = head_of(function).artifact
    return artifact


@dataclass(frozen=True)
class Packages:
    """The npm packages that a gateway's functions are built with: their exact versions, and their bundle's digest."""

    versions: dict[str, str]
    digest: str

    @property
    def names(self) -> Collection[str]:
        return tuple(self.versions)


def packages_of(gateway: FunctionGateway) -> Packages:
    # Beside these, a lock has its bundle and its declarations
    rows = Dependencies.objects.filter(gateway=gateway, lock__isnull=False).values_list("lock__wanted", "lock__digest")
    for wanted, digest in rows:
        return Packages(dict(wanted), digest)
    return Packages({}, "")


def count_functions(gateway: FunctionGateway) -> int:
    """For the tab of its pages."""
    return sum(functions_in_stages(gateway).values())


def count_in_stages(gateway: FunctionGateway) -> dict[str, int]:
    """By the stage's name; one without any isn't there."""
    rows = Function.objects.filter(gateway=gateway, deleted_at=None).order_by().values_list("stage")
    return dict(rows.annotate(count=Count("pk")))


def _all_functions(actor: Member, gateway: FunctionGateway) -> "QuerySet[Function]":
    actor.require("functions.read", row=gateway)
    return Function.objects.of(actor.tenant).filter(gateway=gateway)


def _found(rows: "QuerySet[Function]") -> Function:
    found = rows.select_related("gateway", "gateway__cluster", "gateway__tenant", "head").first()
    if found is None:
        raise NotFound
    return found
