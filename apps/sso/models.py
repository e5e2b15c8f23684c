from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.core import clock
from apps.core.crypto import SecretField
from apps.core.ids import IdField
from apps.core.versions import Versioned
from apps.sso.validators import split_domains, validate_domains, validate_issuer, validate_scopes
from apps.tenants.models import TenantOwned
from apps.tenants.roles import Role


class IdentityProvider(Versioned):
    """Somewhere else where people sign in, that speaks OpenID Connect. Set up by an operator."""

    id = IdField(prefix="idp")
    name = models.CharField(_("name"), max_length=60, help_text=_("Stands on the button: Continue with …"))
    slug = models.SlugField(
        _("address"), max_length=40, unique=True, help_text=_("In the redirect address. It can't be changed later.")
    )
    issuer = models.CharField(
        _("issuer"),
        max_length=400,
        validators=[validate_issuer],
        help_text=_("Exactly as the provider writes it, such as https://login.example.com/realms/staff"),
    )
    client_id = models.CharField(_("client id"), max_length=255)
    # None for a public client, which proves itself by PKCE alone
    client_secret = SecretField(null=True)
    scopes = models.CharField(_("scopes"), max_length=255, default="openid email profile", validators=[validate_scopes])
    groups_claim = models.CharField(
        _("claim with the groups"),
        max_length=120,
        default="groups",
        help_text=_("A dot leads into a claim, such as realm_access.roles"),
    )
    email_domains = models.CharField(
        _("e-mail domains"),
        max_length=400,
        validators=[validate_domains],
        help_text=_(
            "Whose addresses it may vouch for, by comma. * is every address: only for a provider that you run "
            "yourself, as it can then sign in as anybody who isn't an operator."
        ),
    )
    trusts_emails = models.BooleanField(
        _("addresses are verified"),
        default=False,
        help_text=_(
            "For a provider that doesn't say whether it verified an address. Only where people can't choose theirs."
        ),
    )
    session_hours = models.PositiveSmallIntegerField(
        _("hours until people sign in again"),
        default=12,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text=_("Their groups are read again then, so a role that was taken away ends no later."),
    )
    is_enabled = models.BooleanField(
        _("enabled"), default=True, help_text=_("While disabled it has no button, and nobody signs in through it.")
    )
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("identity provider")
        verbose_name_plural = _("identity providers")
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def vouches_for(self, email: str) -> bool:
        """Whether it may say of this address who is behind it."""
        domains = split_domains(self.email_domains)
        return "*" in domains or email.rpartition("@")[2].lower() in domains


class GroupRole(TenantOwned):
    """Whoever the provider has in this group gets this role in this tenant."""

    id = IdField(prefix="grp")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="group_roles")
    group = models.CharField(_("group"), max_length=255)
    role = models.CharField(_("role"), max_length=32, choices=Role)

    class Meta:
        verbose_name = _("group's role")
        verbose_name_plural = _("groups' roles")
        constraints = [models.UniqueConstraint(fields=["provider", "group", "tenant"], name="group_role_once")]

    def __str__(self) -> str:
        return f"{self.group} → {self.role}"


class LinkedIdentity(models.Model):
    """Who somebody is at a provider. The subject never changes there, whatever happens to name and address."""

    id = IdField(prefix="lid")
    provider = models.ForeignKey(IdentityProvider, on_delete=models.PROTECT, related_name="identities")
    subject = models.CharField(pgettext_lazy("at the identity provider", "subject"), max_length=255)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="linked_identities")
    person_id: str
    # As the provider knew it at the last sign-in; for people, never to find them by
    email = models.CharField(_("e-mail there"), max_length=254, blank=True)
    created_at = models.DateTimeField(_("linked"), default=clock.now, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("linked identity")
        verbose_name_plural = _("linked identities")
        constraints = [
            models.UniqueConstraint(fields=["provider", "subject"], name="identity_once"),
            models.UniqueConstraint(fields=["provider", "person"], name="identity_one_for_each"),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {self.provider}"


class GivenRole(TenantOwned):
    """What an identity's groups gave when it was last used. Memberships follow all of a person's identities."""

    id = IdField(prefix="giv")
    identity = models.ForeignKey(LinkedIdentity, on_delete=models.CASCADE, related_name="given_roles")
    role = models.CharField(_("role"), max_length=32, choices=Role)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "tenant"], name="given_role_once")]
