"""/mails is there while developing and nowhere else; operators see what became of a mail, not its text."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.accounts.services.passwords import ask_for_password_link
from apps.accounts.services.sign_up import start_sign_up
from apps.core.mail.models import OutgoingMail
from apps.core.mail.selectors import may_see_mails
from tests.accounts.mailbox import link_to, newest_mail
from tests.tasks import run_due_tasks
from tests.web.htmx import HTMX

pytestmark = pytest.mark.django_db

ZOE = "zoe@reyes.example"


@pytest.fixture
def developing(settings: Any) -> None:
    settings.DEBUG = True


@pytest.fixture
def mail() -> OutgoingMail:
    start_sign_up(email=ZOE, password="a-long-tide-4711", name="Zoë")
    return newest_mail(ZOE)


@pytest.mark.parametrize("path", ["/mails", "/mails/{id}"])
def test_outside_of_development_they_do_not_exist(
    client: Client, operator: User, mail: OutgoingMail, path: str
) -> None:
    client.force_login(operator)
    assert client.get(path.format(id=mail.pk)).status_code == 404
    assert not may_see_mails(operator, "")


def test_a_visitor_finds_the_link_to_click(developing: None, client: Client, mail: OutgoingMail) -> None:
    path = link_to(ZOE)
    for page in (client.get("/mails"), client.get(f"/mails/{mail.pk}")):
        assert f'{path}">http' in page.content.decode()
        assert "no-store" in page["Cache-Control"]
    assert client.post("/mails").status_code == 405
    assert client.get("/mails/mail_nosuch").status_code == 404


def test_the_newest_comes_first_and_addresses_are_searched(
    developing: None, client: Client, mail: OutgoingMail, alice: User
) -> None:
    ask_for_password_link(email=alice.email)
    page = client.get("/mails").content.decode()
    assert page.index("alice@tidewater.example") < page.index(ZOE)
    found = client.get("/mails?q=REYES").content.decode()
    assert ZOE in found
    assert "alice@tidewater.example" not in found
    assert "No mail to such an address" in client.get("/mails?q=nobody").content.decode()


def test_the_empty_page_teaches(developing: None, client: Client) -> None:
    assert "No mails yet" in client.get("/mails").content.decode()


def test_a_refresh_brings_only_what_is_new(developing: None, client: Client, mail: OutgoingMail) -> None:
    import re

    page = client.get("/mails").content.decode()
    found = re.search(r'hx-get="(/mails\?known=[^"]+)"', page)
    assert found
    assert client.get(found[1], headers=HTMX).status_code == 204
    run_due_tasks()
    changed = client.get(found[1], headers=HTMX)
    assert changed.status_code == 200
    assert "<html" not in changed.content.decode()
    assert "HX-Request" in changed["Vary"]


def test_why_one_failed_stands_with_it(developing: None, client: Client, mail: OutgoingMail) -> None:
    OutgoingMail.objects.update(state="failed", reason="550 No such user", attempts=1)
    page = client.get("/mails").content.decode()
    assert "550 No such user" in page
    assert "Tried once." in page


def test_pages_lead_there_only_while_developing(client: Client, settings: Any) -> None:
    client.post("/sign-up", {"name": "Zoë", "email": ZOE, "password": "a-long-tide-4711"})
    assert "/mails" not in client.get("/sign-up/sent").content.decode()
    settings.DEBUG = True
    assert 'href="/mails?q=zoe%40reyes.example"' in client.get("/sign-up/sent").content.decode()


def test_operators_see_what_became_of_it_but_not_its_text(client: Client, operator: User, mail: OutgoingMail) -> None:
    client.force_login(operator)
    for path in ("/admin/core/outgoingmail/", f"/admin/core/outgoingmail/{mail.pk}/change/"):
        page = client.get(path)
        assert page.status_code == 200
        assert ZOE in page.content.decode()
        assert "/link/" not in page.content.decode()
