"""Who else works on a function: those whose draft changed a moment ago. Their names, never what they write."""

from datetime import timedelta

from apps.core import clock
from apps.core.events import publish
from apps.functions.models import Draft, Function
from apps.tenants.member import Member

# After that somebody has stopped typing
LASTS = timedelta(seconds=90)
KIND = "editing"


def names_of_editors(*, actor: Member, function: Function) -> list[str]:
    """Everybody but the actor."""
    actor.require("functions.read", row=function)
    drafts = Draft.objects.of(actor.tenant).filter(function=function, updated_at__gt=clock.now() - LASTS)
    return [str(draft.person) for draft in drafts.exclude(person_id=actor.pk).select_related("person").order_by("pk")]


def is_editing(*, actor: Member, function: Function) -> bool:
    """The actor: the others have been told."""
    since = clock.now() - LASTS / 2
    return Draft.objects.of(actor.tenant).filter(function=function, person_id=actor.pk, updated_at__gt=since).exists()


def tell_editing(function: Function) -> None:
    """The pages on which others have it open."""
    publish(f"gateway:{function.gateway_id}", KIND, str(function.pk))
