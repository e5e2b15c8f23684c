"""Clusters, their agents, and the tokens that let agents in.

Providers see the clusters, as they choose one for each of their gateways; the rest is the operators'. Its changes are
for sessions only: no token that leaked lets an agent in, and with it whoever reads all that is wanted there.
"""

from abc import abstractmethod
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request

from apps.accounts.problems import SecondFactorFirst
from apps.accounts.sessions.confirmation import require_confirmation_of_session
from apps.core.api.routing import routes
from apps.core.api.serializers import Input
from apps.core.api.viewsets import Created, Destroyed, Listed, Retrieved, Updated, verb
from apps.core.errors import InvalidInput
from apps.fleet import selectors
from apps.fleet.enrolment import command_of
from apps.fleet.filters import AgentFilter, ClusterFilter, RegistrationTokenFilter
from apps.fleet.models import Agent, Cluster, RegistrationToken
from apps.fleet.selectors import Presence
from apps.fleet.services import agents, clusters
from apps.fleet.services.clusters import LONGEST_DOMAIN_HERE, LONGEST_LABEL, LONGEST_REASON, LONGEST_TITLE
from apps.tenants.operators import require_operator


class ClusterSerializer(serializers.ModelSerializer[Cluster]):
    class Meta:
        model = Cluster
        fields = [
            "id",
            "name",
            "title",
            "region",
            "provider",
            "labels",
            "domain",
            "reach",
            "maintenance_at",
            "maintenance_because",
            "created_at",
            "updated_at",
            "version",
        ]
        read_only_fields = fields


class ClusterChanges(Input):
    title = serializers.CharField(max_length=LONGEST_TITLE, default="", allow_blank=True, help_text="For people.")
    region = serializers.CharField(max_length=LONGEST_LABEL, help_text="Such as eu-central-1.")
    provider = serializers.CharField(max_length=LONGEST_LABEL, default="", allow_blank=True)
    labels = serializers.DictField(
        child=serializers.CharField(max_length=LONGEST_LABEL, allow_blank=True), default=dict
    )
    domain = serializers.CharField(
        max_length=LONGEST_DOMAIN_HERE,
        help_text="Gateways answer below it. It stays once something is wanted in the cluster.",
    )


class ClusterInput(ClusterChanges):
    name = serializers.CharField(
        max_length=LONGEST_LABEL, help_text="Lower-case letters, digits and hyphens. It stays."
    )


class MaintenanceInput(Input):
    reason = serializers.CharField(max_length=LONGEST_REASON, help_text="Whoever waits for the cluster reads it.")


class ForOperators(Listed, Retrieved):
    """Whoever has an operator's rights only with a second factor is told that, rather than that nothing is there.

    Each says `queryset` for the reference, which asks for the kind of row while nobody is there.
    """

    @abstractmethod
    def get_rows(self) -> QuerySet[Any]:
        """All that the actor may see."""

    def get_queryset(self) -> QuerySet[Any]:
        rows = self.get_rows()
        if self.actor.needs_second_factor and not rows.exists():
            raise SecondFactorFirst
        return rows


class ClusterViewSet(ForOperators, Created, Updated, Destroyed):
    """Where gateways can run."""

    tag, singular, plural = "clusters", "a cluster", "clusters"
    queryset = Cluster.objects.none()
    scope = "gateways"
    sessions_only = frozenset({"create", "partial_update", "destroy", "begin_maintenance", "end_maintenance", "resync"})
    serializer_class = ClusterSerializer
    create_serializer_class = ClusterInput
    update_serializer_class = ClusterChanges
    filterset_class = ClusterFilter
    sorts = ("name", "region", "created_at")

    def get_rows(self) -> "QuerySet[Cluster]":
        return selectors.clusters_seen_by(self.actor)

    def perform_create(self, **fields: Any) -> Cluster:
        return clusters.register_cluster(actor=self.actor, **fields)

    def perform_update(self, row: Cluster, **fields: Any) -> Cluster:
        return clusters.change_cluster(actor=self.actor, cluster=row, **fields)

    def perform_destroy(self, row: Cluster) -> None:
        clusters.delete_cluster(actor=self.actor, cluster=row)

    @verb(body=MaintenanceInput)
    def begin_maintenance(self, request: Request, pk: str) -> HttpResponse:
        """Begin maintenance of a cluster.

        What runs there goes on. Nothing new is delivered until maintenance ends.
        """
        cluster, asked = self.get_object(), self.read_body(MaintenanceInput)
        return self.show(clusters.begin_maintenance(actor=self.actor, cluster=cluster, **asked))

    @verb()
    def end_maintenance(self, request: Request, pk: str) -> HttpResponse:
        """End maintenance of a cluster.

        What came to be wanted meanwhile is delivered, all of it.
        """
        return self.show(clusters.end_maintenance(actor=self.actor, cluster=self.get_object()))

    @verb()
    def resync(self, request: Request, pk: str) -> HttpResponse:
        """Send everything to a cluster anew.

        Its agent changes only what is other than it should be.
        """
        return self.show(clusters.resync_cluster(actor=self.actor, cluster=self.get_object()))


