"""The second factor, with real codes: turned on, asked for at sign-in, turned off, its secrets sealed."""

import re
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.db import connection
from django.test import Client

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.crypto import CantOpen
from tests.accounts.codes import code_of, secret_on
from tests.accounts.conftest import PASSWORD
from tests.core.keys import new_key
from tests.core.test_secret_field import whole_database

pytestmark = pytest.mark.django_db


def verbs() -> list[str]:
    return list(AuditEvent.objects.order_by("at", "id").values_list("verb", flat=True))


def start_signing_in(email: str = "mina@tidewater.example") -> Client:
    client = Client()
    answer = client.post("/sign-in", {"login": email, "password": PASSWORD, "next": "/account"})
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/code")
    return client


def is_signed_in(client: Client) -> bool:
    return client.get("/account").status_code == 200


def recovery_codes(browser: Client) -> list[str]:
    page = browser.get("/account/recovery-codes").content.decode()
    return re.search(r'<output id="codes"[^>]*>([0-9 ]+)</output>', page)[1].split()


def test_turning_it_on_asks_who_it_is_shows_a_code_and_writes_it_down(browser, mina):
    assert (
        browser.get("/account/second-factor/on")["Location"] == "/account/confirm?next=%2Faccount%2Fsecond-factor%2Fon"
    )
    assert browser.post("/account/confirm?next=/account", {"password": "wrong"}).status_code == 422
    browser.post("/account/confirm?next=/account", {"password": PASSWORD})
    answer = browser.get("/account/second-factor/on")
    page = answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert 'role="img" aria-label="QR code of the key beside it"' in page
    assert "style=" not in page
    key = secret_on(page)
    assert browser.post("/account/second-factor/on", {"code": "000000"}).status_code == 422
    assert not Authenticator.objects.exists()
    assert browser.post("/account/second-factor/on", {"code": code_of(key)}).status_code == 302
    assert AuditEvent.objects.get(verb="account.second_factor_enabled").target_id == mina.pk


def test_until_it_is_on_the_key_waits_sealed(browser):
    browser.post("/account/confirm?next=/account", {"password": PASSWORD})
    key = secret_on(browser.get("/account/second-factor/on").content.decode())
    assert key not in str(dict(browser.session))
    refused = browser.post("/account/second-factor/on", {"code": "000000"})
    assert secret_on(refused.content.decode()) == key
    assert browser.post("/account/second-factor/on", {"code": code_of(key)}).status_code == 302


def test_a_key_that_cannot_be_opened_any_more_is_made_anew(browser):
    browser.post("/account/confirm?next=/account", {"password": PASSWORD})
    session = browser.session
    session["mfa.totp.secret"] = "not-sealed"
    session.save()
    assert len(secret_on(browser.get("/account/second-factor/on").content.decode())) == 32


def test_the_qr_code_holds_the_key_and_the_account(browser):
    from apps.accounts.second_factor.qr import qr_path

    browser.post("/account/confirm?next=/account", {"password": PASSWORD})
    page = browser.get("/account/second-factor/on").content.decode()
    key = secret_on(page)
    url = f"otpauth://totp/mina%40tidewater.example?secret={key}&issuer=Imp%20Gateway"
    assert qr_path(url)["path"] in page


def test_signing_in_asks_for_the_code_after_the_password(secret):
    client = start_signing_in()
    assert not is_signed_in(client)
    page = client.get("/sign-in/code").content.decode()
    assert "mina@tidewater.example" in page
    answer = client.post("/sign-in/code", {"code": code_of(secret, periods=1)})
    assert (answer.status_code, answer["Location"]) == (302, "/account")
    assert is_signed_in(client)
    assert verbs()[-1] == "account.signed_in"


def test_a_wrong_code_is_refused_with_422_and_written_down(secret, mina):
    client = start_signing_in()
    answer = client.post("/sign-in/code", {"code": "000000"})
    assert answer.status_code == 422
    assert "This code isn&#x27;t right" in answer.content.decode()
    assert not is_signed_in(client)
    event = AuditEvent.objects.get(verb="account.sign_in_failed")
    assert (event.target_id, event.after) == (mina.pk, {"reason": "second factor"})


