"""What the pages of those who run the platform share."""

from typing import Any, ClassVar

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.requests import person_of
from apps.core.errors import NotFound, Text
from apps.core.web import htmx
from apps.fleet.models import Agent, Cluster
from apps.fleet.selectors import list_agents, list_clusters
from apps.tenants.operators import require_operator


class ForOperators:
    """Stands before a view: for whoever runs the platform in a role that has the permission."""

    permission: ClassVar[str] = "platform.see"
    back_label: ClassVar[Text] = _("Fleet")
    request: HttpRequest
    kwargs: dict[str, Any]

    @property
    def operator(self) -> User:
        return person_of(self.request)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path(), reverse("account_login"))
        require_operator(person_of(request), self.permission)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return response

    def get_back_url(self) -> str:
        return reverse("fleet:index")


class AboutCluster(ForOperators):
    """For a view of one cluster, which is in the address."""

    _cluster: Cluster | None = None

    @property
    def cluster(self) -> Cluster:
        if self._cluster is None:
            found = list_clusters().filter(pk=self.kwargs["cluster_id"]).first()
            if found is None:
                raise NotFound
            self._cluster = found
        return self._cluster

    def get_back_label(self) -> Text:
        return self.cluster.name

    def get_back_url(self) -> str:
        return reverse("fleet:cluster", args=[self.cluster.pk])


class AboutAgent(ForOperators):
    _agent: Agent | None = None

    @property
    def agent(self) -> Agent:
        if self._agent is None:
            found = list_agents().filter(pk=self.kwargs["agent_id"]).first()
            if found is None:
                raise NotFound
            self._agent = found
        return self._agent

    def get_back_label(self) -> Text:
        return self.agent.cluster.name

    def get_back_url(self) -> str:
        return reverse("fleet:cluster", args=[self.agent.cluster_id])


def show(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """A page, or the part of it that HTMX asks for as `template#part`."""
    response = render(request, template, context)
    patch_cache_control(response, private=True, no_store=True)
    return htmx.vary(response)
