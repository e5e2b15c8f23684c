import pytest
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model

from apps.accounts.sessions.store import SessionStore
from tests.events.live import Browser, LiveProcess
from tests.events.topics import declare_topics


@pytest.fixture(autouse=True)
def _topics():
    declare_topics()


@pytest.fixture
def person(transactional_db):
    """Makes people; each has signed in, and `.session` is their cookie."""

    def make(name: str, **fields):
        made = get_user_model().objects.create_user(f"{name}@example.com", "a long password", **fields)
        made.session = sign_in(made)
        return made

    return make


def sign_in(person) -> str:
    session = SessionStore()
    session[SESSION_KEY] = person.pk
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return session.session_key


@pytest.fixture
def alice(person):
    return person("alice")


@pytest.fixture
def bob(person):
    return person("bob")


@pytest.fixture(scope="module")
def live(django_db_setup, django_db_blocker, tmp_path_factory):
    """One live process for all the tests of a module; it outlives what they write."""
    with django_db_blocker.unblock():
        process = LiveProcess(tmp_path_factory.mktemp("live") / "log")
    yield process
    process.stop()


@pytest.fixture
def listen(live):
    """Opens a page of a person that listens to topics; all are closed in the end."""
    pages = []

    def open_page(person, *topics, **options):
        pages.append(Browser(live, person.session, *topics, **options))
        return pages[-1]

    yield open_page
    for page in pages:
        page.close()
