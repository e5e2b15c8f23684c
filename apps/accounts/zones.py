"""Time zones to choose from, as `Area/City`, in the order of the area."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from apps.core import clock

AREAS = ("Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")
UTC = "UTC"


@dataclass(frozen=True)
class Zone:
    name: str
    offset: str

    @property
    def label(self) -> str:
        return f"{self.name.replace('_', ' ')}, {self.offset}" if self.name != UTC else UTC


@cache
def zone_names() -> frozenset[str]:
    """Those named after a place. The others are old spellings of them, or offsets that know no summer time."""
    return frozenset(name for name in available_timezones() if name.partition("/")[0] in AREAS) | {UTC}


def zones_by_area() -> Mapping[str, list[Zone]]:
    """Each with its distance from UTC this hour, which summer time changes."""
    return _zones_at(clock.now().replace(minute=0, second=0, microsecond=0))


# Every page of somebody's account shows them, and hundreds of files are read for it
@lru_cache(maxsize=1)
def _zones_at(moment: datetime) -> Mapping[str, list[Zone]]:
    found: dict[str, list[Zone]] = {"": [Zone(UTC, UTC)]}
    for name in sorted(zone_names() - {UTC}):
        found.setdefault(name.partition("/")[0], []).append(Zone(name, offset_of(name, moment)))
    return found


def offset_of(name: str, moment: datetime) -> str:
    """As `UTC+9`."""
    offset = moment.astimezone(ZoneInfo(name)).utcoffset()
    seconds = int(offset.total_seconds()) if offset else 0
    hours, minutes = divmod(abs(seconds) // 60, 60)
    if not seconds:
        return UTC
    return f"UTC{'+' if seconds > 0 else '−'}{hours}{f':{minutes:02d}' if minutes else ''}"
