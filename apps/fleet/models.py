from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock
from apps.core.crypto import HASH_LENGTH, Secret, SecretField
from apps.core.ids import IdField
from apps.core.versions import Versioned


class Reach(models.TextChoices):
    """How what is wanted gets there."""

    AGENT = "agent", _("An agent in the cluster")
    LOCAL = "local", _("This machine")


class Cluster(Versioned):
    """A place where things run: a Kubernetes cluster, or the built-in engine of one machine."""

    id = IdField(prefix="clu")
    name = models.CharField(_("name"), max_length=63, unique=True)
    title = models.CharField(_("title"), max_length=80, blank=True)
    region = models.CharField(_("region"), max_length=63)
    provider = models.CharField(_("provider"), max_length=63, blank=True)
    labels = models.JSONField(_("labels"), default=dict, blank=True)
    reach = models.CharField(_("reached by"), max_length=16, choices=Reach, default=Reach.AGENT)
    # How the hosts of its gateways are made; what the agent knows better, such as its port, it reports into `facts`
    domain = models.CharField(_("domain"), max_length=253, blank=True)
    facts = models.JSONField(_("facts"), default=dict, editable=False)
    maintenance_at = models.DateTimeField(_("in maintenance since"), null=True, blank=True, editable=False)
    maintenance_because = models.CharField(_("reason of the maintenance"), max_length=300, blank=True, editable=False)
    # Counts what was ever wanted here. Its row is locked by each change, so revisions commit in their order
    revision = models.PositiveBigIntegerField(_("revision"), default=0, editable=False)
    # The newest revision of which a removed bundle's row is gone: whoever stands before it needs everything anew
    forgotten_revision = models.PositiveBigIntegerField(default=0, editable=False)
    # Counts the times that somebody wanted everything to be sent anew
    resyncs = models.PositiveIntegerField(default=0, editable=False)
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("cluster")
        verbose_name_plural = _("clusters")

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def is_in_maintenance(self) -> bool:
        return self.maintenance_at is not None


class Agent(models.Model):
    """A program in a cluster that brings about what is wanted there. Of several, one leads."""

    id = IdField(prefix="agt")
    cluster = models.ForeignKey(Cluster, on_delete=models.CASCADE, related_name="agents", verbose_name=_("cluster"))
    cluster_id: str
    name = models.CharField(_("name"), max_length=80)
    version = models.CharField(_("version"), max_length=40, blank=True)
    # Tells a clone of it, and a new instance in its place
    instance_id = models.CharField(_("instance"), max_length=64, blank=True)
    cluster_uid = models.CharField(_("cluster's own id"), max_length=64, blank=True)
    facts = models.JSONField(_("facts"), default=dict)
    session_id = models.CharField(max_length=40, blank=True)
    leads = models.BooleanField(_("leads"), default=False)
    connected_at = models.DateTimeField(_("connected"), null=True)
    seen_at = models.DateTimeField(_("last seen"), null=True)
    disconnected_because = models.CharField(_("lost because"), max_length=200, blank=True)
    applied_revision = models.PositiveBigIntegerField(_("revision applied"), default=0)
    state_digest = models.CharField(_("digest of its state"), max_length=64, blank=True)
    # When it last held exactly what was wanted
    synced_at = models.DateTimeField(_("last in sync"), null=True)
    # From where it came last
    address = models.CharField(_("address"), max_length=64, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    created_at = models.DateTimeField(_("since"), default=clock.now)

    class Meta:
        verbose_name = _("agent")
        verbose_name_plural = _("agents")
        constraints = [
            models.UniqueConstraint(fields=["cluster"], condition=models.Q(leads=True), name="agent_leads_alone")
        ]

    def __str__(self) -> str:
        return self.name


class RegistrationToken(models.Model):
    """Lets one agent into one cluster, once, for a day. Kept as a keyed hash."""

    # Its text, in the one answer that shows it
    secret: Secret | None = None

    id = IdField(prefix="reg")
    cluster = models.ForeignKey(
        Cluster, on_delete=models.CASCADE, related_name="registration_tokens", verbose_name=_("cluster")
    )
    cluster_id: str
    token_hash = models.CharField(max_length=HASH_LENGTH, unique=True)
    made_by = models.CharField(_("made by"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("made"), default=clock.now)
    expires_at = models.DateTimeField(_("ends"))
    used_at = models.DateTimeField(_("used"), null=True)
    used_by = models.ForeignKey(
        Agent, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("used by")
    )
    # Somebody came with it a second time: it, or the agent that it let in, is in the wrong hands
    tried_again_at = models.DateTimeField(_("tried again"), null=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True)

    class Meta:
        verbose_name = _("registration token")
        verbose_name_plural = _("registration tokens")

    def __str__(self) -> str:
        return f"{self.cluster} {self.created_at:%Y-%m-%d}"


class RefreshToken(models.Model):
    """An agent's next pair of tokens, for one use.

    The pair that it gives may never arrive. So it may be used again until somebody comes with what it gave; that
    pair is then void. One that comes again after that was stolen, or its agent copied.
    """

    id = IdField(prefix="rft")
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="refresh_tokens")
    token_hash = models.CharField(max_length=HASH_LENGTH, unique=True)
    # Which gave it; empty for the first of a registration
    given_by = models.CharField(max_length=40, blank=True, db_collation="C")
    created_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField()
    # When somebody first came with either token of this pair
    arrived_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)
    # Another pair was given in its place
    void_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.agent} {self.created_at:%H:%M:%S}"


