"""From what a program sends to the token that it is, on every request that comes with one."""

from datetime import timedelta

from django.utils.translation import gettext as _

from apps.access import text
from apps.access.models import AccessToken
from apps.access.problems import TokenRefused
from apps.access.services import PURPOSE
from apps.core import clock
from apps.core.crypto import is_current_hash, is_hash_of, keyed_hash

# "Last used" is no more exact than this, so that reading rarely writes
USED_AGAIN_AFTER = timedelta(minutes=1)


def find_token(sent: str) -> AccessToken:
    """Asked from the database each time, so that a token which was revoked is refused at once.

    Whoever sends the whole text of a token may hear why it's refused; for all others it doesn't exist.
    """
    if not text.is_well_formed(sent):
        raise TokenRefused(_("This isn't an access token. One begins with imp_pat_; it may have been cut."))
    rows = AccessToken.objects.select_related("person").filter(start=text.start_of(sent))
    token = next((row for row in rows if is_hash_of(row.token_hash, sent, purpose=PURPOSE)), None)
    if token is None:
        raise TokenRefused(_("There is no such token. It may have been revoked and put away."))
    if token.state == AccessToken.State.REVOKED:
        raise TokenRefused(_("This token was revoked."))
    if token.state == AccessToken.State.ENDED:
        raise TokenRefused(_("This token has ended. Make a new one on your account's page."))
    if not token.person.is_active:
        raise TokenRefused(_("The account that this token belongs to is deactivated."))
    return token


def note_use(token: AccessToken, sent: str, *, address: str) -> None:
    """When and from where, at most once a minute; and the hash under the current key, should it have changed."""
    now = clock.now()
    if token.last_used_at is not None and now - token.last_used_at < USED_AGAIN_AFTER:
        return
    token.last_used_at, token.last_used_address = now, address
    values = {"last_used_at": now, "last_used_address": address}
    if not is_current_hash(token.token_hash):
        values["token_hash"] = keyed_hash(sent, purpose=PURPOSE)
    AccessToken.objects.filter(pk=token.pk).update(**values)
