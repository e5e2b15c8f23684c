from collections.abc import Callable, Iterator

import pytest

from apps.fleet.models import Cluster
from tests.fleet.portal import PATIENT, Portal, Stream, register
from tests.fleet.processes import new_token

Connect = Callable[..., Stream]


@pytest.fixture
def cluster(db: None) -> Cluster:
    return Cluster.objects.create(name="seoul-a", region="ap-northeast-2", domain="seoul-a.api.example")


@pytest.fixture
def portal(transactional_db: None, request: pytest.FixtureRequest) -> Iterator[Portal]:
    """With other limits, as the parameter of a test says."""
    portal = Portal(getattr(request, "param", PATIENT))
    yield portal
    portal.close()


@pytest.fixture
def connect(portal: Portal) -> Iterator[Connect]:
    """A stream with that access token; without one, of an agent that registers for it."""
    opened: list[Stream] = []

    def connect(token: str = "", *, cluster: Cluster | None = None) -> Stream:
        if cluster:
            token = register(portal.port, new_token(cluster)).tokens.access_token
        opened.append(Stream(portal.port, token))
        return opened[-1]

    yield connect
    for stream in opened:
        stream.close()
