from django.urls import reverse
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.mail import public_url, send_mail
from apps.core.web.addresses import address
from apps.tenants.mails import owners_of
from apps.tenants.models import Membership
from apps.tenants.view_as.viewing import Viewing


def tell_started(viewing: Viewing, *, operator: User, person: User) -> None:
    """The person, and whoever owns a workspace that is seen now; each learns of their own workspace only."""
    told = {person.pk}
    _tell(person, viewing, operator=operator, person=person, path=reverse("audit:list"))
    for membership in Membership.objects.filter(person=person).select_related("tenant").order_by("pk"):
        for owner in owners_of(membership.tenant):
            if owner.pk not in told:
                told.add(owner.pk)
                log = address("history:list", within=membership.tenant.slug)
                _tell(owner, viewing, operator=operator, person=person, path=f"{log}?verb=operators")


def _tell(reader: User, viewing: Viewing, *, operator: User, person: User, path: str) -> None:
    with translation.override(reader.language), timezone.override(reader.time_zone):
        until = date_format(timezone.localtime(viewing.ends_at), "DATETIME_FORMAT")
    send_mail(
        to=reader.email,
        subject=_("An operator looks at the console as %(person)s"),
        template="viewed_as",
        context={
            "operator": str(operator),
            "person": str(person),
            "reason": viewing.reason,
            "until": until,
            "link": public_url(path),
        },
        language=reader.language,
    )
