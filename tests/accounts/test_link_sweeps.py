"""What stays of links and of sign-ups that nobody finished."""

from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from apps.accounts.models import MailedLink, SignUp, User
from apps.accounts.services.passwords import ask_for_password_link
from apps.accounts.services.sign_up import start_sign_up
from apps.accounts.sweeps import forget_links_and_unfinished_sign_ups
from apps.core import clock
from tests.accounts.mailbox import link_to

pytestmark = pytest.mark.django_db


def sweep_after(days: int) -> None:
    with time_machine.travel(clock.now() + timedelta(days=days), tick=False):
        forget_links_and_unfinished_sign_ups()


def test_a_sign_up_that_nobody_finished_is_gone_after_a_week_and_its_link_says_so(client: Client) -> None:
    start_sign_up(email="zoe@reyes.example", password="a-long-tide-4711", name="Zoë")
    sweep_after(6)
    assert SignUp.objects.exists()
    sweep_after(8)
    assert not SignUp.objects.exists()
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        page = client.get(link_to("zoe@reyes.example"), follow=True)
    assert page.status_code == 410
    assert "Send a new link" not in page.content.decode()


def test_links_are_gone_after_a_month(alice: User) -> None:
    ask_for_password_link(email=alice.email)
    sweep_after(29)
    assert MailedLink.objects.exists()
    sweep_after(31)
    assert not MailedLink.objects.exists()
    assert User.objects.filter(pk=alice.pk).exists()
