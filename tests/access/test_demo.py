"""The demo's tokens: one in each state, none that lets anybody in, made once."""

import pytest

from apps.access import demo
from apps.access.models import AccessToken
from apps.accounts import demo as people
from apps.accounts.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _loaded() -> None:
    people.load_all()


def test_each_state_is_there_to_be_seen() -> None:
    tokens = {token.name: token for token in AccessToken.objects.select_related("tenant")}
    assert set(tokens) == {each.name for each in demo.TOKENS}
    assert tokens["MacBook CLI"].may_everything
    assert tokens["MacBook CLI"].tenant is None
    assert tokens["한빛 점검"].state == AccessToken.State.ENDED
    assert tokens["release-bot"].last_used_at is None
    assert all(token.secret is None for token in tokens.values())


def test_it_waits_for_its_person_and_makes_them_once() -> None:
    assert demo.load() == ""
    AccessToken.objects.filter(name="release-bot").delete()
    assert demo.load() == ""
    User.objects.filter(email=demo.SOOJIN).delete()
    assert demo.load() == ""
