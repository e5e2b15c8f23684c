"""The demo's people, and that they are offered only where anybody may be anybody."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from apps.accounts import demo
from apps.accounts.models import User
from apps.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def loaded(settings) -> None:
    settings.DEBUG = True
    demo.load()


def test_it_makes_the_people_once_and_writes_them_down(settings):
    settings.DEBUG = True
    out = StringIO()
    call_command("demo", stdout=out)
    call_command("demo", stdout=out)
    assert out.getvalue().startswith("14 people made.\n")
    assert out.getvalue().endswith("\nThe demo's world is there.\n")
    assert User.objects.count() == AuditEvent.objects.filter(verb="person.created").count() == 14
    soojin = User.objects.get(email="soojin@tidewater.example")
    assert (soojin.name, soojin.language, soojin.is_staff) == ("박수진", "ko", False)
    assert soojin.check_password("imp-gateway-demo")
    assert list(User.objects.filter(is_superuser=True).values_list("name", flat=True)) == ["Yuna Ortega"]


def test_a_second_run_asks_the_database_once(loaded, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert demo.load() == 0


def test_someone_changed_stays_changed_and_someone_missing_comes_back(loaded):
    User.objects.filter(email="ada@tidewater.example").update(name="Ada L.")
    User.objects.filter(email="claes@tidewater.example").delete()
    assert demo.load() == 1
    assert User.objects.get(email="ada@tidewater.example").name == "Ada L."


def test_outside_of_development_it_refuses_unless_forced():
    with pytest.raises(CommandError, match="The demo's password is public"):
        call_command("demo")
    assert not User.objects.exists()
    call_command("demo", "--force", stdout=StringIO())
    assert User.objects.count() == 14


def test_the_panel_offers_everyone_by_group_and_one_click_signs_in(loaded, client):
    page = client.get("/sign-in?next=/audit").content.decode()
    for group in demo.GROUPS:
        assert str(group.title) in page
        assert all(person.name in page for person in group.people)
    answer = client.post("/sign-in/demo", {"email": "henrike@greenmarket.example", "next": "/audit"})
    assert answer["Location"] == "/audit"
    assert AuditEvent.objects.get(verb="account.signed_in").actor_label == "Henrike Vos"


def test_only_the_demos_people_can_be_clicked(loaded, client, alice):
    assert client.post("/sign-in/demo", {"email": alice.email}).status_code == 404
    assert client.get("/sign-in/demo").status_code == 405
    assert client.get("/account").status_code == 302


def test_without_debug_the_panel_and_its_address_are_gone(loaded, client, settings):
    settings.DEBUG = False
    assert "Demo sign-ins" not in client.get("/sign-in").content.decode()
    assert client.post("/sign-in/demo", {"email": "henrike@greenmarket.example"}).status_code == 404


def test_without_the_people_the_panel_is_not_there(client, settings):
    settings.DEBUG = True
    assert "Demo sign-ins" not in client.get("/sign-in").content.decode()
    assert demo.demo_sign_ins() == []


def test_three_are_named_when_the_console_starts(loaded):
    assert demo.demo_sign_ins() == [
        ("soojin@tidewater.example", "imp-gateway-demo", "owner (Tidewater Freight, provider)"),
        ("henrike@greenmarket.example", "imp-gateway-demo", "owner (Greenmarket Grocers Cooperative, customer)"),
        ("yuna@imp.example", "imp-gateway-demo", "system-admin (Platform operations)"),
    ]
