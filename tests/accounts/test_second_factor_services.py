"""Everybody has a second factor of their own, and nobody touches another's."""

import pytest
from allauth.mfa.models import Authenticator
from django.db.models import QuerySet

from apps.accounts import services
from apps.accounts.models import User
from apps.accounts.selectors import has_second_factor
from apps.audit.models import AuditEvent
from apps.core.errors import Conflict, NotAllowed
from tests.contracts.service import ServiceContract

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


class OwnSecondFactor(ServiceContract):
    watched = (Authenticator,)
    allowed = ("alice", "bob", "charlie", "operator")
    refused = {}

    def make(self, alice: User, bob: User) -> None:
        """Everybody's is on."""
        for person in User.objects.all():
            if not has_second_factor(person):
                services.enable_second_factor(actor=person, secret=SECRET)


class TestEnableSecondFactor(OwnSecondFactor):
    verb = "account.second_factor_enabled"

    def make(self, alice: User, bob: User) -> None:
        Authenticator.objects.all().delete()

    def call(self, actor: User, row: None) -> None:
        services.enable_second_factor(actor=actor, secret=SECRET)


class TestDisableSecondFactor(OwnSecondFactor):
    verb = "account.second_factor_disabled"

    def call(self, actor: User, row: None) -> None:
        services.disable_second_factor(actor=actor)


class TestMakeRecoveryCodes(OwnSecondFactor):
    verb = "account.recovery_codes_made"

    def call(self, actor: User, row: None) -> None:
        services.make_recovery_codes(actor=actor)


class TestNoteRecoveryCode(OwnSecondFactor):
    watched = (AuditEvent,)
    verb = "account.recovery_code_used"

    def call(self, actor: User, row: None) -> None:
        services.note_recovery_code(actor=actor)


class TestNoteTrustedBrowser(OwnSecondFactor):
    watched = (AuditEvent,)
    verb = "account.browser_trusted"

    def call(self, actor: User, row: None) -> None:
        services.note_trusted_browser(actor=actor)


def kept() -> QuerySet[Authenticator]:
    return Authenticator.objects.order_by("user_id", "type")


def test_it_is_turned_on_once_and_the_key_of_before_stays(alice: User) -> None:
    services.enable_second_factor(actor=alice, secret=SECRET)
    before = list(kept().values_list("user_id", "type", "data"))
    assert [(user, kind) for user, kind, _data in before] == [(alice.pk, "recovery_codes"), (alice.pk, "totp")]
    with pytest.raises(Conflict, match="on already"):
        services.enable_second_factor(actor=alice, secret="A" * 32)
    assert list(kept().values_list("user_id", "type", "data")) == before


def test_turning_off_what_is_off_is_refused_and_touches_nobody_else(alice: User, bob: User) -> None:
    services.enable_second_factor(actor=bob, secret=SECRET)
    with pytest.raises(Conflict, match="off already"):
        services.disable_second_factor(actor=alice)
    assert has_second_factor(bob)


def test_codes_belong_to_a_factor_that_is_on(alice: User) -> None:
    with pytest.raises(Conflict, match="first"):
        services.make_recovery_codes(actor=alice)
    assert not kept().exists()


def test_an_operator_keeps_theirs_where_it_is_needed(operator: User, alice: User, settings) -> None:
    settings.OPERATORS_NEED_SECOND_FACTOR = True
    for person in (operator, alice):
        services.enable_second_factor(actor=person, secret=SECRET)
    with pytest.raises(NotAllowed):
        services.disable_second_factor(actor=operator)
    assert has_second_factor(operator)
    services.disable_second_factor(actor=alice)
    assert not has_second_factor(alice)


def test_a_refused_code_is_written_down_as_nobodys_doing(alice: User) -> None:
    services.note_refused_code(user=alice)
    event = AuditEvent.objects.get(verb="account.sign_in_failed")
    assert (event.actor_id, event.target_id, event.after) == ("", alice.pk, {"reason": "second factor"})
