"""What is mailed about custom domains: a warning that nobody reads on a page is none."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.core.errors import Text
from apps.core.mail import public_url, send_mail
from apps.core.web.addresses import address
from apps.gateways.hosts import challenge_of
from apps.gateways.models import CustomDomain
from apps.tenants.mails import owners_of


def tell_missing(row: CustomDomain, *, until: datetime) -> None:
    _tell(
        row, _("%(host)s loses its record, and then its calls"), "domain_missing", until=f"{until:%Y-%m-%d %H:%M} UTC"
    )


def tell_cut(row: CustomDomain) -> None:
    _tell(row, _("%(host)s isn't served any more"), "domain_cut")


def _tell(row: CustomDomain, subject: Text, template: str, **words: Any) -> None:
    gateway = row.gateway
    path = address("gateways:domains", within=gateway.tenant.slug, gateway_id=gateway.pk)
    context = {
        "host": row.host,
        "gateway": gateway.title,
        "stage": row.stage.name,
        "record": challenge_of(row.host),
        "wanted": row.token,
        "link": public_url(path),
        **words,
    }
    for person in _readers(row):
        send_mail(to=person.email, subject=subject, template=template, context=context, language=person.language)


def _readers(row: CustomDomain) -> Iterable[User]:
    """Whose gateway it is, or else the workspace's owners."""
    owner = row.gateway.owner
    return [owner] if owner is not None and owner.is_active else owners_of(row.gateway.tenant)
