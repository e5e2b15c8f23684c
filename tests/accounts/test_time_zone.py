"""Pages show times where the person is; programs get UTC."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from apps.accounts import services, zones
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import InvalidInput

pytestmark = pytest.mark.django_db


def test_a_page_shows_the_time_where_the_person_is(browser, mina):
    browser.post("/account/preferences", {"time_zone": "Asia/Seoul"})
    page = browser.get("/account").content.decode()
    assert "+09:00" in page
    assert '<option value="Asia/Seoul" selected>' in page
    assert timezone.get_current_timezone_name() == "UTC"
    event = AuditEvent.objects.get(verb="account.preferences_changed")
    assert (event.before, event.after) == ({"time_zone": "UTC"}, {"time_zone": "Asia/Seoul"})


def test_programs_get_utc(browser, mina):
    services.change_preferences(actor=mina, user=mina, time_zone="Asia/Seoul")
    created = browser.get("/v1/me").json()["created_at"]
    assert datetime.fromisoformat(created) == mina.created_at
    assert created.endswith("Z")


@pytest.mark.parametrize("name", ["Mars/Olympus", "", "EST5EDT", "../../etc/passwd", "posix/Asia/Seoul"])
def test_what_is_no_place_is_refused(browser, mina, name):
    with pytest.raises(InvalidInput) as caught:
        services.change_preferences(actor=mina, user=mina, time_zone=name)
    assert list(caught.value.fields) == ["time_zone"]
    assert browser.post("/account/preferences", {"time_zone": name}).status_code == 422


@pytest.mark.parametrize(
    ("name", "july", "january"),
    [
        ("Asia/Seoul", "UTC+9", "UTC+9"),
        ("Europe/Berlin", "UTC+2", "UTC+1"),
        ("America/St_Johns", "UTC−2:30", "UTC−3:30"),
        ("Africa/Abidjan", "UTC", "UTC"),
    ],
)
def test_the_distance_from_utc_is_that_of_today(monkeypatch, name, july, january):
    for month, expected in ((7, july), (1, january)):
        moment = datetime(2026, month, 15, tzinfo=UTC)
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        shown = {zone.name: zone.offset for area in zones.zones_by_area().values() for zone in area}
        assert shown[name] == expected


def test_zones_are_places_by_area():
    by_area = zones.zones_by_area()
    assert list(by_area)[:3] == ["", "Africa", "America"]
    assert [zone.label for zone in by_area[""]] == ["UTC"]
    assert "Asia/Seoul, UTC+9" in [zone.label for zone in by_area["Asia"]]
    assert all(zone.name in zones.zone_names() for area in by_area.values() for zone in area)
