from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.crypto import HASH_LENGTH
from apps.core.ids import IdField
from apps.core.versions import Versioned
from apps.tenants.roles import Kind, Role

# What forms, endpoints and services hold to as well
LONGEST_NAME, LONGEST_SLUG, LONGEST_REASON = 80, 40, 300


class Tenant(Versioned):
    """An organisation of its own: what it owns is invisible to all others. People know it as a workspace."""

    id = IdField(prefix="ten")
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    name = models.CharField(_("name"), max_length=LONGEST_NAME)
    # In the address of each of its pages
    slug = models.SlugField(_("address"), max_length=LONGEST_SLUG, unique=True)
    suspended_at = models.DateTimeField(_("suspended"), null=True, blank=True, editable=False)
    suspended_because = models.CharField(_("reason"), max_length=LONGEST_REASON, blank=True, editable=False)
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("workspace")
        verbose_name_plural = _("workspaces")

    def __str__(self) -> str:
        return self.name

    @property
    def tenant_id(self) -> str:
        """Its own: whoever asks a row for its tenant may ask this one too."""
        return str(self.pk)

    @property
    def is_suspended(self) -> bool:
        return self.suspended_at is not None


class TenantQuerySet(models.QuerySet[Any]):
    def of(self, tenant: Tenant) -> Self:
        """What this tenant owns: every selector of a tenant's rows goes through here."""
        return self.filter(tenant=tenant)


class TenantOwned(models.Model):
    """Belongs to one tenant and is invisible to all others. Its table needs `WallOff` in its migration."""

    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, editable=False, related_name="+", verbose_name=_("workspace")
    )
    tenant_id: str

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True


class Membership(Versioned, TenantOwned):
    """Somebody's place in a tenant."""

    class GivenBy(models.TextChoices):
        PERSON = "person", _("a person")
        SSO = "sso", _("SSO")

    id = IdField(prefix="mem")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, editable=False, related_name="memberships", verbose_name=_("workspace")
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, editable=False, related_name="memberships"
    )
    person_id: str
    role = models.CharField(_("role"), max_length=32, choices=Role)
    given_by = models.CharField(_("given by"), max_length=16, choices=GivenBy, default=GivenBy.PERSON, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [models.UniqueConstraint(fields=["tenant", "person"], name="membership_once")]

    def __str__(self) -> str:
        return str(self.person)


class InvitationQuerySet(TenantQuerySet):
    def unanswered(self) -> Self:
        """Also those whose time is over: they can be sent again."""
        return self.filter(accepted_at=None, revoked_at=None)

    def in_phase(self, phase: str) -> Self:
        now = clock.now()
        match phase:
            case Invitation.Phase.ACCEPTED:
                return self.exclude(accepted_at=None)
            case Invitation.Phase.REVOKED:
                return self.exclude(revoked_at=None)
            case Invitation.Phase.ENDED:
                return self.unanswered().filter(expires_at__lte=now)
            case _:
                return self.unanswered().filter(expires_at__gt=now)


InvitationManager = models.Manager.from_queryset(InvitationQuerySet)


class Invitation(Versioned, TenantOwned):
    """A link, mailed to somebody, that makes them a member once."""

    class Phase(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        ACCEPTED = "accepted", _("Accepted")
        REVOKED = "revoked", _("Revoked")
        ENDED = "ended", _("Ended")

    id = IdField(prefix="inv")
    tenant = models.ForeignKey(
        Tenant, on_delete=models.CASCADE, editable=False, related_name="invitations", verbose_name=_("workspace")
    )
    email = models.EmailField(_("e-mail"))
    role = models.CharField(_("role"), max_length=32, choices=Role)
    # Of the newest link: sending again ends the one before
    token_hash = models.CharField(max_length=HASH_LENGTH, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("invited by"),
    )
    created_at = models.DateTimeField(_("made"), default=clock.now, editable=False)
    sent_at = models.DateTimeField(_("sent"), default=clock.now, editable=False)
    mail_id = models.CharField(max_length=40, blank=True, editable=False)
    expires_at = models.DateTimeField(_("ends"), editable=False)
    accepted_at = models.DateTimeField(_("accepted"), null=True, blank=True, editable=False)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("accepted by"),
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar["InvitationManager[Invitation]"] = InvitationManager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        constraints = [
            models.UniqueConstraint(
                "tenant",
                Lower("email"),
                condition=models.Q(accepted_at=None, revoked_at=None),
                name="invitation_open_once",
            ),
        ]
        # What waits for somebody, in whichever workspace
        indexes = [
            models.Index(
                Lower("email"), condition=models.Q(accepted_at=None, revoked_at=None), name="invitation_address"
            )
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def phase(self) -> str:
        if self.accepted_at:
            return self.Phase.ACCEPTED
        if self.revoked_at:
            return self.Phase.REVOKED
        return self.Phase.WAITING if clock.now() < self.expires_at else self.Phase.ENDED

    @property
    def is_open(self) -> bool:
        """Can still be accepted."""
        return self.phase == self.Phase.WAITING
