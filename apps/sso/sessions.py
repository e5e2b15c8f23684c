"""What a session keeps of the provider through which it began: how long it lives, and how to sign out there too."""

import base64
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import HttpRequest

from apps.core.crypto import CantOpen, Secret, open_sealed, seal
from apps.sso.models import LinkedIdentity

# Until the second factor is shown, too; only then there is somebody signed in
ARRIVED, BEGUN, LEAVING = "sso_arrived", "sso", "sso_leaving"


@dataclass(frozen=True)
class Begun:
    provider_id: str
    id_token: Secret | None


def note_arrival(request: HttpRequest, identity: LinkedIdentity, id_token: Secret) -> None:
    """Before the sign-in goes on, which may first ask for the second factor."""
    sealed = seal(id_token.reveal(), context=_context(identity.person_id))
    request.session[ARRIVED] = {
        "person": identity.person_id,
        "provider": identity.provider_id,
        "hours": identity.provider.session_hours,
        "id_token": base64.b64encode(sealed).decode(),
    }


def take_arrival(request: HttpRequest) -> dict[str, Any] | None:
    """Before signing in, which may make the session anew."""
    found: dict[str, Any] | None = request.session.pop(ARRIVED, None)
    return found


def begin(request: HttpRequest, arrival: dict[str, Any] | None) -> None:
    """Once somebody is signed in: if it's who arrived, the session is bound to the provider."""
    if arrival is None or arrival["person"] != request.user.pk:
        return
    request.session[BEGUN] = arrival
    request.session.set_expiry(timedelta(hours=arrival["hours"]))


def is_begun(request: HttpRequest) -> bool:
    return BEGUN in request.session


def begun(request: HttpRequest) -> dict[str, Any] | None:
    found: dict[str, Any] | None = request.session.get(BEGUN)
    return found


def note_leaving(request: HttpRequest, left: dict[str, Any] | None) -> None:
    """After signing out, for the page that goes on to the provider."""
    if left is not None:
        request.session[LEAVING] = left


def take_leaving(request: HttpRequest) -> Begun | None:
    left: dict[str, Any] | None = request.session.pop(LEAVING, None)
    if left is None:
        return None
    try:
        opened = open_sealed(base64.b64decode(left["id_token"]), context=_context(left["person"]))
    # Its key was rotated away; the provider asks whether to sign out then
    except CantOpen:
        return Begun(left["provider"], None)
    return Begun(left["provider"], Secret(opened.decode()))


def _context(person_id: str) -> tuple[str, ...]:
    return ("session", "id_token", person_id)
