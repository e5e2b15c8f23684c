from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from apps.access.models import AccessToken
from apps.accounts.models import User
from apps.core import clock
from apps.core.errors import NotFound

# From here on a list says that the end is near, and the person is told by mail
ENDS_SOON = timedelta(days=3)


def list_tokens(*, actor: Any) -> QuerySet[AccessToken]:
    """A person's own, in every state."""
    return AccessToken.objects.filter(person_id=actor.pk).select_related("tenant")


def get_token(*, actor: Any, pk: str) -> AccessToken:
    token = list_tokens(actor=actor).filter(pk=pk).first()
    if token is None:
        raise NotFound
    return token


def tokens_to_show(*, actor: Any) -> list[AccessToken]:
    """For the page: what still counts, and what has ended and wasn't put away yet. Newest first."""
    return list(list_tokens(actor=actor).filter(revoked_at=None).order_by("-id"))


def list_all_tokens() -> QuerySet[AccessToken]:
    """Everybody's, for operators."""
    return AccessToken.objects.select_related("person", "tenant")


def in_state(tokens: QuerySet[AccessToken], state: str) -> QuerySet[AccessToken]:
    """A revoked one is that and nothing else, also after its end."""
    now = clock.now()
    match state:
        case AccessToken.State.REVOKED:
            return tokens.exclude(revoked_at=None)
        case AccessToken.State.ENDED:
            return tokens.filter(revoked_at=None, expires_at__lte=now)
        case _:
            return tokens.filter(revoked_at=None, expires_at__gt=now)


def hashes_in_use() -> "QuerySet[AccessToken, str]":
    """Of the tokens that still let somebody in."""
    return in_state(AccessToken.objects.all(), AccessToken.State.ACTIVE).values_list("token_hash", flat=True)


def belongings_of(person: User) -> list[dict[str, Any]]:
    """For the copy of one's data: what they are, which lets nobody in."""
    return [
        {
            "name": token.name,
            "begins_with": token.start,
            "workspace": token.tenant.name if token.tenant else None,
            "scopes": token.scopes,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
            "last_used_at": token.last_used_at,
            "last_used_address": token.last_used_address,
            "revoked_at": token.revoked_at,
        }
        for token in list_tokens(actor=person).order_by("id")
    ]


def can_listen(person: Any, ref: str) -> bool:
    """The topic `tokens:<person>` is that person's alone."""
    return bool(person.is_authenticated and ref and person.pk == ref)
