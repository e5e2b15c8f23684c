from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput


def checked_address(email: str, *, field: str) -> str:
    """As it's kept: without spaces around it, in small letters."""
    email = email.strip().lower()
    try:
        validate_email(email)
    except ValidationError:
        said = _("%(email)s is no e-mail address.") % {"email": email} if email else _("Write an e-mail address.")
        raise InvalidInput(fields={field: [said]}) from None
    return email