def test_after_five_wrong_codes_the_right_one_waits_too(secret):
    client = start_signing_in()
    for _ in range(5):
        client.post("/sign-in/code", {"code": "000000"})
    assert client.post("/sign-in/code", {"code": code_of(secret, periods=1)}).status_code == 429
    assert not is_signed_in(client)


@pytest.mark.parametrize("periods", [-1, 0, 1])
def test_the_codes_around_now_count_and_no_others(secret, periods):
    with time_machine.travel(1_800_000_015, tick=False):
        good = start_signing_in()
        assert good.post("/sign-in/code", {"code": code_of(secret, periods=periods)}).status_code == 302
        bad = start_signing_in()
        assert bad.post("/sign-in/code", {"code": code_of(secret, periods=2)}).status_code == 422


def test_a_code_counts_once_as_long_as_it_is_around(secret):
    with time_machine.travel(1_800_000_001, tick=False) as clock:
        code = code_of(secret, periods=1)
        assert start_signing_in().post("/sign-in/code", {"code": code}).status_code == 302
        for seconds in (0, 35, 20):
            clock.shift(seconds)
            assert start_signing_in().post("/sign-in/code", {"code": code}).status_code == 422


@pytest.mark.parametrize("written", ["{0} {1}", "{0}-{1}", "{0}{1}.", ".{0}{1}"])
def test_a_code_written_otherwise_is_the_same_code(secret, written):
    with time_machine.travel(1_800_000_001, tick=False) as clock:
        code = code_of(secret)
        assert start_signing_in().post("/sign-in/code", {"code": code}).status_code == 302
        clock.shift(32)
        again = written.format(code[:3], code[3:])
        assert start_signing_in().post("/sign-in/code", {"code": again}).status_code == 422


def test_the_challenge_needs_the_password_first(secret):
    assert Client().get("/sign-in/code")["Location"] == "/sign-in"
    assert Client().post("/sign-in/code", {"code": code_of(secret)})["Location"] == "/sign-in"


def test_recovery_codes_are_shown_once_can_be_kept_as_a_file_and_each_works_once(secret, browser):
    answer = browser.get("/account/recovery-codes")
    page = answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    codes = re.search(r'<output id="codes"[^>]*>([0-9 ]+)</output>', page)[1].split()
    assert len(set(codes)) == 10
    assert f'href="data:text/plain;charset=utf-8,{"%0A".join(codes)}%0A"' in page
    again = browser.get("/account/recovery-codes").content.decode()
    assert "10 codes left" in again
    assert not any(code in again for code in codes)

    client = start_signing_in()
    assert "Recovery code" in client.get("/sign-in/code?recovery=1").content.decode()
    assert client.post("/sign-in/code?recovery=1", {"code": codes[3]}).status_code == 302
    assert is_signed_in(client)
    assert verbs()[-2:] == ["account.recovery_code_used", "account.signed_in"]
    assert start_signing_in().post("/sign-in/code", {"code": codes[3]}).status_code == 422
    assert "9 of 10 left" in browser.get("/account").content.decode()


def test_new_recovery_codes_end_the_old_ones(secret, browser):
    old = recovery_codes(browser)
    assert browser.post("/account/recovery-codes/new")["Location"] == "/account/recovery-codes"
    assert set(recovery_codes(browser)).isdisjoint(old)
    assert start_signing_in().post("/sign-in/code", {"code": old[0]}).status_code == 422
    assert "account.recovery_codes_made" in verbs()


def test_making_new_codes_without_a_second_factor_is_refused(browser):
    browser.post("/account/confirm?next=/account", {"password": PASSWORD})
    assert browser.post("/account/recovery-codes/new").status_code == 422
    assert "account.recovery_codes_made" not in verbs()


def test_turning_it_off_asks_who_it_is_and_removes_everything(secret, browser, mina):
    client = start_signing_in()
    client.post("/sign-in/code", {"code": code_of(secret, periods=1)})
    assert client.post("/account/second-factor/off")["Location"].startswith("/account/confirm")
    assert Authenticator.objects.count() == 2
    client.post("/account/confirm?next=/account", {"password": PASSWORD})
    assert "stop working" in client.get("/account/second-factor/off").content.decode()
    assert client.post("/account/second-factor/off").status_code == 302
    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.get(verb="account.second_factor_disabled").actor_id == mina.pk
    assert is_signed_in(client)


