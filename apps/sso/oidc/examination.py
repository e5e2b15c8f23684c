"""Tries what a sign-in will need, as far as that goes without a person, and says what to mend."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.sso.oidc.discovery import Metadata, fetch_keys, fetch_metadata, forget_all
from apps.sso.oidc.flow import Client, ask_for_tokens
from apps.sso.oidc.problems import SignInRefused

# No provider has given out this one, so what it says to it tells only what it thinks of us
MADE_UP_CODE = "connection-test"


@dataclass(frozen=True)
class Finding:
    is_good: bool
    text: str


def examine(client: Client, *, redirect_uri: str) -> list[Finding]:
    """Stops at the first thing that the rest hangs on. Sign-ins from now on see the provider as it is now."""
    forget_all()
    try:
        return list(_findings(client, redirect_uri))
    except SignInRefused as problem:
        return [Finding(False, _("%(what)s: %(reason)s.") % {"what": problem.title, "reason": problem.reason})]


def _findings(client: Client, redirect_uri: str) -> Iterator[Finding]:
    metadata = fetch_metadata(client.issuer)
    yield Finding(True, _("The provider answers as %(issuer)s.") % {"issuer": metadata.issuer})
    count = len(fetch_keys(metadata))
    text = ngettext("It signs with %(count)d key.", "It signs with one of %(count)d keys.", count)
    yield Finding(True, text % {"count": count})
    if metadata.challenge_methods is not None and "S256" not in metadata.challenge_methods:
        yield Finding(False, _("It doesn't take PKCE with S256, which every sign-in here uses. Turn that on there."))
    if missing := set(client.scopes.split()) - set(metadata.scopes or client.scopes.split()):
        text = _("It doesn't know these scopes: %(scopes)s. Take them away here or add them there.")
        yield Finding(False, text % {"scopes": ", ".join(sorted(missing))})
    yield _examine_client(client, metadata, redirect_uri)
    if metadata.end_session_endpoint:
        yield Finding(True, _("Signing out here signs out there too."))
    else:
        yield Finding(True, _("It has no address for signing out, so people stay signed in there."))


def _examine_client(client: Client, metadata: Metadata, redirect_uri: str) -> Finding:
    answer = ask_for_tokens(
        client, metadata, code=MADE_UP_CODE, verifier=MADE_UP_CODE.ljust(43, "-"), redirect_uri=redirect_uri
    )
    error = str(answer.body.get("error", ""))[:60]
    if error == "invalid_grant":
        return Finding(True, _("It knows the client and its secret, and refuses a made-up code as it should."))
    if error in ("invalid_client", "unauthorized_client") or answer.status == 401:
        return Finding(False, _("It refuses the client: compare client id and secret with what it has."))
    text = _("To a made-up code it answers %(status)d %(error)s instead of invalid_grant.")
    return Finding(False, text % {"status": answer.status, "error": error})
