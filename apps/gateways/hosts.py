"""What may be a custom domain of a stage. Whether it's its workspace's own, only DNS knows."""

import ipaddress
import re
from collections.abc import Iterable
from contextlib import suppress

import idna
from django.utils.translation import gettext as _

# Of the record that proves it, before the host
CHALLENGE = "_imp-challenge"
LONGEST_NAME_IN_DNS = 253
LONGEST_HOST = LONGEST_NAME_IN_DNS - len(CHALLENGE) - 1
# The dots that scripts of East Asia write, which browsers take as dots too
DOTS = str.maketrans("\u3002\uff0e\uff61", "...")
PORT = re.compile(r":[0-9]*$")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def host_of(text: str) -> str:
    """As DNS has it, of what somebody typed: small letters, other scripts as `xn--`. What can't be one stays."""
    host = text.strip().translate(DOTS).removesuffix(".")
    if host.isascii():
        return host.lower()
    with suppress(idna.IDNAError):
        return idna.encode(host, uts46=True, std3_rules=True).decode()
    return host


def refusal_of_host(host: str, *, platform: Iterable[str] = ()) -> str:
    """Why it can't be one; empty where it can. `platform` are the domains below which the platform names its own."""
    if not host:
        return _("Write a host name, such as %(example)s.") % {"example": "api.example.com"}
    if refusal := _refusal_of_form(host):
        return refusal
    if len(host) > LONGEST_HOST:
        words = {"most": LONGEST_HOST, "count": len(host)}
        return _("Use %(most)d characters or fewer, so that the record beside it fits; these are %(count)d.") % words
    labels = host.split(".")
    for label in labels:
        if refusal := _refusal_of_label(label):
            return refusal
    if len(labels) == 1:
        return _("%(host)s is one word. Write a whole host name, such as %(example)s.") % {
            "host": host,
            "example": f"{host}.example.com",
        }
    for domain in platform:
        if domain and (host == domain or host.endswith(f".{domain}")):
            return _("%(host)s is below %(domain)s, where the platform names hosts itself.") % {
                "host": host,
                "domain": domain,
            }
    return ""


def challenge_of(host: str) -> str:
    """Where the record is that proves whose it is."""
    return f"{CHALLENGE}.{host}"


def _refusal_of_form(host: str) -> str:
    if _is_address(host):
        return _("%(host)s is an IP address. Write a host name.") % {"host": host}
    if "/" in host:
        return _("Write the host name alone, without https:// and without a path.")
    if PORT.search(host):
        return _("Write the host name alone, without a port.")
    if "*" in host:
        return _("Name one host. A * for all of them isn't possible here.")
    return ""


def _refusal_of_label(label: str) -> str:
    if not label:
        return _("Two dots follow each other, or it begins with one.")
    if len(label) > 63:
        return _("Between two dots there are 63 characters at most; these are %(count)d.") % {"count": len(label)}
    words = {"label": label}
    if not LABEL.fullmatch(label):
        text = _("%(label)s can't be part of a host name: use letters, digits and hyphens, no hyphen at either end.")
        return text % words
    try:
        idna.alabel(label)
    except idna.IDNAError:
        return _("%(label)s stands for no name that host names may have.") % words
    return ""


def _is_address(host: str) -> bool:
    """Also those that some programs read as one, such as 127.1: no domain ends in a number."""
    with suppress(ValueError):
        ipaddress.ip_address(host.strip("[]"))
        return True
    last = host.rpartition(".")[2]
    return bool(last) and (last.isdecimal() or bool(re.fullmatch(r"0x[0-9a-f]*", last)))
