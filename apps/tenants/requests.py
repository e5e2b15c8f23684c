"""What the middleware of this app found out about a request."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import User
from apps.tenants.member import Member
from apps.tenants.models import Membership
from apps.tenants.view_as.viewing import Viewing


class TenantRequest(HttpRequest):
    """As TenantMiddleware and ViewAsMiddleware leave it. Views ask the functions below."""

    member: Member | None
    memberships: "SimpleLazyObject[list[Membership]]"
    viewing: Viewing | None
    operator: User


def member_at_hand(request: HttpRequest) -> Member | None:
    """Who acts in the workspace that this page belongs to; None on all other pages, and where an error came first."""
    member = getattr(request, "member", None)
    return member if isinstance(member, Member) else None


def member_of(request: HttpRequest) -> Member:
    """The same, for what exists in a workspace only."""
    member = member_at_hand(request)
    if member is None:
        raise RuntimeError(f"{request.path} isn't below /t/, so nobody is a member here.")
    return member


def is_viewing_as(request: HttpRequest) -> bool:
    """Whether an operator looks as somebody else."""
    return getattr(request, "viewing", None) is not None


def memberships_at_hand(request: HttpRequest) -> list[Membership]:
    """Every workspace of whoever asks, the one they were in last first. Asked from the database once a request."""
    return list(getattr(request, "memberships", ()))
