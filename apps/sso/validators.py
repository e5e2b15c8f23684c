"""What a provider's settings may be. Forms and services meet these through the model."""

import re
from urllib.parse import urlsplit

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.sso.oidc.addresses import is_safe

DOMAIN = re.compile(r"@?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]", re.IGNORECASE)


def validate_issuer(value: str) -> None:
    try:
        parts = urlsplit(value)
    except ValueError:
        raise ValidationError(_("This is no address.")) from None
    if not (is_safe(value) and parts.hostname):
        raise ValidationError(_("It must begin with https:// and name a host."))
    if parts.query or parts.fragment:
        raise ValidationError(_("An issuer has no ? and no # in it."))


def validate_scopes(value: str) -> None:
    if "openid" not in value.split():
        raise ValidationError(_("openid must be among them."))


def validate_domains(value: str) -> None:
    for word in split_domains(value):
        if word != "*" and not DOMAIN.fullmatch(word):
            raise ValidationError(_("%(word)s is no domain; write them such as example.com") % {"word": word})


def split_domains(value: str) -> list[str]:
    return value.replace(",", " ").lower().split()
