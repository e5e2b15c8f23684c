"""What may be a custom domain, and what is read of it in DNS, asked of a real name server."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from apps.gateways import dns
from apps.gateways.dns import Lead, Questions, Unanswered
from apps.gateways.hosts import LONGEST_HOST, challenge_of, host_of, refusal_of_host
from tests.gateways.nameserver import NameServer, running_name_server

TARGET = "parcel.prod.imp.example"


@pytest.fixture
def server() -> Iterator[NameServer]:
    with running_name_server() as server:
        yield server


# --- What may be one -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("api.example.com", "api.example.com"),
        ("  API.Example.COM. ", "api.example.com"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("배송.한국", "xn--2h3bo3h.xn--3e0b707e"),
        ("faß.example", "xn--fa-hia.example"),
        ("api。example。com", "api.example.com"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
    ],
)
def test_what_people_type_is_kept_as_dns_has_it(typed: str, host: str) -> None:
    assert host_of(typed) == host
    assert refusal_of_host(host, platform=["localhost", "", "imp.example"]) == ""


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("", "Write a host name"),
        ("192.0.2.1", "IP address"),
        ("127.1", "IP address"),
        ("[2001:db8::1]", "IP address"),
        ("::1", "IP address"),
        ("host.0x7f", "IP address"),
        ("api.example.com:443", "without a port"),
        ("https://api.example.com", "without https://"),
        ("api.example.com/v1", "without a path"),
        ("*.example.com", "A * for all"),
        ("com", "one word"),
        ("localhost", "one word"),
        ("api..example.com", "Two dots"),
        (".example.com", "Two dots"),
        ("a_b.example.com", "can't be part"),
        ("-a.example.com", "can't be part"),
        ("a b.example.com", "can't be part"),
        ("😀.example.com", "can't be part"),
        ("xn--zzzzzz.example.com", "stands for no name"),
        ("ab--cd.example.com", "stands for no name"),
        ("a" * 64 + ".example", "63 characters"),
        (("a" * 60 + ".") * 4 + "example", f"{LONGEST_HOST} characters"),
        ("mine.dev.localhost", "below localhost"),
        ("imp.example", "below imp.example"),
        ("shop.imp.example", "below imp.example"),
    ],
)
def test_what_cannot_be_one_is_refused_with_the_reason(typed: str, told: str) -> None:
    assert told in refusal_of_host(host_of(typed), platform=["localhost", "imp.example"])


def test_beside_the_longest_host_there_is_room_for_the_record() -> None:
    host = ("a" * 60 + ".") * 3 + "b" * (LONGEST_HOST - 3 * 61)
    assert refusal_of_host(host) == ""
    assert len(challenge_of(host)) == 253


def test_a_name_that_only_ends_alike_is_not_the_platforms() -> None:
    assert refusal_of_host("notimp.example", platform=["imp.example"]) == ""


# --- What DNS says ---------------------------------------------------------------------------------


def test_the_texts_of_all_records_are_read_and_their_parts_put_together(server: NameServer) -> None:
    server.put("_imp-challenge.api.example.com", "TXT", '"one"', '"t" "wo"', '" three "', r'"\255"')
    assert Questions().texts("_imp-challenge.api.example.com") == ("\\xff", "one", "three", "two")


def test_a_name_that_is_not_there_has_none(server: NameServer) -> None:
    server.put("api.example.com", "A", "192.0.2.1")
    assert Questions().texts("api.example.com") == ()
    assert Questions().texts("nowhere.example.com") == ()


def test_an_alias_of_the_record_is_followed(server: NameServer) -> None:
    server.put("_imp-challenge.api.example.com", "CNAME", "proofs.example.net")
    server.put("proofs.example.net", "TXT", '"one"')
    assert Questions().texts("_imp-challenge.api.example.com") == ("one",)


def test_a_server_that_fails_or_says_nothing_proves_nothing(server: NameServer) -> None:
    server.broken.add("broken.example.com")
    with pytest.raises(Unanswered, match="give no answer"):
        Questions().texts("broken.example.com")
    server.silent.add("silent.example.com")
    with pytest.raises(Unanswered, match="No name server has answered"):
        Questions(within=timedelta(seconds=0.3)).texts("silent.example.com")


def test_questions_end_together(server: NameServer) -> None:
    server.silent.add("api.example.com")
    server.put("_imp-challenge.api.example.com", "TXT", '"one"')
    questions = Questions(within=timedelta(seconds=0.3))
    assert questions.texts("_imp-challenge.api.example.com") == ("one",)
    with pytest.raises(Unanswered):
        questions.lead("api.example.com", TARGET)
    with pytest.raises(Unanswered, match="No name server has answered"):
        questions.texts("_imp-challenge.api.example.com")


def test_no_server_there_is_told_as_that() -> None:
    with override_settings(DNS_SERVERS=["127.0.0.1:1"]), pytest.raises(Unanswered):
        Questions(within=timedelta(seconds=0.3)).texts("api.example.com")


@pytest.mark.parametrize(
    ("records", "lead"),
    [
        ([], Lead(False, "")),
        ([("api.example.com", "CNAME", TARGET), (TARGET, "A", "192.0.2.1")], Lead(True, TARGET)),
        ([("api.example.com", "CNAME", TARGET)], Lead(True, TARGET)),
        (
            [("api.example.com", "CNAME", "cdn.example.net"), ("cdn.example.net", "CNAME", TARGET)],
            Lead(True, TARGET),
        ),
        ([("api.example.com", "A", "192.0.2.1"), (TARGET, "A", "192.0.2.1")], Lead(True, "192.0.2.1")),
        ([("api.example.com", "AAAA", "2001:db8:0::1"), (TARGET, "AAAA", "2001:db8::1")], Lead(True, "2001:db8::1")),
        ([("api.example.com", "A", "192.0.2.9"), (TARGET, "A", "192.0.2.1")], Lead(False, "192.0.2.9")),
        ([("api.example.com", "CNAME", "other.example.net")], Lead(False, "other.example.net")),
    ],
)
def test_where_a_host_leads(server: NameServer, records: list[tuple[str, str, str]], lead: Lead) -> None:
    for name, kind, value in records:
        server.put(name, kind, f"{value}")
    assert Questions().lead("api.example.com", TARGET) == lead


def test_of_a_name_of_this_machine_nobody_is_asked(server: NameServer) -> None:
    server.put("api.example.com", "A", "127.0.0.1")
    assert Questions().lead("api.example.com", "parcel.prod.localhost").is_here
    assert {name for name, _kind in server.asked} == {"api.example.com"}


# --- Settings --------------------------------------------------------------------------------------


def test_servers_are_addresses_with_or_without_a_port() -> None:
    found = dns.servers(["192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]:5353"])
    assert [(each.address, each.port) for each in found] == [
        ("192.0.2.1", 53),
        ("192.0.2.1", 5353),
        ("2001:db8::1", 53),
        ("2001:db8::1", 5353),
    ]
    with pytest.raises(ImproperlyConfigured, match="resolver"):
        dns.servers(["resolver.example.com"])


@override_settings(DNS_SERVERS=["resolver.example.com"])
def test_a_wrong_server_is_said_at_the_start() -> None:
    assert "gateways.E001" in {finding.id for finding in run_checks()}


def test_questions_take_less_than_a_step_may(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "gateways.E002" not in {finding.id for finding in run_checks()}
    monkeypatch.setattr(dns, "WITHIN", timedelta(seconds=8))
    assert "gateways.E002" in {finding.id for finding in run_checks()}
