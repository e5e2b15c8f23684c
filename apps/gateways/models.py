from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.crypto import SecretField
from apps.core.ids import IdField
from apps.core.lifecycle.models import Living
from apps.core.versions import Versioned
from apps.fleet.models import Cluster
from apps.gateways.egress import LONGEST_HOST, EgressMode
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.sizes import Layout, SizeName, StageName
from apps.tenants.models import TenantOwned

# A DNS label is 63 characters; the rest is for what is made of the name, such as a namespace
LONGEST_NAME, LONGEST_TITLE = 40, 80
LONGEST_VARIABLE, LONGEST_VALUE, LONGEST_REASON = 128, 32_768, 300
LONGEST_ACTOR = 200


class FunctionGateway(Versioned, TenantOwned, Living):
    """Runs functions in three stages, with a database and host names of its own."""

    id = IdField(prefix="gw")
    # In every host name, so it stays
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    title = models.CharField(_("title"), max_length=LONGEST_TITLE)
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="gateways", verbose_name=_("cluster"))
    cluster_id: str
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+", verbose_name=_("owner")
    )
    owner_id: str | None
    size = models.CharField(_("bundle"), max_length=16, choices=SizeName, default=SizeName.SMALL)
    layout = models.CharField(_("processes"), max_length=16, choices=Layout, default=Layout.PROD_APART)
    # Where its functions may connect to
    egress_mode = models.CharField(_("outgoing calls"), max_length=16, choices=EgressMode, default=EgressMode.PUBLIC)
    egress_hosts = ArrayField(
        models.CharField(max_length=LONGEST_HOST + 6), verbose_name=_("hosts"), default=list, blank=True
    )
    state = models.CharField(_("wanted"), max_length=16, choices=State, default=State.RUNNING)
    # Who wanted the state, and since when
    state_at = models.DateTimeField(_("wanted since"), default=clock.now, editable=False)
    state_by = models.CharField(_("wanted by"), max_length=LONGEST_ACTOR, blank=True, editable=False)
    # Since then its workspace is suspended: whatever its state, it's kept stopped until that ends
    held_at = models.DateTimeField(_("held since"), null=True, editable=False)
    phase = models.CharField(_("phase"), max_length=16, choices=Phase, default=Phase.CREATING, editable=False)
    # Counts what was wanted of the runtime; which of that it is being started with, and which it has come up with
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)
    starting_generation = models.PositiveIntegerField(_("generation that starts"), default=0, editable=False)
    observed_generation = models.PositiveIntegerField(_("generation that runs"), default=0, editable=False)
    restarts = models.PositiveIntegerField(_("restarts"), default=0, editable=False)
    # The layout of the processes that have come up
    runtime_layout = models.CharField(max_length=16, blank=True, editable=False)
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta(Living.Meta):
        verbose_name = _("gateway")
        verbose_name_plural = _("gateways")
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "name"], condition=~models.Q(phase=Phase.DELETED), name="gateway_name_once"
            )
        ]
        indexes = [
            *Living.Meta.indexes,
            models.Index(fields=["tenant", "created_at", "id"], name="gateway_age"),
            models.Index(fields=["state", "phase"], name="gateway_state"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def wanted(self) -> State:
        """The state that counts: what is held serves nobody, and what is deleted goes all the same."""
        state = State(self.state)
        return State.STOPPED if self.held_at and state != State.DELETED else state

    @property
    def is_changed(self) -> bool:
        """Something is wanted of the runtime that it hasn't come up with."""
        return self.observed_generation < self.generation


class Stage(TenantOwned):
    """One of the three places that code runs in. Told apart by path and host name, never by infrastructure."""

    class State(models.TextChoices):
        ACTIVE = "active", _("active")
        INACTIVE = "inactive", _("inactive")

    id = IdField(prefix="stg")
    gateway = models.ForeignKey(
        FunctionGateway, on_delete=models.CASCADE, related_name="stages", verbose_name=_("gateway")
    )
    gateway_id: str
    name = models.CharField(_("stage"), max_length=16, choices=StageName)
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.ACTIVE)
    # What callers are told while it's inactive
    inactive_because = models.CharField(_("reason"), max_length=LONGEST_REASON, blank=True)
    created_at = models.DateTimeField(_("since"), default=clock.now)

    class Meta:
        verbose_name = _("stage")
        verbose_name_plural = _("stages")
        constraints = [models.UniqueConstraint(fields=["gateway", "name"], name="stage_once")]

    def __str__(self) -> str:
        return self.name


class RuntimeDomain(TenantOwned, Living):
    """The host names of a gateway and the routes behind them, which come and go without the runtime."""

    id = IdField(prefix="dom")
    gateway = models.OneToOneField(
        FunctionGateway, on_delete=models.CASCADE, related_name="domain", verbose_name=_("gateway")
    )
    gateway_id: str
    state = models.CharField(_("wanted"), max_length=16, choices=State, default=State.STOPPED)
    phase = models.CharField(_("phase"), max_length=16, choices=Phase, default=Phase.CREATING, editable=False)
    # Of the processes that the routes lead to
    layout = models.CharField(max_length=16, blank=True, editable=False)
    # Counts changes of the routes, as the gateway's does those of the runtime
    generation = models.PositiveIntegerField(_("generation"), default=1, editable=False)
    observed_generation = models.PositiveIntegerField(_("generation that runs"), default=0, editable=False)
    created_at = models.DateTimeField(_("since"), default=clock.now)

    class Meta(Living.Meta):
        verbose_name = _("runtime domain")
        verbose_name_plural = _("runtime domains")

    def __str__(self) -> str:
        return f"{self.gateway} domain"

    @property
    def is_changed(self) -> bool:
        return self.observed_generation < self.generation


class CustomDomain(TenantOwned, Living):
    """A host name of its workspace's own that a stage answers to, once a record in DNS has shown whose it is."""

    class Phase(models.TextChoices):
        WAITING = "waiting", _("waiting for the record")
        PROVEN = "proven", _("proven")
        # It still serves
        LOSING = "losing", _("record missing")

    id = IdField(prefix="cdm")
    gateway = models.ForeignKey(
        FunctionGateway, on_delete=models.CASCADE, related_name="custom_domains", verbose_name=_("gateway")
    )
    gateway_id: str
    stage = models.OneToOneField(Stage, on_delete=models.CASCADE, related_name="custom_domain", verbose_name=_("stage"))
    stage_id: str
    # The gateway's, which has each host once
    cluster = models.ForeignKey(Cluster, on_delete=models.PROTECT, related_name="+", verbose_name=_("cluster"))
    cluster_id: str
    # As DNS has it: other scripts than Latin as xn--
    host = models.CharField(_("host"), max_length=253)
    # What the record has to say; no secret, as everybody may ask for it
    token = models.CharField(_("value of its record"), max_length=64)
    phase = models.CharField(_("phase"), max_length=16, choices=Phase, default=Phase.WAITING, editable=False)
    # Since then it has routes
    proven_at = models.DateTimeField(_("proven"), null=True, editable=False)
    # When the record wasn't there any more
    missing_at = models.DateTimeField(_("record missing since"), null=True, editable=False)
    checked_at = models.DateTimeField(_("last check"), null=True, editable=False)
    # When a proven one is looked at again
    check_at = models.DateTimeField(_("next check"), null=True, editable=False)
    # When somebody wanted it looked at
    asked_at = models.DateTimeField(null=True, editable=False)
    # Where calls to it go, as DNS says; null: nobody knows
    leads_here = models.BooleanField(_("leads here"), null=True, editable=False)
    leads_to = models.CharField(_("leads to"), max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)

    class Meta(Living.Meta):
        verbose_name = _("custom domain")
        verbose_name_plural = _("custom domains")
        constraints = [
            # Before that, anybody may say that it's theirs
            models.UniqueConstraint(
                fields=["cluster", "host"], condition=models.Q(proven_at__isnull=False), name="custom_domain_once"
            )
        ]
        indexes = [
            *Living.Meta.indexes,
            models.Index(fields=["check_at"], condition=models.Q(check_at__isnull=False), name="custom_domain_check"),
        ]

    def __str__(self) -> str:
        return self.host


class GatewayDatabase(TenantOwned):
    """A database and a role of its own. A leaf: its gateway makes and removes it."""

    id = IdField(prefix="db")
    gateway = models.OneToOneField(
        FunctionGateway, on_delete=models.CASCADE, related_name="database", verbose_name=_("gateway")
    )
    gateway_id: str
    # Of the database and of its role
    name = models.CharField(_("name"), max_length=63, unique=True)
    password = SecretField()
    # Of the role of its runtimes, and the key that the platform signs its own calls with; null in rows of before
    runtime_password = SecretField(null=True)
    run_key = SecretField(null=True)
    # When what is published in it was last compared with what should be
    compared_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("since"), default=clock.now)
    made_at = models.DateTimeField(_("made"), null=True)

    class Meta:
        verbose_name = _("database")
        verbose_name_plural = _("databases")

    def __str__(self) -> str:
        return self.name


class Variable(TenantOwned):
    """What functions read from their environment, the same in every stage."""

    id = IdField(prefix="var")
    gateway = models.ForeignKey(FunctionGateway, on_delete=models.CASCADE, related_name="variables")
    gateway_id: str
    name = models.CharField(_("name"), max_length=LONGEST_VARIABLE)
    is_secret = models.BooleanField(_("secret"), default=False)
    # One of the two
    value = models.TextField(_("value"), blank=True, max_length=LONGEST_VALUE)
    secret = SecretField(null=True)
    changed_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "name"], name="variable_once")]

    def __str__(self) -> str:
        return self.name
