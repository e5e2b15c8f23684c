"""What happens to tokens by itself: a mail before the end, and being forgotten long after it."""

from datetime import timedelta

import pytest
import time_machine

from apps.access import services, sweeps
from apps.access.models import AccessToken
from apps.accounts.models import User
from apps.core import clock
from apps.core.mail.models import OutgoingMail
from tests.access.tokens import make_token, text_of


def test_its_person_is_told_three_days_before_and_once(alice: User) -> None:
    token = make_token(alice, days=30, name="usage export")
    with time_machine.travel(token.expires_at - timedelta(days=3, minutes=1)):
        sweeps.tell_of_ending()
        assert not OutgoingMail.objects.exists()
    with time_machine.travel(token.expires_at - timedelta(days=3) + timedelta(minutes=1)):
        sweeps.tell_of_ending()
        sweeps.tell_of_ending()
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.subject) == (alice.email, "Your access token usage export ends soon")
    words = mail.text.reveal()
    assert token.start in words
    assert "/account/tokens" in words
    assert text_of(token)[16:] not in words


def test_it_is_told_in_the_persons_language_and_says_whether_it_is_used(alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(language="ko")
    token = make_token(alice, days=30)
    AccessToken.objects.update(last_used_at=clock.now())
    with time_machine.travel(token.expires_at - timedelta(days=1)):
        sweeps.tell_of_ending()
    mail = OutgoingMail.objects.get()
    assert mail.language == "ko"
    assert "hasn't been used" not in mail.text.reveal()


@pytest.mark.parametrize("why", ["revoked", "ended", "short", "deactivated"])
def test_nobody_is_told_of_what_needs_no_telling(alice: User, why: str) -> None:
    token = make_token(alice, days=2 if why == "short" else 30)
    moment = token.expires_at - timedelta(days=1)
    if why == "revoked":
        services.revoke_token(actor=alice, token=token)
    if why == "deactivated":
        User.objects.filter(pk=alice.pk).update(is_active=False)
    if why == "ended":
        moment = token.expires_at + timedelta(hours=1)
    with time_machine.travel(moment):
        sweeps.tell_of_ending()
    assert not OutgoingMail.objects.exists()


def test_more_than_one_batch_is_told(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "BATCH", 2)
    for _ in range(5):
        token = make_token(alice, days=30)
    with time_machine.travel(token.expires_at - timedelta(days=1)):
        sweeps.tell_of_ending()
    assert OutgoingMail.objects.count() == 5


def test_the_old_ones_are_forgotten_and_no_others(alice: User) -> None:
    ended, revoked, fresh = make_token(alice, days=1), make_token(alice, days=300), make_token(alice, days=300)
    services.revoke_token(actor=alice, token=revoked)
    start = clock.now()
    with time_machine.travel(start + timedelta(days=89)):
        sweeps.forget_old_tokens()
        assert AccessToken.objects.count() == 3
    with time_machine.travel(start + timedelta(days=90, minutes=1)):
        sweeps.forget_old_tokens()
        assert set(AccessToken.objects.all()) == {ended, fresh}
    with time_machine.travel(start + timedelta(days=92)):
        sweeps.forget_old_tokens()
        assert set(AccessToken.objects.all()) == {fresh}