class Bundle(models.Model):
    """What one owner wants in one cluster: manifests, as one, with the cluster's revision that brought them."""

    id = IdField(prefix="bun")
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="bundles", verbose_name=_("cluster"))
    cluster_id: str
    # Within the cluster: `gateway/gw_…/routes`
    key = models.CharField(_("key"), max_length=120)
    tenant_id = models.CharField(_("workspace's id"), max_length=40, blank=True, db_collation="C")
    # The list of manifests as JSON. Sealed whole, as some hold secrets
    manifests = SecretField(null=True)
    # What may be shown of them: kind, namespace and name of each
    objects_named = models.JSONField(_("objects"), default=list)
    digest = models.CharField(_("digest"), max_length=64)
    revision = models.PositiveBigIntegerField(_("revision"))
    wanted_at = models.DateTimeField(_("wanted since"), default=clock.now)
    # No longer wanted; the row goes once the agent has said that nothing is left
    removed_at = models.DateTimeField(_("to go since"), null=True)

    # What the agent says of it
    class Phase(models.TextChoices):
        PENDING = "pending", _("pending")
        DELIVERING = "delivering", _("delivering")
        APPLIED = "applied", _("applied")
        READY = "ready", _("ready")
        FAILED = "failed", _("failed")
        PRUNED = "pruned", _("removed")

    phase = models.CharField(max_length=16, choices=Phase, default=Phase.PENDING)
    reported_digest = models.CharField(_("digest reported"), max_length=64, blank=True)
    reported_at = models.DateTimeField(_("reported"), null=True)
    # From being wanted to being ready for the first time
    ready_ms = models.PositiveIntegerField(_("milliseconds until ready"), null=True)
    message = models.TextField(_("message"), blank=True)
    # A status for each object, with the conditions of what runs it
    statuses = models.JSONField(_("statuses"), default=list)

    class Meta:
        verbose_name = pgettext_lazy("in a cluster", "bundle")
        verbose_name_plural = pgettext_lazy("in a cluster", "bundles")
        constraints = [models.UniqueConstraint(fields=["cluster", "key"], name="bundle_once")]
        indexes = [
            models.Index(fields=["cluster", "revision"], name="bundle_revision"),
            models.Index(fields=["tenant_id"], name="bundle_tenant"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def is_current(self) -> bool:
        """What the agent says is about what is wanted now."""
        return self.reported_digest == self.digest

    @property
    def has_drifted(self) -> bool:
        """It was ready and isn't any more, though nothing else is wanted."""
        is_on_the_way = self.phase in (self.Phase.DELIVERING, self.Phase.APPLIED)
        return self.is_current and self.removed_at is None and is_on_the_way and self.ready_ms is not None

    def says(self, phase: str) -> bool:
        return self.is_current and self.phase == phase


Manifest = dict[str, Any]
