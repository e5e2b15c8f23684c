"""Where a gateway's functions may connect to. Addresses inside of the platform's own network are never among it."""

import re
from collections.abc import Sequence

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import InvalidInput

MOST_HOSTS, LONGEST_HOST = 100, 253
# `api.example.com`, `*.example.com`, either with a port
PATTERN = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(:\d{1,5})?")


class EgressMode(TextChoices):
    PUBLIC = "public", gettext_lazy("Anywhere on the internet")
    LISTED = "listed", gettext_lazy("Listed hosts only")
    NONE = "none", gettext_lazy("Nowhere")


def checked_hosts(hosts: Sequence[str]) -> list[str]:
    """Tidied, each once, in the order given; all that can't be one is told at its place."""
    found: list[str] = []
    errors: dict[str, list[str]] = {}
    for at, host in enumerate(hosts):
        host = host.strip().lower().rstrip(".")
        if refusal := _refusal(host):
            errors[f"/egress_hosts/{at}"] = [refusal]
        elif host not in found:
            found.append(host)
    if errors:
        raise InvalidInput(fields=errors)
    if len(found) > MOST_HOSTS:
        words = {"count": len(found), "most": MOST_HOSTS}
        raise InvalidInput(fields={"egress_hosts": [_("These are %(count)d. List %(most)d at most.") % words]})
    return found


def _refusal(host: str) -> str:
    if "://" in host or "/" in host:
        return _("%(host)s is an address: give the host alone, such as api.example.com.") % {"host": host}
    if len(host) > LONGEST_HOST + len(":65535") or not PATTERN.fullmatch(host) or _is_number(host):
        return _("%(host)s can't be a host: use a name such as api.example.com or *.example.com.") % {"host": host}
    port = host.partition(":")[2]
    return _("%(port)s is no port: use 1 to 65535.") % {"port": port} if port and not 0 < int(port) < 65_536 else ""


def _is_number(host: str) -> bool:
    """Addresses aren't listed: names are resolved anew for each call, and what they lead to is checked."""
    return host.partition(":")[0].rpartition(".")[2].isdigit()