def test_turning_it_on_ends_the_sessions_that_the_password_alone_opened(browser, mina):
    elsewhere = Client()
    elsewhere.post("/sign-in", {"login": mina.email, "password": PASSWORD})
    assert is_signed_in(elsewhere)
    browser.post("/account/confirm?next=/account", {"password": PASSWORD})
    key = secret_on(browser.get("/account/second-factor/on").content.decode())
    browser.post("/account/second-factor/on", {"code": "000000"})
    assert is_signed_in(elsewhere)
    browser.post("/account/second-factor/on", {"code": code_of(key)})
    assert is_signed_in(browser)
    assert not is_signed_in(elsewhere)
    assert AuditEvent.objects.get(verb="account.other_sessions_revoked").after == {"ended": 1}


def test_an_operator_cannot_turn_it_off_where_it_is_needed(secret, browser, mina, settings):
    settings.OPERATORS_NEED_SECOND_FACTOR = True
    User.objects.update(is_staff=True)
    assert "Operators need a second factor here" in browser.get("/account/second-factor/off").content.decode()
    assert browser.post("/account/second-factor/off").status_code == 422
    assert Authenticator.objects.count() == 2
    assert "account.second_factor_disabled" not in verbs()


def test_one_can_also_confirm_with_a_code(secret, browser):
    # No period may end between the two codes: the code before would be that which turned it on, and is used
    with time_machine.travel(clock.now() + timedelta(minutes=5), tick=False):
        client = start_signing_in()
        client.post("/sign-in/code", {"code": code_of(secret)})
        assert client.post("/account/confirm/code?next=/account", {"code": "000000"}).status_code == 422
        client.post("/account/confirm/code?next=/account", {"code": code_of(secret, periods=-1)})
        assert client.get("/account/second-factor/off").status_code == 200


def test_neither_the_key_nor_the_recovery_codes_are_in_a_dump_of_the_database(secret, browser):
    codes = recovery_codes(browser)
    browser.post("/account/recovery-codes/new")
    with connection.cursor() as cursor:
        cursor.execute("SELECT session_data FROM accounts_session")
        sessions = [row[0] for row in cursor.fetchall()]
    from django.core import signing

    assert sessions
    kept = [str(signing.loads(each, salt="django.contrib.sessions.SessionStore")) for each in sessions]
    dump = whole_database() + "".join(kept).encode()
    assert b"mina@tidewater.example" in dump
    for trace in (secret, *codes):
        assert trace.encode() not in dump


def test_somebody_elses_second_factor_does_not_open_in_ones_own_account(secret, mina):
    thief = User.objects.create_user("thief@tidewater.example", PASSWORD)
    stolen = Authenticator.objects.get(user=mina, type="totp").data
    Authenticator.objects.create(user=thief, type="totp", data=stolen)
    client = start_signing_in("thief@tidewater.example")
    with pytest.raises(CantOpen):
        client.post("/sign-in/code", {"code": code_of(secret, periods=1)})
    assert not is_signed_in(client)


def test_a_new_encryption_key_reaches_the_second_factor(secret, browser, settings, capsys):
    from apps.core.crypto.keys import keyring

    ring = keyring()
    import base64

    old = f"{ring.current_id}:{base64.b64encode(ring.current).decode()}"
    new = new_key("new")
    settings.ENCRYPTION_KEYS = f"{new},{old}"
    codes = recovery_codes(browser)
    call_command("reencrypt")
    assert "Second factors: 2 moved to the current key" in capsys.readouterr().out
    settings.ENCRYPTION_KEYS = new
    call_command("reencrypt", "--check")
    assert "Second factors: 2 under new" in capsys.readouterr().out
    assert start_signing_in().post("/sign-in/code", {"code": code_of(secret, periods=1)}).status_code == 302
    assert start_signing_in().post("/sign-in/code", {"code": codes[0]}).status_code == 302
