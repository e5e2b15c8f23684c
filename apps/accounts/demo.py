"""The people of the demo world: Tidewater Freight, 한빛데이터, Greenmarket Grocers, and the platform's operators.

The same people as in the docs and screenshots. Their workspaces, and what is in those, come from the apps above.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User
from apps.accounts.services.people import MANAGED
from apps.audit.changes import fields_of
from apps.audit.services import SYSTEM, record
from apps.core.errors import Text

PASSWORD = "imp-gateway-demo"  # noqa: S105


@dataclass(frozen=True)
class DemoPerson:
    name: str
    email: str
    role: str
    language: str = "en"
    is_operator: bool = False
    is_administrator: bool = False


@dataclass(frozen=True)
class DemoGroup:
    title: Text
    people: list[DemoPerson] = field(default_factory=list)


GROUPS = [
    DemoGroup(
        _("Tidewater Freight, provider"),
        [
            DemoPerson("박수진", "soojin@tidewater.example", "owner", language="ko"),
            DemoPerson("Maximilian Featherstonehaugh-Oyelaran", "maximilian@tidewater.example", "admin"),
            DemoPerson("Ada Lindqvist", "ada@tidewater.example", "gateway-owner"),
            DemoPerson("Mateus de Albuquerque", "mateus@tidewater.example", "api-developer"),
            DemoPerson("김하늘", "haneul@tidewater.example", "qa", language="ko"),
            DemoPerson("Priya Raghunathan", "priya@tidewater.example", "business-manager"),
            DemoPerson("Claes Wikström", "claes@tidewater.example", "viewer"),
        ],
    ),
    DemoGroup(
        _("한빛데이터, provider"),
        [
            DemoPerson("이서연", "seoyeon@hanbit-data.example", "owner", language="ko"),
        ],
    ),
    DemoGroup(
        _("Greenmarket Grocers Cooperative, customer"),
        [
            DemoPerson("Henrike Vos", "henrike@greenmarket.example", "owner"),
            DemoPerson("Ingeborg Aaltonen-Fitzgerald", "ingeborg@greenmarket.example", "admin"),
            DemoPerson("Tariq Mbeki", "tariq@greenmarket.example", "consumer"),
            DemoPerson("Lena Sørum", "lena@greenmarket.example", "viewer"),
        ],
    ),
    DemoGroup(
        _("Platform operations"),
        [
            DemoPerson("Yuna Ortega", "yuna@imp.example", "system-admin", is_operator=True, is_administrator=True),
            DemoPerson("Tomás Ó Briain", "tomas@imp.example", "sre-operator", is_operator=True),
        ],
    ),
]
PEOPLE = {person.email: person for group in GROUPS for person in group.people}


_parts: list[Callable[[], str]] = []


def register_part(load: Callable[[], str]) -> None:
    """`load` makes what an app adds to the demo, if it's missing, and says in a sentence what it made."""
    if load not in _parts:
        _parts.append(load)


def load_all() -> list[str]:
    """What was made, in sentences; nothing where everything is there."""
    made = load()
    # INSTALLED_APPS goes from high to low, and what is higher builds on what is below
    parts = (part() for part in reversed(_parts))
    return [said for said in (f"{made} people made." if made else "", *parts) if said]


def load() -> int:
    """Make whoever is missing; those who are there stay as they are, changed or not. Says how many it made."""
    there = set(User.objects.filter(email__in=PEOPLE).values_list("email", flat=True))
    missing = [person for email, person in PEOPLE.items() if email not in there]
    if not missing:
        return 0
    # One hash for all: the password is no secret, and as many of argon2's would take seconds
    password = make_password(PASSWORD)
    with transaction.atomic():
        for person in missing:
            user = User(
                email=person.email,
                name=person.name,
                password=password,
                language=person.language,
                is_staff=person.is_operator,
                is_superuser=person.is_administrator,
            )
            user.save(force_insert=True)
            record(actor=SYSTEM, verb="person.created", target=user, after=fields_of(user, MANAGED))
    return len(missing)


def groups_to_offer() -> list[DemoGroup]:
    """For the panel beside the sign-in form: nothing unless developing, and nobody who isn't there."""
    if not settings.DEBUG:
        return []
    there = set(User.objects.filter(email__in=PEOPLE, is_active=True).values_list("email", flat=True))
    groups = [DemoGroup(group.title, [each for each in group.people if each.email in there]) for group in GROUPS]
    return [group for group in groups if group.people]


def find_person(email: str) -> User | None:
    return User.objects.filter(email=email).first() if email in PEOPLE else None


def demo_sign_ins() -> list[tuple[str, str, str]]:
    """Address, password, and role and where, of those whom one tries first, for the table that `up` prints."""
    first = ["soojin@tidewater.example", "henrike@greenmarket.example", "yuna@imp.example"]
    there = set(User.objects.filter(email__in=first).values_list("email", flat=True))
    where = {person.email: group.title for group in GROUPS for person in group.people}
    return [(email, PASSWORD, f"{PEOPLE[email].role} ({where[email]})") for email in first if email in there]
