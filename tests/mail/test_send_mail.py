"""A mail is written with what causes it, said in its reader's language, and handed over by a worker."""

from datetime import timedelta
from smtplib import SMTPRecipientsRefused, SMTPServerDisconnected
from typing import Any

import pytest
import time_machine
from django.core import mail as django_mail
from django.db import connection, transaction
from django.template import engines
from django.utils.translation import gettext_lazy as _

from apps.core import clock
from apps.core.errors import InvalidInput
from apps.core.mail import checked_address, public_url, send_mail
from apps.core.mail.html import linked
from apps.core.mail.models import OutgoingMail
from apps.core.mail.selectors import mails_by_id
from apps.core.mail.sweeps import forget_old_mails
from apps.core.queue.models import QueuedTask
from tests.tasks import run_due_tasks

pytestmark = pytest.mark.django_db

LINK = "https://console.example/link/s3cret-t0ken"
TEXT = "Hello {{ name }},\n\nthis was asked for on {{ day|default:'Monday' }}:\n\n{{ link }}\n\nThat's all.\n"


@pytest.fixture(autouse=True)
def _probe_template(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = engines["django"]
    found = engine.get_template

    def get_template(name: str) -> Any:
        return engine.from_string(TEXT) if name == "mail/probe.txt" else found(name)

    monkeypatch.setattr(engine, "get_template", get_template)


def send(**changes: Any) -> OutgoingMail:
    values: dict[str, Any] = {
        "to": "zoe@reyes.example",
        "subject": "News for %(name)s",
        "template": "probe",
        "context": {"name": "Zoë O'Hara & Sons", "link": LINK},
        "language": "en",
    }
    return send_mail(**{**values, **changes})


def again(mail: OutgoingMail) -> OutgoingMail:
    return OutgoingMail.objects.get(pk=mail.pk)


def test_a_worker_sends_what_was_written() -> None:
    mail = send()
    assert (mail.state, django_mail.outbox) == ("queued", [])
    assert run_due_tasks() == ["apps.core.mail.tasks.deliver_mail"]
    (sent,) = django_mail.outbox
    assert (sent.to, sent.subject) == (["zoe@reyes.example"], "News for Zoë O'Hara & Sons")
    assert sent.body.startswith("Hello Zoë O'Hara & Sons,\n")
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    mail = again(mail)
    assert (mail.state, mail.attempts, mail.reason) == ("sent", 1, "")
    assert mail.sent_at is not None


def test_html_says_the_same_and_the_lone_address_is_a_button() -> None:
    send(context={"name": "<script>x</script>", "link": LINK})
    run_due_tasks()
    html, kind = django_mail.outbox[0].alternatives[0]
    assert kind == "text/html"
    assert "&lt;script&gt;x&lt;/script&gt;" in html
    assert "<script" not in html
    assert html.count(f'href="{LINK}"') == 2
    assert "That&#x27;s all." in html


def test_html_escapes_what_stands_before_in_and_after_an_address() -> None:
    told = linked('<b> & https://x.example/?a=1&b="2" <i>\nend')
    assert told == (
        '&lt;b&gt; &amp; <a href="https://x.example/?a=1&amp;b=&quot;2&quot;">https://x.example/?a=1&amp;b=&quot;2&quot;</a>'
        " &lt;i&gt;<br>\nend"
    )


def test_what_is_rolled_back_was_never_written() -> None:
    with transaction.atomic():
        send()
        transaction.set_rollback(True)
    assert not OutgoingMail.objects.exists()
    assert not QueuedTask.objects.exists()


def test_the_text_lies_sealed_and_in_no_task() -> None:
    mail = send()
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM core_outgoingmail")
        stored = bytes(cursor.fetchone()[0])
    assert b"s3cret" not in stored
    assert "s3cret" in mail.text.reveal()
    assert QueuedTask.objects.get().arguments == {"mail_id": mail.pk}


def test_it_speaks_the_readers_language_and_falls_back_to_ours() -> None:
    assert send(subject=_("Sign out"), language="ko").subject == "로그아웃"
    unknown = send(subject=_("Sign out"), language="xx")
    assert (unknown.subject, unknown.language) == ("Sign out", "en")


def test_a_chosen_name_adds_no_line_to_the_text_and_no_header() -> None:
    mail = send(context={"name": "Zoë\n\nhttps://evil.example\r\nBcc: all@reyes.example", "link": LINK})
    assert "\n" not in mail.subject
    assert mail.text.reveal().splitlines()[0].startswith("Hello Zoë https://evil.example Bcc:")


def test_a_second_run_sends_nothing_twice() -> None:
    from apps.core.mail.tasks import deliver_mail

    mail = send()
    run_due_tasks()
    deliver_mail(mail.pk)
    assert len(django_mail.outbox) == 1


def test_without_a_mail_server_it_is_kept(settings: Any) -> None:
    settings.EMAIL_BACKEND = "apps.core.mail.backends.KeepingBackend"
    mail = send()
    run_due_tasks()
    assert again(mail).state == "kept"


class Server:
    """A mail server that raises what it's told to, then takes the mail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *errors: Exception) -> None:
        self.errors = list(errors)
        self.taken = 0
        monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", self.send)

    def send(self, messages: Any) -> int:
        if self.errors:
            raise self.errors.pop(0)
        self.taken += len(messages)
        return len(messages)


def test_a_server_that_is_away_is_tried_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, SMTPServerDisconnected("gone"), ConnectionRefusedError(111, "refused"))
    mail = send()
    run_due_tasks()
    assert (again(mail).state, again(mail).attempts) == ("queued", 1)
    assert "gone" in again(mail).reason
    assert run_due_tasks() == []
    with time_machine.travel(clock.now() + timedelta(seconds=15), tick=False):
        run_due_tasks()
    assert again(mail).attempts == 2
    with time_machine.travel(clock.now() + timedelta(minutes=3), tick=False):
        run_due_tasks()
    assert (again(mail).state, again(mail).reason, server.taken) == ("sent", "", 1)


def test_after_the_last_try_it_has_failed_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    Server(monkeypatch, *(OSError("no route to smtp://mailer:hunter2@mx.example") for _ in range(9)))
    mail = send()
    for hours in range(6):
        with time_machine.travel(clock.now() + timedelta(hours=hours), tick=False):
            run_due_tasks()
    assert (again(mail).state, again(mail).attempts) == ("failed", 5)
    assert "no route" in again(mail).reason
    assert "hunter2" not in again(mail).reason
    assert not QueuedTask.objects.exists()


def test_an_address_that_is_refused_for_good_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    Server(monkeypatch, SMTPRecipientsRefused({"zoe@reyes.example": (550, b"No such user")}))
    mail = send()
    run_due_tasks()
    assert (again(mail).state, again(mail).reason) == ("failed", "550 No such user")


def test_an_address_that_cannot_be_written_into_a_mail_fails_at_once() -> None:
    mail = send(to="İ" * 60 + "@reyes.example")
    run_due_tasks()
    assert (again(mail).state, again(mail).reason[:10]) == ("failed", "ValueError")


@pytest.mark.parametrize(
    "written", ["ſoe@reyes.example", "zıe@reyes.example", "İ@reyes.example", '"\x01"@reyes.example', "zoe", "zoe@", ""]
)
def test_what_no_mail_could_go_to_is_no_address(written: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        checked_address(written)
    assert list(caught.value.fields) == ["email"]


def test_an_address_is_kept_in_small_letters_and_no_longer_than_its_column() -> None:
    assert checked_address("  Zoe+News@Reyes.Example ") == "zoe+news@reyes.example"
    assert checked_address("a@пример.рф") == "a@пример.рф"
    with pytest.raises(InvalidInput):
        checked_address("z" * 241 + "@reyes.example")


def test_an_address_that_is_refused_for_now_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    Server(monkeypatch, SMTPRecipientsRefused({"zoe@reyes.example": (451, b"Greylisted")}))
    mail = send()
    run_due_tasks()
    assert (again(mail).state, again(mail).reason) == ("queued", "451 Greylisted")


def test_after_a_month_it_is_forgotten() -> None:
    old, young = send(), send()
    OutgoingMail.objects.filter(pk=old.pk).update(created_at=clock.now() - timedelta(days=31))
    OutgoingMail.objects.filter(pk=young.pk).update(created_at=clock.now() - timedelta(days=29))
    forget_old_mails()
    assert list(OutgoingMail.objects.all()) == [young]


def test_what_became_of_several_is_one_query(django_assert_num_queries: Any) -> None:
    mails = [send(), send()]
    with django_assert_num_queries(1):
        found = mails_by_id([mails[0].pk, "", mails[1].pk, "mail_gone"])
        assert [found[each.pk].state for each in mails] == ["queued", "queued"]
    assert len(found) == 2
    with django_assert_num_queries(0):
        assert mails_by_id([""]) == {}


def test_links_lead_where_the_settings_say(settings: Any) -> None:
    settings.PUBLIC_URL = "https://console.example/"
    assert public_url("/link/x") == "https://console.example/link/x"
