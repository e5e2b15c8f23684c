"""How long a password has to be: wherever one is chosen the same, and asked of nobody who has one."""

import re
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.password_validation import validate_password
from django.test import Client
from django.utils import translation

from apps.accounts import demo, services
from apps.accounts.admin import NewPersonForm
from apps.accounts.forms import PasswordForm
from apps.accounts.models import User
from apps.accounts.views.base import new_password_field
from apps.core.errors import InvalidInput
from apps.tenants.forms import JoinForm
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db

SHORT, LONG_ENOUGH = "tide-4711-a", "tide-4711-ab"


def test_twelve_characters_are_enough_and_eleven_are_not(mina: User) -> None:
    assert (len(SHORT), len(LONG_ENOUGH)) == (11, 12)
    register = {"email": "zoe@reyes.example", "name": "Zoë"}
    with pytest.raises(InvalidInput) as refused:
        services.register_person(**register, password=SHORT)
    assert "at least 12 characters" in str(refused.value.fields["password"])
    assert services.register_person(**register, password=LONG_ENOUGH).check_password(LONG_ENOUGH)


def test_whoever_has_a_shorter_one_still_signs_in_and_chooses_a_longer_one(client: Client) -> None:
    User.objects.create_user("early@tidewater.example", "tide-4711-")
    answer = client.post("/sign-in", {"login": "early@tidewater.example", "password": "tide-4711-"})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    values = {"oldpassword": "tide-4711-", "password1": SHORT, "password2": SHORT}
    refused = client.post("/account/password", values)
    assert refused.status_code == 422
    assert "at least 12 characters" in refused.content.decode()
    values |= {"password1": LONG_ENOUGH, "password2": LONG_ENOUGH}
    assert client.post("/account/password", values).status_code == 302


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_hint_says_what_is_asked(mina: User, language: str) -> None:
    rules = {rule["NAME"].rpartition(".")[2]: rule.get("OPTIONS", {}) for rule in settings.AUTH_PASSWORD_VALIDATORS}
    length = rules["MinimumLengthValidator"]["min_length"]
    fields: list[Any] = [
        PasswordForm(mina).fields["password1"],
        new_password_field("Password"),
        NewPersonForm().fields["password"],
        JoinForm().fields["password"],
    ]
    with translation.override(language):
        assert [re.findall(r"\d+", str(field.help_text)) for field in fields] == [[str(length)]] * 4


def test_the_demos_password_would_be_taken(mina: User) -> None:
    for person in demo.PEOPLE.values():
        validate_password(demo.PASSWORD, User(email=person.email, name=person.name))
    validate_password(PASSWORD, mina)
