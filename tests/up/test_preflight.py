"""What is said about DATABASE_URL and the database behind it, and what is kept secret."""

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.core.up.declaration import UpError
from apps.core.up.preflight import check_database
from portal.env import database_from_url


def test_a_user_who_may_only_read_is_refused() -> None:
    url = str(settings.DATABASE_URL or settings.EMBEDDED_POSTGRES.url())
    check_database(url)
    with pytest.raises(UpError, match="may only read in the database"):
        check_database(f"{url}?options=-cdefault_transaction_read_only%3Don")


@pytest.mark.parametrize("password", ["half%zzopen", "two words"])
def test_a_password_that_cannot_be_read_is_not_quoted(password: str) -> None:
    with pytest.raises(UpError) as refusal:
        check_database(f"postgres://imp:{password}@127.0.0.1:9/imp")
    assert "can't be used" in str(refusal.value)
    assert password not in str(refusal.value)


def test_a_server_that_does_not_run_is_one_sentence_and_what_to_do() -> None:
    with pytest.raises(UpError) as refusal:
        check_database("postgres://imp:secret@127.0.0.1:9/imp")
    assert str(refusal.value).endswith(" failed: Connection refused. Check the address, or leave it unset.")


@pytest.mark.parametrize("password", ["open#sesame", "open/sesame", "open?sesame"])
def test_a_password_that_has_to_be_escaped_is_not_quoted_either(password: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="%23") as refusal:
        database_from_url(f"postgres://imp:{password}@127.0.0.1:9/imp")
    assert "open" not in str(refusal.value)
