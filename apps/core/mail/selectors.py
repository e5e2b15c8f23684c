from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from apps.core.mail.models import OutgoingMail


def list_mails(*, to: str = "") -> QuerySet[OutgoingMail]:
    """All of them, or those whose address has this in it."""
    mails = OutgoingMail.objects.all()
    return mails.filter(to__icontains=to) if to else mails


def mails_by_id(ids: Iterable[str]) -> dict[str, OutgoingMail]:
    """What became of several mails, in one query; those that are swept away are missing. Their texts aren't loaded."""
    wanted = [each for each in ids if each]
    return OutgoingMail.objects.defer("text").in_bulk(wanted) if wanted else {}


def may_see_mails(person: Any, ref: str) -> bool:
    """Everybody's, with the links in them: only where everybody is the one who develops it."""
    return bool(settings.DEBUG)
