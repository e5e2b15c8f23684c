"""What TenantMiddleware found out about a request."""

from django.http import HttpRequest

from apps.tenants.member import Member
from apps.tenants.models import Membership


def member_of(request: HttpRequest) -> Member:
    """Who acts in the workspace that this page belongs to."""
    member = getattr(request, "member", None)
    if not isinstance(member, Member):
        raise RuntimeError(f"{request.path} isn't below /t/, so nobody is a member here.")
    return member


def memberships_at_hand(request: HttpRequest) -> list[Membership]:
    """Every workspace of whoever asks, the one they were in last first. Asked from the database once a request."""
    return list(getattr(request, "memberships", ()))
