"""Taking one's data along, and deleting one's account."""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson
from django.contrib.auth import logout
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db import transaction
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views import View

from apps.accounts import services
from apps.accounts.models import User
from apps.accounts.requests import person_of
from apps.accounts.sessions.confirmation import NeedsConfirmation
from apps.audit.selectors import list_own_events
from apps.core import clock
from apps.core.web.forms import ConfirmView, Done, Touch

CHUNK = 500
HISTORY = ("at", "actor_label", "verb", "target_label", "before", "after", "address", "request_id")


def context_of(request: HttpRequest) -> Mapping[str, Any]:
    # The rules take the locks that they need when it gets serious
    with transaction.atomic():
        return {"reasons_to_stay": services.list_reasons_to_stay(person_of(request))}


class TakeData(LoginRequiredMixin, View):
    """One JSON file. What somebody did may be a lot, so it's sent as the database gives it."""

    def post(self, request: HttpRequest) -> HttpResponseBase:
        user = person_of(request)
        kept = services.take_data(actor=user)
        response = StreamingHttpResponse(_pieces(kept, user), content_type="application/json")
        response["Content-Disposition"] = f'attachment; filename="imp-account-{clock.now():%Y%m%d}.json"'
        response["X-Accel-Buffering"] = "no"
        return response


def _pieces(kept: dict[str, Any], user: User) -> Iterator[bytes]:
    """`{"profile": …, "history": […]}`, an event to each line."""
    yield orjson.dumps(kept, default=str, option=orjson.OPT_INDENT_2).removesuffix(b"\n}")
    yield b',\n  "history": ['
    before = b"\n    "
    for event in list_own_events(actor=user).iterator(chunk_size=CHUNK):
        yield before + orjson.dumps({name: getattr(event, name) for name in HISTORY}, default=str)
        before = b",\n    "
    yield b"\n  ]\n}\n"


class DeleteAccount(NeedsConfirmation, ConfirmView):
    title = gettext_lazy("Delete your account?")
    lead = gettext_lazy("This can't be taken back.")
    submit_label = gettext_lazy("Delete account")
    leads_on = True

    def get_typed_name(self) -> str:
        return person_of(self.request).email

    def get_touches(self) -> list[Touch]:
        user = person_of(self.request)
        return [
            Touch(_("You"), _("%(email)s can't sign in any more.") % {"email": user.email}),
            Touch(_("Workspaces"), _("You leave all of them. What you made there stays with them.")),
            Touch(_("Sessions and access tokens"), _("They end at once, everywhere.")),
            Touch(_("Audit log"), _("Keeps what you did, under the name you had.")),
        ]

    def get_back_url(self) -> str:
        return reverse("account") + "#leave"

    def run(self) -> Done:
        user = person_of(self.request)
        services.delete_account(actor=user, user=user)
        logout(self.request)
        return Done(title=_("Your account is deleted"), url=reverse("account_login"))
