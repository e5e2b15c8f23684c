from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.sessions.base_session import BaseSessionManager

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from apps.accounts.models import Session, User


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class SessionManager(BaseSessionManager["Session"]):
    """Whoever reads a session asks whose it is."""

    def get_queryset(self) -> "QuerySet[Session]":
        return super().get_queryset().select_related("person")
