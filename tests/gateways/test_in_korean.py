"""Whoever reads Korean meets no English on the pages of gateways and of the fleet but names and what programs say."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.conf import settings

from apps.accounts.models import User
from apps.core.lifecycle import kernel
from apps.fleet.models import Bundle
from apps.gateways.lifecycle.machines import GATEWAY
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import FunctionGateway
from apps.gateways.services.creating import create_gateway
from apps.gateways.services.domains import set_domain
from apps.gateways.services.variables import Setting
from apps.tenants.models import Tenant
from tests.fleet.world import make_agent, make_bundle
from tests.fleet.world import make_cluster as make_far_cluster
from tests.gateways.pages import GATEWAYS
from tests.gateways.test_mending import half_delete
from tests.gateways.world import ObedientCluster, converge, make_cluster, make_gateway
from tests.tenants.pages import as_
from tests.tenants.world import member
from tools.messages import read_po

pytestmark = pytest.mark.django_db(transaction=True)

CATALOGUE = settings.BASE_DIR / "locale" / "ko" / "LC_MESSAGES" / "django.po"
SPOKEN = ("aria-label", "placeholder", "title", "data-label", "alt")
# What is written for programs, or by them
UNREAD = ("script", "style", "template", "code", "pre", "kbd")
# Two English words beside each other, as names begin with a capital or stand alone; or a state or phase as it's stored
ENGLISH = re.compile(rf"\b[a-z]{{2,}} [a-z]{{2,}}\b|\b({'|'.join({*State.values, *Phase.values})})\b")


class Texts(HTMLParser):
    """What somebody reads or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in SPOKEN and value]
        if tag in UNREAD:
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and tag == self._inside[-1]:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if not self._inside:
            self.found.append(" ".join(data.split()))


@pytest.fixture(scope="module")
def untranslated() -> frozenset[str]:
    """The source's texts that Korean says otherwise; a page in Korean shows none of them."""
    entries = read_po(CATALOGUE.read_text(encoding="utf-8")).items()
    texts = {key.rpartition("\x04")[2].partition("\x00")[0]: said for key, said in entries}
    return frozenset(text for text, said in texts.items() if text and text != said)


def english_in(html: str, untranslated: frozenset[str]) -> Iterator[str]:
    page = Texts()
    page.feed(html)
    for text in page.found:
        if text in untranslated or ENGLISH.search(text):
            yield text


def check(person: User, path: str, untranslated: frozenset[str]) -> None:
    answer = as_(person).get(path)
    assert answer.status_code == 200, path
    html = answer.content.decode()
    assert '<html lang="ko"' in html
    assert sorted(set(english_in(html, untranslated))) == [], path


@pytest.fixture
def gateway(tidewater: Tenant, alice: User) -> FunctionGateway:
    User.objects.update(language="ko")
    cluster = make_cluster(facts={"gateway_port": "8480", "runtime_version": "2.9.0"})
    actor = member(alice, tidewater)
    settings = [Setting("DEFAULT_COUNTRY", "KR"), Setting("CARRIER_TOKEN", "not-a-real-one", is_secret=True)]
    gateway = create_gateway(actor=actor, name="parcels", title="Parcels", cluster=cluster, variables=settings)
    converge(ObedientCluster())
    set_domain(actor=actor, gateway=gateway, stage="prod", host="api.parcels.example")
    return gateway


def test_the_pages_of_a_gateway(alice: User, gateway: FunctionGateway, untranslated: frozenset[str]) -> None:
    page = f"{GATEWAYS}/{gateway.pk}"
    for path in (
        GATEWAYS,
        f"{GATEWAYS}/new",
        page,
        f"{page}/environment",
        f"{page}/domains",
        f"{page}/history",
        f"{page}/settings",
    ):
        check(alice, path, untranslated)


def test_what_is_asked_before_a_gateway_is_changed(
    alice: User, gateway: FunctionGateway, untranslated: frozenset[str]
) -> None:
    for tail in (
        "restart",
        "stop",
        "delete",
        "environment/set",
        "settings/rename",
        "settings/bundle",
        "settings/transfer",
        "stages/dev/off",
    ):
        check(alice, f"{GATEWAYS}/{gateway.pk}/{tail}", untranslated)
    for wish in ("start", "restart", "stop", "delete"):
        check(alice, f"{GATEWAYS}/several/{wish}?selected={gateway.pk}", untranslated)


def test_a_gateway_that_is_being_made(alice: User, tidewater: Tenant, untranslated: frozenset[str]) -> None:
    User.objects.update(language="ko")
    waiting = create_gateway(actor=member(alice, tidewater), name="parcels", title="Parcels", cluster=make_cluster())
    kernel.advance(GATEWAY, waiting.pk)
    check(alice, f"{GATEWAYS}/{waiting.pk}", untranslated)


def test_the_fleet(operator: User, untranslated: frozenset[str]) -> None:
    User.objects.update(language="ko")
    cluster = make_far_cluster()
    bundle = make_bundle(cluster, "gateway/gw_1/routes", Bundle.Phase.FAILED)
    lost = make_far_cluster("virginia-b", "us-east-1")
    make_agent(cluster, leads=True)
    make_agent(cluster, "agent-2", is_there=False, disconnected_because="The stream ended.")
    make_agent(lost, is_there=False, disconnected_because="Nothing was heard of it.")
    make_far_cluster("tokyo-a", "ap-northeast-1")
    page = f"/fleet/clusters/{cluster.pk}"
    # The bundle's page names the kinds of its objects
    for path in ("/fleet", "/fleet?view=table", page, f"{page}/bundles/{bundle.pk}", f"{page}/maintenance"):
        check(operator, path, untranslated - {"Runtime"})


def test_a_gateway_that_is_stuck(operator: User, alice: User, tidewater: Tenant, untranslated: frozenset[str]) -> None:
    User.objects.update(language="ko")
    cluster = ObedientCluster()
    gateway = make_gateway(tidewater, make_cluster(), "billing-hooks", state=State.STOPPED, owner=alice)
    converge(cluster)
    half_delete(gateway)
    check(operator, f"/fleet/stuck/{gateway.pk}", untranslated)
    check(operator, "/fleet/stuck", untranslated)
