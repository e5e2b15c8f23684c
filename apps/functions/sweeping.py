"""What is kept for a while, and then no more: what lies in the recycle bin, and old versions."""

from datetime import datetime, timedelta

from django.conf import settings as conf
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Window
from django.db.models.functions import RowNumber

from apps.audit.services import SYSTEM, record
from apps.core import clock
from apps.functions.models import Artifact, Draft, Function, FunctionVersion

AT_ONCE = 500
# An artifact is written before the version that points at it; both within one transaction, which isn't long
ARTIFACT_STAYS = timedelta(days=1)


def ends_at(function: Function) -> datetime | None:
    """When one in the recycle bin is gone for good."""
    return function.deleted_at and function.deleted_at + timedelta(days=conf.RECYCLE_DAYS)


def empty_bin() -> int:
    """Those that lay there for long enough. Publishing has heard of each before: what isn't told yet stays."""
    before = clock.now() - timedelta(days=conf.RECYCLE_DAYS)
    rows = Function.objects.filter(deleted_at__lt=before, publish_due_at=None).order_by("deleted_at", "pk")
    return sum(_end(pk, before) for pk in rows.values_list("pk", flat=True)[:AT_ONCE])


@transaction.atomic
def _end(pk: str, before: datetime) -> bool:
    row = Function.objects.select_for_update().filter(pk=pk, deleted_at__lt=before).first()
    if row is None:
        return False
    record(actor=SYSTEM, verb="function.ended", target=row, before={"name": row.name, "deleted_at": row.deleted_at})
    remove_for_good([row])
    return True


def remove_for_good(functions: list[Function]) -> None:
    """With all that hangs on them. Each holds on to its own head, which holds on to it."""
    keys = [row.pk for row in functions]
    Function.objects.filter(pk__in=keys).update(head=None)
    Function.objects.filter(pk__in=keys).delete()


def forget_old_versions() -> int:
    """Beside the newest: what is pinned, what is wanted, live or published, and what a draft was begun from stays."""
    numbered = FunctionVersion.objects.annotate(
        age=Window(RowNumber(), partition_by=F("function_id"), order_by=F("number").desc())
    )
    old = numbered.filter(age__gt=conf.VERSIONS_KEPT).values("pk")
    drafts = Draft.objects.filter(function=OuterRef("function"), base_version=OuterRef("number"))
    heads = Function.objects.filter(head=OuterRef("pk"))
    in_use = Q(number=F("function__live_version")) | Q(number=F("function__published_version"))
    rows = FunctionVersion.objects.filter(pk__in=old, is_pinned=False).exclude(in_use)
    rows = rows.filter(~Exists(drafts), ~Exists(heads))
    keys = list(rows.values_list("pk", flat=True)[:AT_ONCE])
    return FunctionVersion.objects.filter(pk__in=keys).delete()[0] if keys else 0


def forget_unused_artifacts() -> int:
    """Which no version was compiled to any more."""
    used = FunctionVersion.objects.filter(artifact=OuterRef("pk"))
    rows = Artifact.objects.filter(~Exists(used), made_at__lt=clock.now() - ARTIFACT_STAYS)
    keys = list(rows.values_list("pk", flat=True)[:AT_ONCE])
    return Artifact.objects.filter(pk__in=keys).delete()[0] if keys else 0
