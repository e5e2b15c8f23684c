from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.access.models import AccessToken
from apps.access.selectors import ENDS_SOON
from apps.core import clock
from apps.core.mail import public_url, send_mail
from apps.core.queue.sweeper import sweep

FORGOTTEN_AFTER = timedelta(days=90)
BATCH = 200


@sweep(every=timedelta(minutes=10))
def tell_of_ending() -> None:
    """Whatever uses a token stops on its last day, so its person hears of that before."""
    while _tell_some():
        pass


@transaction.atomic
def _tell_some() -> bool:
    """A batch, each told in the transaction that notes it: a sweep that is cut off tells nobody twice."""
    now = clock.now()
    ending = AccessToken.objects.filter(
        # One that was made for a few days was known to end when it was made
        created_at__lt=F("expires_at") - ENDS_SOON,
        expires_at__gt=now,
        expires_at__lte=now + ENDS_SOON,
        person__is_active=True,
        revoked_at=None,
        told_at=None,
    )
    tokens = list(ending.select_related("person").select_for_update(of=("self",), skip_locked=True)[:BATCH])
    for token in tokens:
        send_mail(
            to=token.person.email,
            subject=_("Your access token %(name)s ends soon"),
            template="token_ends",
            context={
                "name": token.name,
                "start": token.shown_start,
                "ends_at": token.expires_at,
                "last_used_at": token.last_used_at,
                "url": public_url(reverse("access:list")),
            },
            language=token.person.language,
        )
    AccessToken.objects.filter(pk__in=[token.pk for token in tokens]).update(told_at=now)
    return len(tokens) == BATCH


@sweep(every=timedelta(hours=6))
def forget_old_tokens() -> None:
    """Those that have let nobody in for long. What they were stays in the audit log."""
    before = clock.now() - FORGOTTEN_AFTER
    AccessToken.objects.filter(Q(expires_at__lt=before) | Q(revoked_at__lt=before)).delete()