class AgentSerializer(serializers.ModelSerializer[Agent]):
    cluster = serializers.CharField(source="cluster_id", read_only=True, help_text="Its cluster's id.")
    presence = serializers.ChoiceField(
        choices=Presence.choices, read_only=True, help_text="Of a cluster's agents one leads."
    )
    address = serializers.CharField(read_only=True, help_text="From where it came last.")
    applied_revision = serializers.IntegerField(read_only=True, help_text="Of the cluster, as far as it has come.")

    class Meta:
        model = Agent
        fields = [
            "id",
            "name",
            "cluster",
            "version",
            "presence",
            "address",
            "facts",
            "connected_at",
            "seen_at",
            "synced_at",
            "applied_revision",
            "disconnected_because",
            "revoked_at",
            "created_at",
        ]
        read_only_fields = fields


class AgentViewSet(ForOperators):
    """The programs that bring about in clusters what is wanted there. For operators."""

    tag, singular, plural = "agents", "an agent", "agents"
    queryset = Agent.objects.none()
    scope = "gateways"
    sessions_only = frozenset({"revoke"})
    lives = True
    serializer_class = AgentSerializer
    filterset_class = AgentFilter
    sorts = ("name", "created_at")

    def get_rows(self) -> "QuerySet[Agent]":
        return selectors.agents_seen_by(self.actor)

    @verb()
    def revoke(self, request: Request, pk: str) -> HttpResponse:
        """Revoke an agent.

        It's cut off at once, and its tokens are worth nothing. What it brought about goes on.
        """
        agents.revoke_agent(actor=self.actor, agent=self.get_object())
        return self.show(self.get_object())


class RegistrationTokenSerializer(serializers.ModelSerializer[RegistrationToken]):
    cluster = serializers.CharField(source="cluster_id", read_only=True, help_text="The id of the only one it's for.")
    made_by = serializers.CharField(read_only=True)

    class Meta:
        model = RegistrationToken
        fields = ["id", "cluster", "made_by", "created_at", "expires_at", "used_at", "revoked_at"]
        read_only_fields = fields


class NewRegistrationTokenSerializer(RegistrationTokenSerializer):
    token = serializers.CharField(source="secret.reveal", read_only=True, help_text="Shown this once.")
    command = serializers.SerializerMethodField(help_text="Starts an agent with it, where it's pasted.")

    class Meta(RegistrationTokenSerializer.Meta):
        fields = [*RegistrationTokenSerializer.Meta.fields, "token", "command"]

    def get_command(self, token: RegistrationToken) -> str:
        assert token.secret
        return command_of(token.cluster, token.secret.reveal())


class RegistrationTokenInput(Input):
    cluster = serializers.CharField(max_length=LONGEST_LABEL, help_text="A cluster's id or name.")


class RegistrationTokenViewSet(ForOperators, Created):
    """Each lets one agent into one cluster, once, within a day. For operators."""

    tag, singular, plural = "registration-tokens", "a registration token", "registration tokens"
    queryset = RegistrationToken.objects.none()
    scope = "gateways"
    sessions_only = frozenset({"create", "revoke"})
    serializer_class = RegistrationTokenSerializer
    created_serializer_class = NewRegistrationTokenSerializer
    create_serializer_class = RegistrationTokenInput
    filterset_class = RegistrationTokenFilter
    sorts = ("created_at", "expires_at")

    def get_rows(self) -> "QuerySet[RegistrationToken]":
        return selectors.registration_tokens_seen_by(self.actor)

    def perform_create(self, **fields: Any) -> RegistrationToken:
        # Before it's looked for: nobody else learns here which clusters there are
        require_operator(self.actor, clusters.PERMISSION)
        seen, named = selectors.clusters_seen_by(self.actor), fields["cluster"]
        cluster = seen.filter(pk=named).first() or seen.filter(name=named).first()
        if cluster is None:
            raise InvalidInput(fields={"cluster": [_("There is no such cluster.")]})
        require_confirmation_of_session(self.request)
        return agents.make_registration_token(actor=self.actor, cluster=cluster)

    @verb()
    def revoke(self, request: Request, pk: str) -> HttpResponse:
        """Revoke a registration token.

        It lets nobody in any more.
        """
        return self.show(agents.revoke_registration_token(actor=self.actor, token=self.get_object()))


urlpatterns = [
    *routes("clusters", ClusterViewSet, name="clusters"),
    *routes("agents", AgentViewSet, name="agents"),
    *routes("registration-tokens", RegistrationTokenViewSet, name="registration-tokens"),
]
