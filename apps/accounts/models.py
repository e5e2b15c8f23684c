from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from apps.accounts.managers import SessionManager, UserManager
from apps.core import clock
from apps.core.ids import IdField
from apps.core.versions import Versioned

# What an operator may change who isn't a system administrator: the platform's running, not its people
OPERATED_APPS = frozenset({"core", "django_q"})


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

    def has_perm(self, permission: str, obj: Any = None) -> bool:
        """For the operators' admin, which asks for `app.action_model`."""
        if not (self.is_active and self.is_staff):
            return False
        app, _dot, codename = permission.partition(".")
        return self.is_superuser or app in OPERATED_APPS or codename.startswith("view_")

    def has_perms(self, permissions: Iterable[str], obj: Any = None) -> bool:
        return all(self.has_perm(permission, obj) for permission in permissions)

    def has_module_perms(self, app: str) -> bool:
        return self.is_active and self.is_staff


class Session(AbstractBaseSession):
    """A browser's session. The person is who signed in with it; what the session holds stays in its signed data."""

    # Unconstrained: for a person who was just deleted, Django would try one new key after the other, for ever
    person = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, editable=False, db_constraint=False, related_name="sessions"
    )

    objects = SessionManager()  # type: ignore[misc]

    @classmethod
    def get_session_store_class(cls) -> Any:
        from apps.accounts.sessions import SessionStore

        return SessionStore
