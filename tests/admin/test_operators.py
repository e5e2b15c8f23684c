"""The operators' admin: who gets in and how, what they may do, that all of it goes through services."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.audit.services import SYSTEM, Target, record
from tests.people import PASSWORD

pytestmark = pytest.mark.django_db


# --- The door --------------------------------------------------------------------------------------


def test_a_visitor_signs_in_on_the_consoles_page_and_comes_back(client, operator):
    answer = client.get("/admin/accounts/user/?q=x")
    assert answer["Location"] == "/sign-in?next=/admin/accounts/user/%3Fq%3Dx"
    answer = client.post(answer["Location"], {"login": operator.email, "password": PASSWORD, "next": "/admin/"})
    assert answer["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_the_admins_own_sign_in_form_is_not_there(client, operator):
    assert client.get("/admin/login/")["Location"] == "/sign-in?next=%2Fadmin%2F"
    answer = client.post("/admin/login/?next=https://evil.example/", {"username": operator.email, "password": PASSWORD})
    assert answer["Location"] == "/sign-in?next=%2Fadmin%2F"
    assert client.get("/admin/").status_code == 302


def test_someone_who_is_no_operator_is_refused_and_told_the_role(client, alice):
    client.force_login(alice)
    answer = client.get("/admin/")
    assert answer.status_code == 403
    assert "sre-operator" in answer.content.decode()


def test_where_it_is_required_an_operator_without_a_second_factor_sets_one_up_first(
    settings, admin_of_operator, operator
):
    settings.OPERATORS_NEED_SECOND_FACTOR = True
    for path in ("/admin/", "/admin/accounts/user/", "/admin/jsi18n/"):
        answer = admin_of_operator.get(path)
        assert answer.status_code == 403
        page = answer.content.decode()
        assert '<h1 id="problem-title">Set up a second factor first</h1>' in page
        assert '<a class="btn is-primary" href="/account/second-factor/on">Set up a second factor</a>' in page
    Authenticator.objects.create(user=operator, type="recovery_codes", data={})
    assert admin_of_operator.get("/admin/").status_code == 403
    Authenticator.objects.create(user=operator, type="totp", data={})
    assert admin_of_operator.get("/admin/").status_code == 200


def test_signing_out_of_the_admin_is_signing_out(admin_of_operator, operator):
    assert admin_of_operator.post("/admin/logout/")["Location"] == "/sign-in"
    assert admin_of_operator.get("/admin/").status_code == 302
    assert AuditEvent.objects.get(verb="account.signed_out").actor_id == operator.pk
    assert admin_of_operator.get("/admin/password_change/").status_code == 302


# --- The frame -------------------------------------------------------------------------------------


def test_only_our_own_pages_are_registered():
    assert admin.site._registry
    for model_admin in admin.site._registry.values():
        assert type(model_admin).__module__.startswith(("apps.", "portal.")), model_admin


@pytest.mark.parametrize(("theme", "written"), [("system", "auto"), ("dark", "dark"), ("light", "light")])
def test_it_has_our_brand_and_the_accounts_theme(admin_of_operator, operator, theme, written):
    User.objects.filter(pk=operator.pk).update(theme=theme)
    page = admin_of_operator.get("/admin/").content.decode()
    assert f'class="{written}"' in page.partition("<head>")[0]
    assert re.search(r'<link rel="icon"\s+href="/static/logo-\w+\.svg"\s+type="image/svg\+xml"', page)
    assert "Imp Gateway" in page
    assert 'href="/"' in page
    assert "Back to the console" in page


def test_no_inline_script_or_style_is_in_its_pages_and_the_policy_forbids_them(admin_of_yuna, yuna, alice):
    record(actor=yuna, verb="person.changed", target=alice)
    event = AuditEvent.objects.get()
    paths = [
        "/admin/",
        "/admin/accounts/user/",
        f"/admin/accounts/user/{alice.pk}/change/",
        "/admin/accounts/user/add/",
    ]
    paths += ["/admin/audit/auditevent/", f"/admin/audit/auditevent/{event.pk}/change/", "/admin/mfa/authenticator/"]
    for path in paths:
        answer = admin_of_yuna.get(path)
        assert answer.status_code == 200, path
        page = answer.content.decode()
        assert not re.search(r"<style|<script(?![^>]*\bsrc=)(?![^>]*application/json)|\sstyle=|\son[a-z]+=", page), path
        policy = dict(part.split(" ", 1) for part in answer["Content-Security-Policy"].split("; "))
        assert policy["script-src"] == "'self' 'unsafe-eval'"
        assert policy["style-src"] == "'self'"


def test_the_consoles_own_pages_allow_no_eval(admin_of_operator):
    assert "unsafe" not in admin_of_operator.get("/account")["Content-Security-Policy"]


# --- People ----------------------------------------------------------------------------------------

NEW = {"email": "zoe@reyes.example", "name": "Zoë", "password": "a-long-tide-4711", "language": "ko"}


def test_an_administrator_makes_an_account(admin_of_yuna, yuna):
    answer = admin_of_yuna.post("/admin/accounts/user/add/", NEW)
    made = User.objects.get(email="zoe@reyes.example")
    assert answer.status_code == 302
    assert (made.name, made.language, made.is_staff, made.check_password(NEW["password"])) == ("Zoë", "ko", False, True)
    assert AuditEvent.objects.get(verb="person.created").actor_id == yuna.pk
    assert not LogEntry.objects.exists()


def test_what_a_service_refuses_is_said_and_nothing_is_made(admin_of_yuna):
    answer = admin_of_yuna.post("/admin/accounts/user/add/", {**NEW, "password": "short"}, follow=True)
    assert "password: This password is too short." in answer.content.decode()
    assert not User.objects.filter(email="zoe@reyes.example").exists()
    assert not AuditEvent.objects.filter(verb="person.created").exists()


def test_an_administrator_changes_an_account_and_only_the_difference_is_written_down(admin_of_yuna, alice):
    fields = {"email": alice.email, "name": "Alice Liddell", "is_staff": "on"}
    admin_of_yuna.post(f"/admin/accounts/user/{alice.pk}/change/", fields)
    event = AuditEvent.objects.get(verb="person.changed")
    assert event.before == {"name": "Alice", "is_staff": False}
    assert event.after == {"name": "Alice Liddell", "is_staff": True}


def test_no_password_is_shown_not_even_its_hash(admin_of_yuna, alice):
    page = admin_of_yuna.get(f"/admin/accounts/user/{alice.pk}/change/").content.decode()
    assert alice.password not in page
    assert "md5" not in page
    assert 'name="password"' not in page


def act(client: Client, action: str, *people: User):
    fields = {"action": action, "_selected_action": [person.pk for person in people], "index": "0"}
    return client.post("/admin/accounts/user/", fields, follow=True).content.decode()


def test_several_are_deactivated_at_once_except_oneself(admin_of_yuna, yuna, alice, bob):
    page = act(admin_of_yuna, "deactivate", alice, bob, yuna)
    assert "2 deactivated." in page
    assert "deactivate your own account" in page
    assert set(User.objects.filter(is_active=False)) == {alice, bob}
    assert AuditEvent.objects.filter(verb="person.deactivated").count() == 2
    assert "1 reactivated." in act(admin_of_yuna, "reactivate", alice)


def test_somebody_who_lost_everything_gets_the_second_factor_reset(admin_of_yuna, alice, bob):
    for kind in ("totp", "recovery_codes"):
        Authenticator.objects.create(user=alice, type=kind, data={"secret": "sealed", "used_mask": 0})
    page = act(admin_of_yuna, "reset_second_factor", alice, bob)
    assert "1 reset." in page
    assert "Bob has no second factor." in page
    assert not Authenticator.objects.exists()
    assert AuditEvent.objects.get(verb="person.second_factor_reset").target_id == alice.pk


def test_nobody_is_ever_deleted(admin_of_yuna, alice):
    assert admin_of_yuna.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}).status_code == 403
    assert "delete_selected" not in admin_of_yuna.get("/admin/accounts/user/").content.decode()
    assert User.objects.filter(pk=alice.pk).exists()


def test_an_operator_sees_people_and_changes_none(admin_of_operator, alice):
    assert "alice@tidewater.example" in admin_of_operator.get("/admin/accounts/user/").content.decode()
    assert admin_of_operator.get("/admin/accounts/user/add/").status_code == 403
    change = f"/admin/accounts/user/{alice.pk}/change/"
    assert admin_of_operator.get(change).status_code == 200
    assert admin_of_operator.post(change, {"email": alice.email, "name": "X"}).status_code == 403
    assert "deactivated." not in act(admin_of_operator, "deactivate", alice)
    alice.refresh_from_db()
    assert (alice.name, alice.is_active) == ("Alice", True)
    assert not AuditEvent.objects.exists()


# --- What can only be looked at --------------------------------------------------------------------


@pytest.fixture
def event(yuna: User) -> AuditEvent:
    return record(actor=yuna, verb="person.created", target=Target("user", "usr_1", "Zoë"), after={"name": "Zoë"})


def test_the_audit_log_can_be_read_and_filtered_and_not_touched(admin_of_yuna, event):
    record(actor=SYSTEM, verb="account.signed_in", target=Target("user"))
    page = admin_of_yuna.get("/admin/audit/auditevent/?verb=person.created").content.decode()
    assert "Created the account of Zoë" in page
    assert "account.signed_in</td>" not in page
    page = admin_of_yuna.get(f"/admin/audit/auditevent/{event.pk}/change/").content.decode()
    assert "Zoë" in page
    assert 'name="_save"' not in page
    for path in ("add/", f"{event.pk}/delete/", f"{event.pk}/change/"):
        assert admin_of_yuna.post(f"/admin/audit/auditevent/{path}", {"verb": "x"}).status_code == 403


def test_second_factors_are_visible_without_what_they_hold(admin_of_yuna, alice):
    kept = Authenticator.objects.create(user=alice, type="totp", data={"secret": "c2VhbGVk"})
    assert "Alice" in admin_of_yuna.get("/admin/mfa/authenticator/").content.decode()
    page = admin_of_yuna.get(f"/admin/mfa/authenticator/{kept.pk}/change/").content.decode()
    assert "c2VhbGVk" not in page
    assert admin_of_yuna.post(f"/admin/mfa/authenticator/{kept.pk}/delete/").status_code == 403


@pytest.mark.parametrize("name", sorted(f"{m._meta.app_label}_{m._meta.model_name}" for m in admin.site._registry))
def test_every_list_opens_for_an_operator_in_few_queries(admin_of_operator, name, django_assert_max_num_queries):
    with django_assert_max_num_queries(14):
        assert admin_of_operator.get(reverse(f"admin:{name}_changelist")).status_code == 200
