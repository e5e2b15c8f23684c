"""What DNS says of a custom domain: the record that proves it, and where calls to it go."""

import ipaddress
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_noop

# For all questions about one domain together: less than a step of a life cycle may take
WITHIN = timedelta(seconds=5)
# Somebody else writes them, as many and as long as they like
MOST_TEXTS, LONGEST_TEXT = 20, 200
# Names below it mean the machine itself, and no server is asked for them
OF_THIS_MACHINE = ".localhost"
LOOPBACK = frozenset({"127.0.0.1", "::1"})
PORT = 53

TOO_LATE = gettext_noop("No name server has answered about %(name)s within %(seconds)d s.")
REFUSED = gettext_noop("The name servers of %(name)s give no answer that can be used.")
NO_SERVER = gettext_noop("This installation knows no name server. Set DNS_SERVERS.")


class Unanswered(Exception):
    """Nothing is known. `because` is English for gettext, with its parts by name."""

    def __init__(self, because: str, **parts: object) -> None:
        self.because, self.parts = because, parts
        super().__init__(because % parts if parts else because)


@dataclass(frozen=True)
class Lead:
    """Where calls to a host go, as far as DNS says: to `wanted`, elsewhere, or nowhere yet."""

    is_here: bool
    to: str


class Questions:
    """Asked one after the other, and ended together."""

    def __init__(self, *, within: timedelta = WITHIN) -> None:
        self._within = within
        self._until = time.monotonic() + within.total_seconds()
        self._resolver = _resolver()

    def texts(self, name: str) -> tuple[str, ...]:
        """Of the TXT records there; a name that doesn't exist has none."""
        answer = self._ask(name, "TXT")
        texts = (b"".join(record.strings).decode("utf-8", "backslashreplace") for record in _records(answer))
        return tuple(sorted(text.strip()[:LONGEST_TEXT] for text in texts))[:MOST_TEXTS]

    def lead(self, host: str, wanted: str) -> Lead:
        """By an alias, or by the addresses behind both: at the top of a zone there can be no alias."""
        end, found = self._follow(host)
        if end == wanted:
            return Lead(True, end)
        if not found:
            return Lead(False, end if end != host else "")
        behind = LOOPBACK if wanted.endswith(OF_THIS_MACHINE) else self._follow(wanted)[1]
        return Lead(bool(found & behind), end if end != host else ", ".join(sorted(found)[:2]))

    def _follow(self, host: str) -> tuple[str, frozenset[str]]:
        end, found = host, set()
        for kind in ("A", "AAAA"):
            answer = self._ask(host, kind)
            end = answer.canonical_name.to_text(omit_final_dot=True).lower()
            found |= {ipaddress.ip_address(record.address).compressed for record in _records(answer)}
        return end, frozenset(found)

    def _ask(self, name: str, kind: str) -> "dns.resolver.Answer | dns.resolver.NXDOMAIN":
        left = self._until - time.monotonic()
        if left <= 0:
            raise self._too_late(name)
        try:
            # Absolute: a search list of this machine must not prove anything
            asked = dns.name.from_text(name)
            return self._resolver.resolve(asked, kind, lifetime=left, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN as nothing:
            return nothing
        except dns.exception.Timeout:
            raise self._too_late(name) from None
        except (dns.exception.DNSException, OSError):
            raise Unanswered(REFUSED, name=name) from None

    def _too_late(self, name: str) -> Unanswered:
        return Unanswered(TOO_LATE, name=name, seconds=round(self._within.total_seconds()))


def _records(answer: "dns.resolver.Answer | dns.resolver.NXDOMAIN") -> Iterator[Any]:
    if isinstance(answer, dns.resolver.Answer) and answer.rrset is not None:
        yield from answer.rrset


def servers(words: list[str]) -> list[dns.nameserver.Nameserver]:
    """`192.0.2.1`, `192.0.2.1:5353`, `[2001:db8::1]:5353`."""
    found: list[dns.nameserver.Nameserver] = []
    for word in words:
        address, port = word, PORT
        if word.startswith("[") or word.count(":") == 1:
            host, _, digits = word.rpartition(":")
            if digits.isdecimal():
                address, port = host, int(digits)
        address = address.strip("[]")
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise ImproperlyConfigured(
                f"DNS_SERVERS: {word!r} is no server. Write IP addresses, each with :port where it isn't {PORT}."
            ) from None
        found.append(dns.nameserver.Do53Nameserver(address, port))
    return found


def _resolver() -> dns.resolver.Resolver:
    if chosen := servers(settings.DNS_SERVERS):
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = chosen
        return resolver
    with suppress(dns.resolver.NoResolverConfiguration, OSError):
        return dns.resolver.Resolver()
    raise Unanswered(NO_SERVER)
