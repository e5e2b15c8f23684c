from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.ids import IdField
from apps.core.versions import Versioned
from apps.gateways.models import FunctionGateway
from apps.gateways.sizes import StageName
from apps.tenants.models import TenantOwned

LONGEST_NAME, LONGEST_DESCRIPTION, LONGEST_NOTE, LONGEST_TAG, LONGEST_PATH = 160, 500, 500, 40, 200
LONGEST_SEMVER, LONGEST_METHOD = 64, 16
DIGEST_LENGTH = 64


class Artifact(TenantOwned):
    """What a version was compiled to. Kept by digest: what was tested is what goes live in the next stage."""

    id = IdField(prefix="art")
    gateway = models.ForeignKey(FunctionGateway, on_delete=models.CASCADE, related_name="+")
    gateway_id: str
    digest = models.CharField(_("digest"), max_length=DIGEST_LENGTH)
    code = models.TextField()
    source_map = models.TextField()
    # Of the packages that it was built against; empty: none
    vendor = models.CharField(max_length=DIGEST_LENGTH, blank=True)
    compiler = models.CharField(max_length=40)
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "digest"], name="artifact_once")]

    def __str__(self) -> str:
        return self.digest[:12]


class Function(Versioned, TenantOwned):
    """One function in one stage. Its version counts its saves; what each of them was is in its history."""

    id = IdField(prefix="fn")
    gateway = models.ForeignKey(
        FunctionGateway, on_delete=models.CASCADE, related_name="functions", verbose_name=_("gateway")
    )
    gateway_id: str
    stage = models.CharField(_("stage"), max_length=16, choices=StageName)
    # Without its stage: user/me, or user/:id
    base_name = models.CharField(_("name"), max_length=LONGEST_NAME)
    description = models.CharField(_("description"), max_length=LONGEST_DESCRIPTION, blank=True)
    tags = ArrayField(models.CharField(max_length=LONGEST_TAG), default=list, verbose_name=_("tags"))
    # Empty: it answers all of them
    methods = ArrayField(models.CharField(max_length=LONGEST_METHOD), default=list, verbose_name=_("methods"))
    timeout_ms = models.PositiveIntegerField(_("time limit"), default=10_000)
    # The release's; a save leaves it
    semver = models.CharField(_("release"), max_length=LONGEST_SEMVER, blank=True)
    # What is wanted live; null only while it's being made
    head = models.ForeignKey("FunctionVersion", on_delete=models.RESTRICT, null=True, related_name="+")
    head_id: str | None
    deleted_at = models.DateTimeField(_("deleted"), null=True, editable=False)
    deleted_by = models.CharField(max_length=200, blank=True, editable=False)
    # When the gateway's database is told of what is wanted, for the first time or again; null: it knows
    publish_due_at = models.DateTimeField(null=True, editable=False)
    publish_attempts = models.PositiveIntegerField(default=0, editable=False)
    publish_error = models.CharField(max_length=300, blank=True, editable=False)
    # What the gateway's database has: its version, and the revision there
    published_version = models.PositiveIntegerField(default=0, editable=False)
    published_revision = models.BigIntegerField(default=0, editable=False)
    # What the runtimes said of it: the last version that went live, how soon, and why a newer one didn't
    live_version = models.PositiveIntegerField(default=0, editable=False)
    live_ms = models.FloatField(null=True, editable=False)
    load_error = models.JSONField(null=True, editable=False)
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("function")
        verbose_name_plural = _("functions")
        constraints = [
            models.UniqueConstraint(
                fields=["gateway", "stage", "base_name"],
                condition=models.Q(deleted_at__isnull=True),
                name="function_once",
            )
        ]
        indexes = [
            models.Index(fields=["tenant", "created_at", "id"], name="function_age"),
            models.Index(
                fields=["publish_due_at"],
                condition=models.Q(publish_due_at__isnull=False),
                name="function_publish_due",
            ),
            # The highest revision that was told of a gateway, however many functions it has
            models.Index(fields=["gateway", "-published_revision"], name="function_told"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def name(self) -> str:
        return f"{self.stage}/{self.base_name}"


class FunctionVersion(TenantOwned):
    """A save: its sources as they were, and what they were compiled to."""

    class Kind(models.TextChoices):
        CREATED = "created", _("created")
        SAVED = "saved", _("saved")
        RENAMED = "renamed", _("renamed")
        RESTORED = "restored", _("restored")
        COPIED = "copied", _("copied")
        # With other packages than before
        REBUILT = "rebuilt", _("rebuilt")

    id = IdField(prefix="fnv")
    function = models.ForeignKey(Function, on_delete=models.CASCADE, related_name="versions")
    function_id: str
    number = models.PositiveIntegerField(_("version"))
    kind = models.CharField(max_length=16, choices=Kind)
    # Path to source
    files = models.JSONField(default=dict)
    # Path to {"sha256", "size"}, for whoever needn't have the sources themselves
    hashes = models.JSONField(default=dict)
    entrypoint = models.CharField(max_length=LONGEST_PATH)
    base_name = models.CharField(max_length=LONGEST_NAME)
    description = models.CharField(max_length=LONGEST_DESCRIPTION, blank=True)
    tags = ArrayField(models.CharField(max_length=LONGEST_TAG), default=list)
    methods = ArrayField(models.CharField(max_length=LONGEST_METHOD), default=list)
    timeout_ms = models.PositiveIntegerField(default=10_000)
    semver = models.CharField(max_length=LONGEST_SEMVER, blank=True)
    note = models.CharField(_("note"), max_length=LONGEST_NOTE, blank=True)
    # Kept, however many came after it
    is_pinned = models.BooleanField(_("pinned"), default=False)
    artifact = models.ForeignKey(Artifact, on_delete=models.RESTRICT, related_name="+")
    artifact_id: str
    # Name to exact version, as it was built with
    dependencies = models.JSONField(default=dict)
    saved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    saved_by_name = models.CharField(max_length=200, blank=True)
    saved_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["function", "number"], name="function_version_once")]

    def __str__(self) -> str:
        return f"v{self.number}"


