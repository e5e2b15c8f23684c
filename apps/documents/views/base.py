"""What the pages of functions' data share. A gateway that can't be asked says why, and what to do."""

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from apps.core.afterwards import afterwards
from apps.core.errors import NotFound, Problem
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.core.web.forms import OVERLAYS, FormView
from apps.documents.problems import DataTookTooLong, DataUnanswered
from apps.documents.values import in_one_line
from apps.functions.calling.problems import (
    GatewayNotReady,
    GatewayOutOfReach,
    GatewayStopped,
    TooManyQuestions,
)
from apps.gateways.call_problems import StageInactive
from apps.gateways.views.base import AboutGateway, ChangesGateway

AWAY = (
    GatewayStopped,
    GatewayNotReady,
    GatewayOutOfReach,
    StageInactive,
    DataTookTooLong,
    DataUnanswered,
    TooManyQuestions,
)
Found = TypeVar("Found")


class InData(AboutGateway):
    """Reads while the gateway answers; the first reason why it doesn't is kept."""

    away: Problem | None = None

    def attempt(self, read: Callable[[], Found], nothing: Found) -> Found:
        if self.away is not None:
            return nothing
        try:
            return read()
        except AWAY as problem:
            self.away = problem
            return nothing

    @property
    def away_context(self) -> dict[str, Any]:
        """May it be started from here?"""
        is_stopped = isinstance(self.away, GatewayStopped)
        may_start = is_stopped and self.may("gateways.operate")
        return {
            "away": self.away,
            "start_url": address("gateways:start", gateway_id=self.gateway.pk) if may_start else "",
            "may_change": self.may("data.change"),
        }


class AboutCollection(AboutGateway):
    """Of one collection, whose name is in the address."""

    @property
    def collection(self) -> str:
        return str(self.kwargs["collection"])

    @property
    def about(self) -> dict[str, Any]:
        """What each read and each change of it is told."""
        return {"actor": self.actor, "gateway": self.gateway, "collection": self.collection}

    def get_back_url(self) -> str:
        return address("documents:collection", gateway_id=self.gateway.pk, collection=self.collection)


class ChangesData(ChangesGateway, FormView):
    """A form or a dialog that changes data; one that can't be reached is said above it, with nothing lost."""

    permission = "data.change"
    back_label = gettext_lazy("Data")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Outside of the page's own transaction, as the services want it."""
        self.require(self.permission)
        return afterwards(HttpResponse(status=500), partial(self._post, request))

    def _post(self, request: HttpRequest) -> HttpResponse:
        try:
            return super().post(request)
        except AWAY as problem:
            if htmx.target(request) in OVERLAYS:
                # Told by a toast; the form stays as it is
                raise
            return self._show(self.get_form(request.POST), status=problem.status, conflict=problem)

    def get_back_url(self) -> str:
        return address("documents:list", gateway_id=self.gateway.pk)


class ChangesCollection(AboutCollection, ChangesData):
    @property
    def named(self) -> str:
        """The document or the index that the address is about."""
        found = self.request.GET.get("name", "")
        if not found:
            raise NotFound
        return found

    def get_back_label(self) -> str:
        return self.collection


def keys_in_words(keys: tuple[tuple[str, int], ...]) -> str:
    return in_one_line(dict(keys))
