"""Tokens of the demo world, one in each state. Nobody knows their texts, so they let nobody in."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from apps.access import text
from apps.access.models import AccessToken
from apps.access.scopes import with_reading
from apps.access.services import PURPOSE, told
from apps.accounts.models import User
from apps.audit.services import record
from apps.core import clock
from apps.core.crypto import keyed_hash
from apps.tenants.models import Tenant
from apps.tenants.roles import SCOPES

SOOJIN = "soojin@tidewater.example"


@dataclass(frozen=True)
class DemoToken:
    name: str
    workspace: str
    scopes: tuple[str, ...]
    ends_in: timedelta
    used_ago: timedelta | None = None
    used_from: str = ""


# The newest last, as they're made in this order
TOKENS = [
    DemoToken("한빛 점검", "hanbit-data", ("functions:read",), timedelta(days=-30), timedelta(days=48), "192.0.2.15"),
    DemoToken(
        "usage export",
        "tidewater",
        ("customers:read",),
        timedelta(days=2, hours=20),
        timedelta(hours=11),
        "198.51.100.40",
    ),
    DemoToken("MacBook CLI", "", SCOPES, timedelta(days=20), timedelta(minutes=11), "203.0.113.24"),
    DemoToken("release-bot", "tidewater", ("functions:write", "gateways:read"), timedelta(days=90)),
]


def load() -> str:
    """Make them for Soojin, who has them in the pictures too, unless she has some already."""
    person = User.objects.filter(email=SOOJIN, access_tokens=None).first()
    if person is None:
        return ""
    tenants = {tenant.slug: tenant for tenant in Tenant.objects.filter(memberships__person=person)}
    wanted = [each for each in TOKENS if not each.workspace or each.workspace in tenants]
    with transaction.atomic():
        for each in wanted:
            _make(each, person, tenants.get(each.workspace))
    return f"{len(wanted)} access tokens made."


def _make(demo: DemoToken, person: User, tenant: Tenant | None) -> None:
    now, secret = clock.now(), text.new_text()
    token = AccessToken(
        person=person,
        tenant=tenant,
        name=demo.name,
        start=text.start_of(secret),
        token_hash=keyed_hash(secret, purpose=PURPOSE),
        scopes=with_reading(demo.scopes),
        created_at=now - timedelta(days=60),
        expires_at=now + demo.ends_in,
        last_used_at=now - demo.used_ago if demo.used_ago else None,
        last_used_address=demo.used_from,
        # Told already, so that the demo's first minute doesn't begin with a mail
        told_at=now,
    )
    token.save(force_insert=True)
    record(actor=person, verb="token.created", target=token, after=told(token))
