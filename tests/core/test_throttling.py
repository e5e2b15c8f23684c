"""Token buckets: so many at once, filling evenly, one for each person or address, and never too many of them."""

import threading

import pytest
from django.core.exceptions import ImproperlyConfigured

from apps.accounts.models import User
from apps.core import throttling
from apps.core.throttling import Buckets, Rate
from tests.contracts.api import assert_problem
from tests.people import Api


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_is_full_at_first_empties_and_fills_evenly() -> None:
    clock = Clock()
    buckets = Buckets(Rate(3, 60), tick=clock)
    assert [buckets.take("a").remaining for _ in range(3)] == [2, 1, 0]
    refused = buckets.take("a")
    assert (refused.allowed, refused.remaining, refused.retry_after, refused.reset_after) == (False, 0, 20, 60)
    assert refused.headers["Retry-After"] == "20"
    clock.now += 19.9
    assert not buckets.take("a").allowed
    clock.now += 0.2
    assert buckets.take("a").allowed
    assert not buckets.take("a").allowed
    clock.now += 3600
    assert buckets.take("a").remaining == 2


def test_nobody_pays_for_another() -> None:
    buckets = Buckets(Rate(1, 60))
    assert buckets.take("a").allowed
    assert buckets.take("b").allowed
    assert not buckets.take("a").allowed


def test_the_longest_unused_are_forgotten_first() -> None:
    buckets = Buckets(Rate(1, 60), most_keys=3)
    for key in ("a", "b", "c", "a", "d", "e"):
        buckets.take(key)
    assert len(buckets) == 3
    assert not buckets.take("a").allowed
    assert buckets.take("b").allowed


def test_threads_together_get_no_more_than_there_is() -> None:
    buckets = Buckets(Rate(100, 3600))
    allowed: list[bool] = []

    def ask() -> None:
        allowed.extend(buckets.take("a").allowed for _ in range(50))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(allowed) == 100


@pytest.mark.parametrize("text", ["", "10", "0/minute", "10/fortnight", "-1/hour", "1.5/second"])
def test_a_rate_that_is_none_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="600/minute"):
        Rate.parse(text)


def test_strangers_of_one_network_share_a_bucket(settings: pytest.FixtureRequest) -> None:
    settings.THROTTLES = {"api": "5/minute", "api:anonymous": "2/minute"}  # type: ignore[attr-defined]
    throttling.forget_all()
    addresses = ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8:0:1::1", "192.0.2.1", "192.0.2.2", "?"]
    allowed = [throttling.take("api", person_id=None, address=address).allowed for address in addresses]
    assert allowed == [True, True, False, True, True, True, True]


def test_the_api_refuses_with_the_time_to_wait(alice: User, settings: pytest.FixtureRequest) -> None:
    settings.THROTTLES = {"api": "2/minute", "api:anonymous": "1/minute"}  # type: ignore[attr-defined]
    throttling.forget_all()
    api = Api(alice)
    assert api.get("/v1/me")["RateLimit-Remaining"] == "1"
    assert api.get("/v1/me")["RateLimit-Remaining"] == "0"
    response = api.get("/v1/me")
    assert response.status_code == 429
    assert_problem(response, "too-many-requests")
    assert 0 < int(response["Retry-After"]) <= 30
    assert (response["RateLimit-Limit"], response["RateLimit-Remaining"]) == ("2", "0")


def test_strangers_who_collect_refusals_are_counted(db: None, settings: pytest.FixtureRequest) -> None:
    settings.THROTTLES = {"api": "9/minute", "api:anonymous": "1/minute"}  # type: ignore[attr-defined]
    throttling.forget_all()
    assert [Api().get("/v1/me").status_code for _ in range(2)] == [401, 429]


def test_counting_asks_no_database(alice: User, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(0):  # type: ignore[operator]
        throttling.take("api", person_id=alice.pk, address="")
