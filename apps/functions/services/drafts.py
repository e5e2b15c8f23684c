"""What somebody has changed and not saved. Each person has one of each function, and sees no other."""

from django.db import transaction
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.functions.files import Given, checked_files, whole_files
from apps.functions.models import LONGEST_PATH, Draft, Function
from apps.functions.problems import StaleDraft
from apps.functions.selectors import head_of
from apps.functions.services.locking import lock_function
from apps.tenants.member import Member


@transaction.atomic
def save_draft(
    *,
    actor: Member,
    function: Function,
    files: Given,
    entrypoint: str,
    base_version: int,
    revision: int | None = None,
) -> Draft:
    """Needn't compile. With a revision, only if no other window has saved it since: 0 where there was none."""
    actor, function = lock_function(actor, function)
    draft: Draft | None = Draft.objects.of(actor.tenant).filter(function=function, person_id=actor.pk).first()
    if revision is not None and revision != (draft.revision if draft else 0):
        raise stale_draft(draft)
    known = [head_of(function).files, *([draft.files] if draft else [])]
    whole = checked_files(whole_files(files, known))
    if not 0 < base_version <= function.version:
        words = {"version": function.version}
        raise InvalidInput(fields={"base_version": [_("There is no such version yet: it's at %(version)d.") % words]})
    if draft is None:
        draft = Draft(tenant=actor.tenant, function=function, person_id=actor.pk, revision=0)
    draft.files, draft.entrypoint, draft.base_version = whole, entrypoint[:LONGEST_PATH], base_version
    draft.revision += 1
    draft.save()
    return draft


@transaction.atomic
def discard_draft(*, actor: Member, function: Function) -> None:
    """Nothing where there is none."""
    actor, function = lock_function(actor, function)
    Draft.objects.of(actor.tenant).filter(function=function, person_id=actor.pk).delete()


def stale_draft(draft: Draft | None) -> StaleDraft:
    """With the other window's draft, so that nothing is lost."""
    if draft is None:
        return StaleDraft(draft=None)
    told = {
        "revision": draft.revision,
        "base_version": draft.base_version,
        "files": draft.files,
        "entrypoint": draft.entrypoint,
        "updated_at": draft.updated_at.isoformat(),
    }
    return StaleDraft(draft=told)
