"""A name server on loopback: it says what a test puts into it, over real sockets."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
from django.test import override_settings

from apps.gateways.hosts import challenge_of

MOST_ALIASES = 8


class NameServer:
    def __init__(self) -> None:
        self._records: dict[tuple[str, str], list[str]] = {}
        # Names about which it says nothing, or that it fails at
        self.silent: set[str] = set()
        self.broken: set[str] = set()
        self.asked: list[tuple[str, str]] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def put(self, name: str, kind: str, *values: str) -> None:
        self._records[name, kind] = list(values)

    def remove(self, name: str, kind: str) -> None:
        self._records.pop((name, kind), None)

    def prove(self, host: str, *tokens: str) -> None:
        self.put(challenge_of(host), "TXT", *(f'"{token}"' for token in tokens))

    def forget(self, host: str) -> None:
        self.remove(challenge_of(host), "TXT")

    def close(self) -> None:
        # An empty message, which no client sends, ends it
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as knock:
            knock.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            wire, sender = self._socket.recvfrom(4096)
            if not wire:
                return
            try:
                answer = self._answer(dns.message.from_wire(wire))
            except dns.exception.DNSException:
                continue
            if answer is not None:
                self._socket.sendto(answer.to_wire(), sender)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        (question,) = query.question
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if name in self.silent:
            return None
        answer = dns.message.make_response(query, recursion_available=True)
        if name in self.broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
            return answer
        for _ in range(MOST_ALIASES):
            alias = self._records.get((name, "CNAME"))
            if alias is None:
                break
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "CNAME", f"{alias[0]}."))
            name = alias[0]
        if values := self._records.get((name, kind)):
            answer.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", kind, *values))
        elif not any(known == name for known, _kind in self._records):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer


@contextmanager
def running_name_server() -> Iterator[NameServer]:
    """The only one that the product asks meanwhile."""
    server = NameServer()
    try:
        with override_settings(DNS_SERVERS=[server.address]):
            yield server
    finally:
        server.close()