class Draft(TenantOwned):
    """What somebody has changed and not saved: a closed browser loses nothing."""

    id = IdField(prefix="drf")
    function = models.ForeignKey(Function, on_delete=models.CASCADE, related_name="drafts")
    function_id: str
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    person_id: str
    # The version that it was begun from
    base_version = models.PositiveIntegerField()
    files = models.JSONField(default=dict)
    entrypoint = models.CharField(max_length=LONGEST_PATH)
    # Counts its saves: of two windows, the later one doesn't win silently
    revision = models.PositiveIntegerField(default=1)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["function", "person"], name="draft_once")]

    def __str__(self) -> str:
        return f"draft of {self.function_id}"


class Lock(TenantOwned):
    """A set of npm packages, resolved once: exact versions with the hashes of what was fetched, and their bundle."""

    id = IdField(prefix="lck")
    gateway = models.ForeignKey(FunctionGateway, on_delete=models.CASCADE, related_name="locks")
    gateway_id: str
    # Of all that it holds, which names its bundle in the gateway's database
    digest = models.CharField(max_length=DIGEST_LENGTH)
    # What people asked for: name to exact version
    wanted = models.JSONField(default=dict)
    # All that it brings: [{"name", "version", "integrity", "size", "license", "is_direct", "needed_by"}]
    packages = models.JSONField(default=list)
    lock_file = models.TextField()
    bundle = models.TextField()
    # Path to text of the declarations, for the editor
    types = models.JSONField(default=dict)
    made_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["gateway", "digest"], name="lock_once")]

    def __str__(self) -> str:
        return self.digest[:12]


class Dependencies(Versioned, TenantOwned):
    """Which lock a gateway's functions are built against now, and the change of it that is under way."""

    class State(models.TextChoices):
        READY = "ready", _("ready")
        WAITING = "waiting", _("waiting")
        RESOLVING = "resolving", _("resolving")
        FAILED = "failed", _("refused")

    id = IdField(prefix="dps")
    gateway = models.OneToOneField(FunctionGateway, on_delete=models.CASCADE, related_name="dependencies")
    gateway_id: str
    lock = models.ForeignKey(Lock, on_delete=models.RESTRICT, null=True, related_name="+")
    lock_id: str | None
    # Of a change that is being made, or that was refused: what was asked for, by whom, and how far it is
    state = models.CharField(max_length=16, choices=State, default=State.READY, editable=False)
    step = models.CharField(max_length=16, blank=True, editable=False)
    wanted = models.JSONField(default=dict, editable=False)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    asked_by_id: str | None
    asked_by_name = models.CharField(max_length=200, blank=True, editable=False)
    asked_at = models.DateTimeField(null=True, editable=False)
    # Counts what was asked: whoever is still at an older one has nothing to say any more
    attempt = models.PositiveIntegerField(default=0, editable=False)
    # Why it was refused, for gettext; the package at fault, and what functions say to it
    because = models.TextField(blank=True, editable=False)
    because_of = models.JSONField(default=dict, editable=False)
    fault = models.CharField(max_length=214, blank=True, editable=False)
    findings = models.JSONField(default=list, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"dependencies of {self.gateway_id}"


class Call(TenantOwned):
    """A call from the page, so that it can be looked at and made again."""

    id = IdField(prefix="cal")
    function = models.ForeignKey(Function, on_delete=models.CASCADE, related_name="calls")
    function_id: str
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    is_draft = models.BooleanField(default=False)
    # {"method", "path", "query", "headers", "body"}
    request = models.JSONField(default=dict)
    # {"status", "headers", "body", "is_binary", "is_cut", "ms"}; null: there was none
    answer = models.JSONField(null=True)
    error = models.CharField(max_length=300, blank=True)
    request_id = models.CharField(max_length=128)
    at = models.DateTimeField(default=clock.now)

    class Meta:
        indexes = [models.Index(fields=["function", "person", "-at"], name="call_of")]

    def __str__(self) -> str:
        return self.request_id
