from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput

# As long as every column for one
LONGEST = 254


def public_url(path: str) -> str:
    """The whole address of a page, for a mail. From the settings: whoever writes a Host header can't bend it."""
    return f"{settings.PUBLIC_URL.rstrip('/')}{path}"


def checked_address(email: str, *, field: str = "email") -> str:
    """As it's kept: without spaces around it, in small letters. Refused where no mail could go.

    Forms ask Django, which ignores the case as Unicode has it: a dotless i passes for a letter of ASCII, and an I with
    a dot is one letter that becomes two.
    """
    email = email.strip().lower()
    try:
        validate_email(email)
        local = email.rpartition("@")[0]
        is_good = len(email) <= LONGEST and local.isascii() and local.isprintable()
    except ValidationError:
        is_good = False
    if not is_good:
        said = _("%(email)s is no e-mail address.") % {"email": email} if email else _("Write an e-mail address.")
        raise InvalidInput(fields={field: [said]})
    return email
