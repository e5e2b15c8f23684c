"""Everybody changes their own address, and nobody another's."""

from datetime import timedelta
from typing import Any

from django.db.models import F

from apps.accounts.models import MailedLink, User
from apps.accounts.problems import LinkEnded
from apps.accounts.services.emails import ask_to_change_email, cancel_email_change
from apps.accounts.services.resend import send_link_again
from apps.core.errors import Conflict
from tests.contracts.service import ServiceContract


class TestAskToChangeEmail(ServiceContract):
    watched = (MailedLink,)
    verb = "account.email_change_asked"
    covers = (ask_to_change_email,)
    allowed = ("alice", "bob", "charlie", "operator")
    refused = {}

    def make(self, alice: User, bob: User) -> None:
        return None

    def call(self, actor: User, row: Any) -> MailedLink:
        return ask_to_change_email(actor=actor, email=f"{actor.name}@reyes.example")


class TestCancelEmailChange(ServiceContract):
    watched = (MailedLink, User)
    verb = "account.email_change_cancelled"
    covers = (cancel_email_change,)
    refused = {"bob": Conflict, "charlie": Conflict, "operator": Conflict}

    def make(self, alice: User, bob: User) -> MailedLink:
        return ask_to_change_email(actor=alice, email="alice@reyes.example")

    def call(self, actor: User, row: MailedLink) -> None:
        cancel_email_change(actor=actor)


class TestSendLinkAgain(ServiceContract):
    """For a new address, its person alone; nobody else can bring back what was cancelled."""

    watched = (MailedLink,)
    verb = "account.link_sent_again"
    covers = (send_link_again,)
    refused = {"bob": LinkEnded, "charlie": LinkEnded, "operator": LinkEnded}

    def make(self, alice: User, bob: User) -> MailedLink:
        link = ask_to_change_email(actor=alice, email="alice@reyes.example")
        MailedLink.objects.update(created_at=F("created_at") - timedelta(minutes=2))
        return link

    def call(self, actor: User, row: MailedLink) -> MailedLink:
        return send_link_again(actor=actor, link=row)
