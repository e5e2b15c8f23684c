from collections.abc import Iterable
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from apps.accounts import rights
from apps.accounts.managers import SessionManager, UserManager
from apps.accounts.sessions.browsers import Browser, read_browser
from apps.core import clock
from apps.core.crypto import HASH_LENGTH
from apps.core.ids import IdField
from apps.core.versions import Versioned


class User(Versioned, AbstractBaseUser):
    """A person. The e-mail address is the name one signs in with; what one may do comes with the workspaces."""

    class Theme(models.TextChoices):
        SYSTEM = "system", _("System")
        LIGHT = "light", _("Light")
        DARK = "dark", _("Dark")

    id = IdField(prefix="usr")
    email = models.EmailField(_("e-mail"), unique=True)
    name = models.CharField(_("name"), max_length=120, blank=True)
    is_active = models.BooleanField(
        _("active"), default=True, help_text=_("Someone inactive can't sign in. Nothing of theirs is deleted.")
    )
    is_staff = models.BooleanField(
        _("operator"), default=False, help_text=_("Sees everything in the operators' admin and runs the platform.")
    )
    is_superuser = models.BooleanField(
        _("system administrator"), default=False, help_text=_("An operator who also manages people.")
    )
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")
    theme = models.CharField(_("theme"), max_length=8, choices=Theme, default=Theme.SYSTEM)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS = []

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_any_case")]

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        """What Django's pages call somebody by."""
        return str(self)

    @property
    def is_operator(self) -> bool:
        """Whether they have an operator's rights now. All that grants such rights asks this, and not `is_staff`."""
        return self.is_active and self.is_staff and not self.needs_second_factor

    @cached_property
    def needs_second_factor(self) -> bool:
        """An operator whose rights wait for one. Those who have one are asked for it at each sign-in."""
        if not (settings.OPERATORS_NEED_SECOND_FACTOR and self.is_active and self.is_staff):
            return False
        return not Authenticator.objects.filter(user_id=self.pk, type=Authenticator.Type.TOTP).exists()

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        """For the operators' admin, which asks for `app.action_model`."""
        return rights.may_in_admin(self, permission)

    def has_perms(self, permissions: Iterable[str], obj: Any = None) -> bool:
        return all(self.has_perm(permission, obj) for permission in permissions)

    def has_module_perms(self, app: str) -> bool:
        return self.is_operator


class Session(AbstractBaseSession):
    """A browser's session. The person is who signed in with it; what the session holds stays in its signed data.

    Of the key in the browser's cookie only a hash is kept, so that nobody who reads this table is somebody.
    """

    id = IdField(prefix="ses")
    session_key = models.CharField(max_length=64, unique=True, editable=False)
    # Unconstrained: for a person who was just deleted, Django would try one new key after the other, for ever
    person = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, editable=False, db_constraint=False, related_name="sessions"
    )
    user_agent = models.CharField(_("browser"), max_length=400, blank=True, editable=False)
    address = models.CharField(_("address"), max_length=45, blank=True, editable=False)
    signed_in_at = models.DateTimeField(_("since"), default=clock.now, editable=False)
    last_seen_at = models.DateTimeField(_("last seen"), default=clock.now, editable=False)
    # Nobody had signed in to this account from that network before
    is_unfamiliar = models.BooleanField(default=False, editable=False)

    objects = SessionManager()  # type: ignore[misc]

    def __str__(self) -> str:
        return str(self.browser)

    @property
    def browser(self) -> Browser:
        return read_browser(self.user_agent)

    @classmethod
    def get_session_store_class(cls) -> Any:
        from apps.accounts.sessions.store import SessionStore

        return SessionStore


class SessionKey(models.Model):
    """Another key that a session is known by, as a hash: one that waits for its first use, or one of before."""

    key = models.CharField(max_length=64, primary_key=True)
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="other_keys")
    # What the session holds from the first use on; empty for a key that isn't waited for
    session_data = models.TextField(blank=True)
    # None while the key waits and no other has come before it
    ends_at = models.DateTimeField(null=True, db_index=True)

    def __str__(self) -> str:
        return f"{self.session_id}"


class SignUp(models.Model):
    """Somebody wants an account. There is none until they have shown that the address is theirs."""

    id = IdField(prefix="sup")
    email = models.EmailField(_("e-mail"))
    name = models.CharField(_("name"), max_length=120, blank=True)
    password = models.CharField(_("password"), max_length=128)
    workspace = models.CharField(_("workspace"), max_length=120, blank=True)
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")
    created_at = models.DateTimeField(_("since"), default=clock.now, editable=False)

    def __str__(self) -> str:
        return self.email


class MailedLink(models.Model):
    """A link that went to an address: good once, and for a while. Whoever opens it can read that address's mail."""

    class Kind(models.TextChoices):
        SIGN_UP = "sign-up", _("sign-up")
        PASSWORD = "password", _("new password")
        EMAIL = "email", _("new address")

    id = IdField(prefix="lnk")
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    email = models.EmailField(_("e-mail"))
    language = models.CharField(_("language"), max_length=8, choices=settings.LANGUAGES, default="en")
    person = models.ForeignKey(User, on_delete=models.CASCADE, null=True, related_name="mailed_links")
    sign_up = models.ForeignKey(SignUp, on_delete=models.SET_NULL, null=True, related_name="links")
    token_hash = models.CharField(max_length=HASH_LENGTH, unique=True, db_collation="C")
    created_at = models.DateTimeField(_("sent"), default=clock.now)
    expires_at = models.DateTimeField(_("ends"))
    used_at = models.DateTimeField(_("used"), null=True)

    class Meta:
        indexes = [
            models.Index(fields=["email", "kind", "created_at"], name="mailed_link_address"),
            models.Index(fields=["created_at"], name="mailed_link_age"),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def is_open(self) -> bool:
        return self.used_at is None and self.expires_at > clock.now()
