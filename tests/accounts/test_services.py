"""The services of accounts, by everybody who may and who may not."""

from itertools import count
from typing import Any

import pytest
from allauth.mfa.models import Authenticator

from apps.accounts import services
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import NotAllowed
from tests.contracts.service import ServiceContract
from tests.people import make_person

numbers = count(1)


class OwnAccount(ServiceContract):
    """Of one's own account: nobody else's, not even for those who run the platform."""

    watched = (User,)
    verb = "account.preferences_changed"
    refused = dict.fromkeys(["bob", "charlie", "operator"], NotAllowed)

    def make(self, alice: User, bob: User) -> User:
        return User.objects.get(pk=alice.pk)


class TestChangePreferences(OwnAccount):
    def call(self, actor: User, row: User) -> User:
        return services.change_preferences(actor=actor, user=row, name="Zoë")


class SwitchOfOnesOwn(OwnAccount):
    """Takes no account but the actor's."""

    allowed = ("alice", "bob", "charlie", "operator")
    refused = {}


class TestSetLanguage(SwitchOfOnesOwn):
    def call(self, actor: User, row: User) -> User:
        return services.set_language(actor=actor, language="ko")


class TestSetTheme(SwitchOfOnesOwn):
    def call(self, actor: User, row: User) -> User:
        return services.set_theme(actor=actor, theme="dark")


class TestTakeData(SwitchOfOnesOwn):
    watched = (AuditEvent,)
    verb = "account.data_taken"

    def call(self, actor: User, row: User) -> dict[str, Any]:
        return services.take_data(actor=actor)


class ManagedPerson(ServiceContract):
    """Of somebody else's account: a system administrator's."""

    watched = (User,)
    allowed = ("administrator",)
    refused = dict.fromkeys(["alice", "bob", "charlie", "operator"], NotAllowed)

    @pytest.fixture
    def actors(self, alice: User, bob: User, charlie: User, operator: User, yuna: User) -> dict[str, User]:
        return {"alice": alice, "bob": bob, "charlie": charlie, "operator": operator, "administrator": yuna}

    def make(self, alice: User, bob: User) -> User:
        return make_person(f"someone{next(numbers)}")


class TestCreatePerson(ManagedPerson):
    verb = "person.created"

    def call(self, actor: User, row: User) -> User:
        return services.create_person(actor=actor, email="zoe@reyes.example", password="a-long-tide-4711")


class TestChangePerson(ManagedPerson):
    verb = "person.changed"

    def call(self, actor: User, row: User) -> User:
        return services.change_person(actor=actor, user=row, name="Zoë", is_staff=True)


class TestDeactivatePerson(ManagedPerson):
    verb = "person.deactivated"

    def call(self, actor: User, row: User) -> User:
        return services.deactivate_person(actor=actor, user=row)


class TestReactivatePerson(ManagedPerson):
    verb = "person.reactivated"

    def make(self, alice: User, bob: User) -> User:
        return make_person(f"someone{next(numbers)}", is_active=False)

    def call(self, actor: User, row: User) -> User:
        return services.reactivate_person(actor=actor, user=row)


class TestResetSecondFactor(ManagedPerson):
    watched = (Authenticator,)
    verb = "person.second_factor_reset"

    def make(self, alice: User, bob: User) -> User:
        person = super().make(alice, bob)
        Authenticator.objects.create(user=person, type=Authenticator.Type.TOTP, data={})
        return person

    def call(self, actor: User, row: User) -> None:
        services.reset_second_factor(actor=actor, user=row)
