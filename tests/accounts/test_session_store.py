"""What is kept of a session: a hash of its key, where and when it's used; and that a stolen cookie is worth little."""

from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.exceptions import SessionInterrupted
from django.test import Client

from apps.accounts import services
from apps.accounts.models import Session, SessionKey, User
from apps.accounts.sessions.store import SessionStore
from apps.accounts.sweeps import forget_session_keys_of_before
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.mail.models import OutgoingMail
from tests.accounts.browsers import (
    CHROME,
    ELSEWHERE,
    FIREFOX,
    HOME,
    NEWER_CHROME,
    SAME_NETWORK,
    client_of,
    moved,
)
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def sign_in(client: Client, person: User, **more: str) -> Client:
    answer = client.post("/sign-in", {"login": person.email, "password": PASSWORD, **more})
    assert answer.status_code == 302
    return client


def cookie(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def is_signed_in(client: Client) -> bool:
    return client.get("/account/alive").status_code == 204


def session() -> Session:
    return Session.objects.get()


def let_pass(minutes: int) -> None:
    """As if the session had been used so long ago."""
    Session.objects.update(last_seen_at=clock.now() - timedelta(minutes=minutes))


# --- The key ---------------------------------------------------------------------------------------


def test_the_key_of_the_cookie_is_nowhere_in_the_table(mina):
    client = sign_in(client_of(), mina)
    assert cookie(client) not in str(Session.objects.values_list())


def test_what_the_table_holds_is_no_cookie_that_lets_in(mina):
    sign_in(client_of(), mina)
    thief = client_of()
    thief.cookies[settings.SESSION_COOKIE_NAME] = session().session_key
    assert not is_signed_in(thief)


def confirmed(client):
    """The keys before and after somebody has shown again who they are; the new one isn't used yet."""
    before = cookie(client)
    assert client.post("/account/confirm", {"password": PASSWORD}).status_code == 302
    assert cookie(client) != before
    return before, cookie(client)


def with_key(key, user_agent=CHROME, address=HOME):
    client = client_of(user_agent, address)
    client.cookies[settings.SESSION_COOKIE_NAME] = key
    return client


def asks_again(client):
    return client.get("/account/delete").status_code == 302


def test_confirming_gives_another_key_and_keeps_the_session(mina):
    client = sign_in(client_of(), mina)
    known = session()
    before, _after = confirmed(client)
    assert is_signed_in(client)
    assert not asks_again(client)
    assert (session().pk, session().signed_in_at) == (known.pk, known.signed_in_at)
    SessionKey.objects.update(ends_at=clock.now())
    late = with_key(before)
    assert not is_signed_in(late)
    assert is_signed_in(client)


def test_a_lost_answer_signs_nobody_out_and_confirms_nothing(mina):
    before, after = confirmed(sign_in(client_of(), mina))
    left = with_key(before)
    SessionKey.objects.update(ends_at=None)
    for _ in range(2):
        assert is_signed_in(left)
        assert asks_again(left)
    assert left.post("/account/theme", {"theme": "dark"}).status_code == 302
    assert cookie(left) == before
    # What is asked again is answered again
    _before, again = confirmed(left)
    assert not asks_again(left)
    assert cookie(left) == again != after


def test_a_button_that_was_pressed_twice_confirms_with_either_answer(mina):
    """The browser keeps the key of whichever answer came last, and that isn't always the later one."""
    for keep in (0, 1):
        client = sign_in(client_of(), mina)
        before = cookie(client)
        _, first = confirmed(with_key(before))
        _, second = confirmed(with_key(before))
        kept, other = (first, second)[keep], (second, first)[keep]
        assert not asks_again(with_key(kept))
        assert not asks_again(with_key(other))


def test_a_request_on_its_way_reads_with_the_key_of_before_and_does_nothing_else(mina):
    client = sign_in(client_of(), mina)
    before, after = confirmed(client)
    assert is_signed_in(client)
    on_its_way = with_key(before)
    assert is_signed_in(on_its_way)
    assert asks_again(on_its_way)
    refused = on_its_way.post("/account/theme", {"theme": "dark"})
    assert refused.status_code == 404
    mina.refresh_from_db()
    assert mina.theme == "system"
    # Its answers take the new key from nobody
    assert cookie(on_its_way) == before
    assert is_signed_in(with_key(after))
    assert not asks_again(client)


def test_an_answer_to_the_key_of_before_sends_no_key_and_ends_no_session(mina):
    client = sign_in(client_of(), mina)
    before, _after = confirmed(client)
    assert is_signed_in(client)
    late = SessionStore(before)
    late.user_agent, late.address = CHROME, HOME
    late["noted"] = "something"
    assert late.is_past
    assert not late.modified
    for change in (late.save, late.flush, late.cycle_key):
        with pytest.raises(SessionInterrupted):
            change()
    assert is_signed_in(client)


def test_the_key_of_before_serves_its_own_browser_for_some_seconds(mina):
    with time_machine.travel(1_800_000_000, tick=False) as moment:
        client = sign_in(client_of(), mina)
        before, _after = confirmed(client)
        assert is_signed_in(client)
        assert not is_signed_in(with_key(before, FIREFOX))
        assert is_signed_in(with_key(before))
        moment.shift(11)
        assert not is_signed_in(with_key(before))
        assert is_signed_in(client)


def test_a_waiting_key_in_another_browser_and_network_ends_the_session(mina):
    _before, after = confirmed(sign_in(client_of(CHROME, HOME), mina))
    assert not is_signed_in(with_key(after, FIREFOX, ELSEWHERE))
    assert not Session.objects.exists()
    assert AuditEvent.objects.filter(verb="account.session_refused").count() == 1


@pytest.mark.parametrize("is_used", [True, False])
def test_signing_out_a_new_password_and_revoking_end_every_key(mina, is_used):
    for end in ("sign-out", "password", "revoke"):
        client = sign_in(client_of(), mina)
        before, after = confirmed(client)
        here = client if is_used else with_key(before)
        assert is_signed_in(here)
        if end == "sign-out":
            here.post("/sign-out")
        elif end == "password":
            values = {"oldpassword": PASSWORD, "password1": "another-tide-4711", "password2": "another-tide-4711"}
            assert here.post("/account/password", values).status_code == 302
            mina.set_password(PASSWORD)
            mina.save()
        else:
            services.revoke_session(actor=mina, session=Session.objects.get())
        assert not SessionKey.objects.exists()
        assert not is_signed_in(with_key(before))
        assert not is_signed_in(with_key(after))
        Session.objects.all().delete()


def test_keys_that_ended_are_swept_and_those_that_wait_stay(mina):
    client = sign_in(client_of(), mina)
    confirmed(client)
    forget_session_keys_of_before()
    assert SessionKey.objects.count() == 1
    assert is_signed_in(client)
    SessionKey.objects.update(ends_at=clock.now() - timedelta(seconds=1))
    forget_session_keys_of_before()
    assert not SessionKey.objects.exists()
    assert is_signed_in(client)


def test_what_is_kept_of_a_waiting_key_is_a_hash(mina):
    _before, after = confirmed(sign_in(client_of(), mina))
    assert after not in str(list(SessionKey.objects.values_list()))


def test_a_slow_request_does_not_bring_the_key_of_before_back(mina):
    client = sign_in(client_of(), mina)
    before = cookie(client)
    slow = SessionStore(before)
    slow["noted"] = "something"
    confirmed(client)
    assert is_signed_in(client)
    with pytest.raises(UpdateError):
        slow.save()
    assert not SessionStore(before).exists(before)
    assert is_signed_in(client)


def test_a_session_that_was_revoked_meanwhile_gets_no_other_key(mina):
    client = sign_in(client_of(), mina)
    slow = SessionStore(cookie(client))
    slow.load()
    Session.objects.all().delete()
    with pytest.raises(SessionInterrupted):
        slow.cycle_key()
    assert not Session.objects.exists()


def test_a_refused_confirmation_leaves_the_key(mina):
    client = sign_in(client_of(), mina)
    before = cookie(client)
    assert client.post("/account/confirm", {"password": "wrong"}).status_code == 422
    assert cookie(client) == before


def test_signing_in_takes_over_nothing_of_the_visitors_session(mina):
    client = client_of()
    visitor = client.session
    visitor["probe"] = 1
    visitor.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = before = visitor.session_key
    sign_in(client, mina)
    assert cookie(client) != before
    assert session().person == mina


# --- Where and when --------------------------------------------------------------------------------


def test_a_session_knows_browser_address_and_time(mina):
    began = clock.now()
    sign_in(client_of(FIREFOX, HOME), mina)
    found = session()
    assert (str(found), found.address) == ("Firefox 144 on Windows", HOME)
    assert began <= found.signed_in_at <= found.last_seen_at <= clock.now()


def test_a_visit_is_noted_once_a_minute(mina):
    client = sign_in(client_of(), mina)
    let_pass(minutes=5)
    began = clock.now()
    assert is_signed_in(moved(client, NEWER_CHROME, SAME_NETWORK))
    noted = session()
    assert noted.last_seen_at >= began
    assert (str(noted), noted.address) == ("Chrome 142 on macOS", SAME_NETWORK)
    assert noted.signed_in_at < began
    assert is_signed_in(client)
    assert session().last_seen_at == noted.last_seen_at


def test_a_long_browser_line_is_cut(mina):
    sign_in(client_of(CHROME + " x" * 1000), mina)
    assert len(session().user_agent) == 400


def test_a_session_that_goes_with_the_browser_ends_after_a_day_without_use(mina):
    client = sign_in(client_of(), mina)
    day = settings.SESSION_UNUSED_END
    assert abs(session().expire_date - clock.now() - day) < timedelta(minutes=1)
    Session.objects.update(expire_date=clock.now() + timedelta(hours=1))
    let_pass(minutes=5)
    assert is_signed_in(client)
    assert abs(session().expire_date - clock.now() - day) < timedelta(minutes=1)


def test_a_session_that_is_kept_ends_after_thirty_days_whether_used_or_not(mina):
    client = sign_in(client_of(), mina, remember="on")
    ends = session().expire_date
    assert abs(ends - clock.now() - timedelta(days=30)) < timedelta(minutes=1)
    let_pass(minutes=5)
    assert is_signed_in(client)
    assert session().expire_date == ends


def test_a_visit_brings_no_ended_session_back(mina):
    client = sign_in(client_of(), mina)
    let_pass(minutes=5)
    store = client.session
    store.load()
    Session.objects.all().delete()
    store.note_visit()
    assert not Session.objects.exists()


# --- A cookie that was taken -----------------------------------------------------------------------


def test_another_browser_in_another_network_ends_the_session(mina):
    client = sign_in(client_of(CHROME, HOME), mina)
    assert not is_signed_in(moved(client, FIREFOX, ELSEWHERE))
    assert not is_signed_in(client)
    event = AuditEvent.objects.get(verb="account.session_refused")
    assert (event.actor_id, event.target_id) == ("", mina.pk)
    assert event.before == {"browser": "Chrome 141 on macOS", "address": HOME}
    assert event.after == {"browser": "Firefox 144 on Windows", "address": ELSEWHERE}


@pytest.mark.parametrize(
    ("user_agent", "address"),
    [(CHROME, ELSEWHERE), (FIREFOX, HOME), (FIREFOX, SAME_NETWORK), (NEWER_CHROME, ELSEWHERE)],
)
def test_a_phone_that_leaves_the_house_and_a_browser_that_poses_as_another_stay_signed_in(mina, user_agent, address):
    client = sign_in(client_of(CHROME, HOME), mina)
    assert is_signed_in(moved(client, user_agent, address))
    assert not AuditEvent.objects.filter(verb="account.session_refused").exists()


# --- Networks that are new -------------------------------------------------------------------------


def test_the_first_sign_in_is_from_nowhere_unfamiliar(mina):
    sign_in(client_of(), mina)
    assert not session().is_unfamiliar


def test_a_network_that_nobody_signed_in_from_before_is_told(mina):
    sign_in(client_of(CHROME, HOME), mina)
    sign_in(client_of(FIREFOX, SAME_NETWORK), mina)
    assert not Session.objects.filter(is_unfamiliar=True).exists()
    sign_in(client_of(FIREFOX, ELSEWHERE), mina)
    assert Session.objects.get(is_unfamiliar=True).address == ELSEWHERE


def test_the_owner_is_told_by_mail_where_and_when_it_was(mina):
    User.objects.filter(pk=mina.pk).update(time_zone="Asia/Seoul")
    sign_in(client_of(CHROME, HOME), mina)
    assert not OutgoingMail.objects.exists()
    sign_in(client_of(FIREFOX, ELSEWHERE), mina)
    mail = OutgoingMail.objects.get()
    assert (mail.to, mail.subject) == (mina.email, "A sign-in from somewhere new")
    assert f"Firefox 144 on Windows from {ELSEWHERE}" in mail.text.reveal()
    assert "KST" in mail.text.reveal()
    sign_in(client_of(FIREFOX, ELSEWHERE), mina)
    assert OutgoingMail.objects.count() == 1


def test_what_is_unfamiliar_stays_so_for_that_session(mina):
    sign_in(client_of(CHROME, HOME), mina)
    client = sign_in(client_of(FIREFOX, ELSEWHERE), mina)
    client.post("/account/confirm", {"password": PASSWORD})
    assert Session.objects.get(address=ELSEWHERE).is_unfamiliar
