"""How long a refused sign-in takes: for an address that somebody has, and for one that nobody has.

Whoever tries addresses must not learn from the time which of them have an account. Each round asks for all kinds once,
in an order drawn anew, through every middleware and with the password hashing of production. What chance alone does
to the difference is drawn from the same measurements: pairs that mean nothing are as often the other way round.

python -m benchmarks.sign_in
"""

import random
import statistics
import time
from itertools import count
from typing import Any

from benchmarks.harness import record, scratch_database

ROUNDS = 100
WARM_UP = 5
DRAWS = 2000
# So seldom chance alone says that two equal kinds differ
CHANCE = 0.001
NOBODY = "nobody"
WRONG = "a-wrong-password-4711"


def main() -> None:
    import django

    django.setup()
    from django.conf import settings

    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["testserver"]
    with scratch_database():
        seconds = measure(make_people())
    baseline = seconds[NOBODY]
    for kind, taken in seconds.items():
        if kind == NOBODY:
            continue
        apart, by_chance = compare(taken, baseline)
        record(
            name=f"sign-in refused: {kind}, against {NOBODY}",
            value=statistics.median(taken) * 1000,
            unit="ms",
            baseline=statistics.median(baseline) * 1000,
            goal=f"{apart * 1000:+.2f} ms, chance {by_chance * 1000:.2f}",
            holds=abs(apart) <= by_chance,
        )


def make_people() -> dict[str, list[str]]:
    """Addresses of each kind, one for each round, as a limit on tries stands before one account."""
    from django.contrib.auth.hashers import make_password

    from apps.accounts.models import User

    password = make_password("the-right-password-0815")
    kinds: dict[str, dict[str, Any]] = {
        "an account": {"password": password},
        "an account without a password": {"password": make_password(None)},
        "an inactive account": {"password": password, "is_active": False},
    }
    addresses = {NOBODY: [f"nobody-{number}@bench.example" for number in range(WARM_UP + ROUNDS)]}
    for place, (kind, fields) in enumerate(kinds.items()):
        addresses[kind] = [f"person-{place}-{number}@bench.example" for number in range(WARM_UP + ROUNDS)]
        User.objects.bulk_create(User(email=email, **fields) for email in addresses[kind])
    return addresses


def measure(addresses: dict[str, list[str]]) -> dict[str, list[float]]:
    """Seconds of each try; each comes from a network of its own, so that no limit on places stands before it."""
    from django.test import Client

    client, places = Client(), count()
    seconds: dict[str, list[float]] = {kind: [] for kind in addresses}
    for turn in range(WARM_UP + ROUNDS):
        for kind in random.sample(list(addresses), len(addresses)):
            place = next(places)
            address = f"10.{place >> 8}.{place & 255}.1"
            body = {"login": addresses[kind][turn], "password": WRONG}
            began = time.perf_counter()
            answer = client.post("/sign-in", body, REMOTE_ADDR=address)
            taken = time.perf_counter() - began
            if answer.status_code != 422:
                raise SystemExit(f"The try was answered with {answer.status_code}; 422 is a refusal.")
            if turn >= WARM_UP:
                seconds[kind].append(taken)
    return seconds


def compare(taken: list[float], baseline: list[float]) -> tuple[float, float]:
    """How far the two are apart in the median of pairs, and how far chance alone takes them."""
    pairs = [one - other for one, other in zip(taken, baseline, strict=True)]
    drawn = sorted(abs(statistics.median(pair * random.choice((-1, 1)) for pair in pairs)) for _ in range(DRAWS))
    return statistics.median(pairs), drawn[int(DRAWS * (1 - CHANCE))]


if __name__ == "__main__":
    main()
