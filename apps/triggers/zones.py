"""The time zones that one may choose: places, as the IANA database names them."""

from functools import cache
from zoneinfo import available_timezones

AREAS = (
    "Africa/", "America/", "Antarctica/", "Arctic/", "Asia/", "Atlantic/", "Australia/", "Europe/", "Indian/",
    "Pacific/",
)  # fmt: skip
UTC = "UTC"


@cache
def zone_names() -> tuple[str, ...]:
    return (UTC, *sorted(name for name in available_timezones() if name.startswith(AREAS)))


def is_zone(name: str) -> bool:
    return name in zone_names()
