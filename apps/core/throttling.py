"""How many requests one person, or one address, may make: token buckets in this process's memory.

No SQL and no network, so it costs nothing worth counting; each process counts for itself. Guessing of passwords is
limited elsewhere, across processes.
"""

import ipaddress
import math
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

PERIODS = {"second": 1, "minute": 60, "hour": 3600}
MOST_KEYS = 20_000


@dataclass(frozen=True)
class Rate:
    """So many requests in so many seconds: a bucket holds `requests` and fills up evenly."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read `600/minute`."""
        match = re.fullmatch(r"([1-9][0-9]*)/(second|minute|hour)", text)
        if match is None:
            raise ImproperlyConfigured(f"{text!r} is no rate; write one as 600/minute (second, minute or hour).")
        return cls(int(match[1]), PERIODS[match[2]])


@dataclass(frozen=True)
class Allowance:
    """The answer to one request. Seconds are whole and rounded up, as headers want them."""

    allowed: bool
    limit: int
    remaining: int
    reset_after: int
    retry_after: int

    @property
    def headers(self) -> dict[str, str]:
        found = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset_after),
        }
        if not self.allowed:
            found["Retry-After"] = str(self.retry_after)
        return found


class Buckets:
    """A bucket for each key, the longest unused ones forgotten first when there are too many."""

    def __init__(self, rate: Rate, *, most_keys: int = MOST_KEYS, tick: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.most_keys = most_keys
        self.tick = tick
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> Allowance:
        capacity = self.rate.requests
        per_second = capacity / self.rate.seconds
        with self._lock:
            now = self.tick()
            tokens, since = self._buckets.get(key, (float(capacity), now))
            tokens = min(capacity, tokens + (now - since) * per_second)
            allowed = tokens >= 1
            if allowed:
                tokens -= 1
            self._buckets[key] = (tokens, now)
            self._buckets.move_to_end(key)
            if len(self._buckets) > self.most_keys:
                self._buckets.popitem(last=False)
        return Allowance(
            allowed=allowed,
            limit=capacity,
            remaining=int(tokens),
            reset_after=math.ceil((capacity - tokens) / per_second),
            retry_after=0 if allowed else max(1, math.ceil((1 - tokens) / per_second)),
        )

    def __len__(self) -> int:
        return len(self._buckets)


def take(scope: str, *, person_id: str | None, address: str) -> Allowance:
    """Count one request. `settings.THROTTLES` names the scopes, each with a rate for people and one for strangers."""
    if person_id:
        return _buckets(scope).take(person_id)
    return _buckets(f"{scope}:anonymous").take(_network(address))


@cache
def _buckets(scope: str) -> Buckets:
    try:
        return Buckets(Rate.parse(settings.THROTTLES[scope]))
    except KeyError:
        raise ImproperlyConfigured(f"settings.THROTTLES has no rate for {scope!r}.") from None


def forget_all() -> None:
    """Start from full buckets, with the rates as the settings have them now."""
    _buckets.cache_clear()


def _network(address: str) -> str:
    """One household has 2^64 addresses in IPv6: they share a bucket."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, 64), strict=False).network_address)
