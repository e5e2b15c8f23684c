"""Name, language and theme: whose they are, what is written down, and that pages follow."""

import pytest
from django.test import Client

from apps.accounts import services
from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.errors import InvalidInput, NotAllowed, StaleVersion
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def changed() -> list[tuple[dict, dict]]:
    found = AuditEvent.objects.filter(verb="account.preferences_changed").order_by("at", "id")
    return list(found.values_list("before", "after"))


# --- Services --------------------------------------------------------------------------------------


def test_what_is_given_changes_and_only_that_is_written_down(mina):
    services.change_preferences(actor=mina, user=mina, name=" Mina Sørum ", theme="dark", language="en")
    mina.refresh_from_db()
    assert (mina.name, mina.theme, mina.language, mina.version) == ("Mina Sørum", "dark", "en", 2)
    assert changed() == [({"name": "Mina", "theme": "system"}, {"name": "Mina Sørum", "theme": "dark"})]


def test_what_is_the_same_already_writes_nothing(mina):
    services.change_preferences(actor=mina, user=mina, name="Mina", theme="system")
    mina.refresh_from_db()
    assert mina.version == 1
    assert changed() == []


def test_of_two_who_read_the_same_version_the_second_is_refused(mina):
    services.change_preferences(actor=mina, user=mina, version=1, name="First")
    stale = User.objects.get(pk=mina.pk)
    with pytest.raises(StaleVersion):
        services.change_preferences(actor=stale, user=stale, version=1, name="Second")
    assert User.objects.get().name == "First"
    assert len(changed()) == 1


@pytest.mark.parametrize(
    ("values", "field"), [({"language": "xx"}, "language"), ({"theme": "pink"}, "theme"), ({"name": "x" * 121}, "name")]
)
def test_what_is_not_offered_is_refused_by_field(mina, values, field):
    with pytest.raises(InvalidInput) as caught:
        services.change_preferences(actor=mina, user=mina, **values)
    assert list(caught.value.fields) == [field]
    assert changed() == []


def test_nobody_changes_somebody_elses(mina, operator):
    with pytest.raises(NotAllowed):
        services.change_preferences(actor=operator, user=mina, name="Yours")
    mina.refresh_from_db()
    assert mina.name == "Mina"
    assert changed() == []


# --- Pages -----------------------------------------------------------------------------------------


def test_the_language_of_the_account_goes_before_the_browsers(browser, mina):
    assert '<html lang="en"' in browser.get("/account", headers={"accept-language": "ko"}).content.decode()
    browser.post("/account/preferences", {"language": "ko"})
    page = browser.get("/account", headers={"accept-language": "en"})
    assert '<html lang="ko"' in page.content.decode()
    assert page["Content-Language"] == "ko"


def test_the_theme_of_the_account_is_in_the_page_as_the_server_sends_it(browser):
    assert "data-theme=" not in browser.get("/account").content.decode().partition("<head")[0]
    browser.post("/account/theme", {"theme": "dark"}, headers={"hx-request": "true"})
    assert 'data-theme="dark"' in browser.get("/account").content.decode().partition("<head")[0]


def test_the_quick_switches_answer_htmx_without_a_page(browser, mina):
    htmx = {"hx-request": "true"}
    theme = browser.post("/account/theme", {"theme": "light"}, headers=htmx)
    assert (theme.status_code, theme.content) == (204, b"")
    language = browser.post("/language", {"language": "ko"}, headers=htmx)
    assert (language.status_code, language["HX-Refresh"]) == (204, "true")
    mina.refresh_from_db()
    assert (mina.theme, mina.language) == ("light", "ko")
    assert len(changed()) == 2


def test_a_visitors_language_is_kept_in_a_cookie_and_leads_back(client, db):
    answer = client.post("/language", {"language": "ko", "next": "/sign-in?next=/audit"})
    assert answer["Location"] == "/sign-in?next=/audit"
    cookie = client.cookies["django_language"]
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    assert '<html lang="ko"' in client.get("/sign-in", headers={"accept-language": "en"}).content.decode()
    assert client.post("/language", {"language": "en", "next": "https://evil.example/"})["Location"] == "/sign-in"


def test_a_language_that_is_not_offered_changes_nothing(client, db):
    assert client.post("/language", {"language": "tlh"}).status_code == 422
    assert "django_language" not in client.cookies


def test_a_visitor_has_no_theme_to_keep(client, db):
    assert client.post("/account/theme", {"theme": "dark"}).status_code == 404


@pytest.mark.parametrize("path", ["/language", "/account/theme", "/account/preferences"])
def test_the_switches_take_posts_only(browser, path):
    assert browser.get(path).status_code == 405


def test_an_outdated_form_is_refused_and_shows_how_it_is_now(browser, mina):
    services.change_preferences(actor=mina, user=mina, name="Changed elsewhere")
    answer = browser.post("/account/preferences", {"version": "1", "name": "Mine"})
    page = answer.content.decode()
    assert answer.status_code == 412
    assert "Your account was changed in another window" in page
    assert 'value="Changed elsewhere"' in page
    assert User.objects.get().name == "Changed elsewhere"


def test_a_wrong_value_comes_back_at_its_field(browser):
    answer = browser.post("/account/preferences", {"name": "x" * 121})
    assert answer.status_code == 422
    assert "121" in answer.content.decode()


def test_the_name_can_be_emptied(browser, mina):
    browser.post("/account/preferences", {"name": ""})
    mina.refresh_from_db()
    assert mina.name == ""
    assert str(mina) == mina.email


# --- Password --------------------------------------------------------------------------------------

NEW = "another-long-tide-0815"


def change_password(client: Client, old: str = PASSWORD, new: str = NEW, again: str = NEW):
    return client.post("/account/password", {"oldpassword": old, "password1": new, "password2": again})


def test_a_new_password_signs_out_everywhere_else_and_is_written_down(browser, mina):
    elsewhere = Client()
    elsewhere.force_login(mina)
    assert change_password(browser)["Location"] == "/account#password"
    assert browser.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 302
    event = AuditEvent.objects.get(verb="account.password_changed")
    assert event.target_id == mina.pk
    assert NEW not in str(vars(event))
    mina.refresh_from_db()
    assert mina.check_password(NEW)
    assert "Changed" in browser.get("/account").content.decode()


def test_somebody_without_a_password_is_mailed_a_link_to_choose_one(browser, mina):
    mina.set_unusable_password()
    mina.save()
    browser.force_login(mina)
    assert change_password(browser)["Location"] == "/sign-in/forgot"
    assert browser.get("/account/password")["Location"] == "/sign-in/forgot"
    page = browser.get("/account").content.decode()
    assert "Choose a password" in page
    assert 'name="oldpassword"' not in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"old": "wrong"}, "This isn&#x27;t your password."),
        ({"again": "different-tide-0815"}, "same password"),
        ({"new": "short", "again": "short"}, "too short"),
        ({"new": "mina@tidewater.example", "again": "mina@tidewater.example"}, "too similar"),
    ],
)
def test_a_refused_password_says_why_and_changes_nothing(browser, mina, values, said):
    answer = change_password(browser, **values)
    assert answer.status_code == 422
    page = answer.content.decode()
    assert said in page
    for typed in values.values():
        assert f'value="{typed}"' not in page or "@" in typed
    mina.refresh_from_db()
    assert mina.check_password(PASSWORD)
    assert not AuditEvent.objects.filter(verb="account.password_changed").exists()
