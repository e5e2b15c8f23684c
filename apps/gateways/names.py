"""What a gateway may be called: a part of host names, of which no cluster has the same one twice."""

import re

from django.utils.translation import gettext as _

from apps.gateways.models import LONGEST_NAME
from apps.gateways.sizes import StageName

# Hosts that the platform has, or that people would take for it
RESERVED = frozenset(
    {
        *StageName.values,
        *("www", "api", "admin", "imp", "localhost", "console", "portal", "app", "apps", "auth", "login", "account"),
        *("docs", "status", "static", "assets", "cdn", "mail", "smtp", "ftp", "dns", "ns", "root", "system", "health"),
        *("gateway", "gateways", "agent", "agents", "cluster", "internal", "kube-system", "default", "test", "all"),
    }
)
_WRONG = re.compile(r"[^a-z0-9-]")


def refusal_of_name(name: str) -> str:
    """Why it can't be one; empty where it can. Whether another has it, only the database knows."""
    if not name:
        return _("Give it a name.")
    if len(name) > LONGEST_NAME:
        return _("Use %(most)d characters or fewer; these are %(count)d.") % {"most": LONGEST_NAME, "count": len(name)}
    if name != name.lower():
        return _("Use small letters, such as %(name)s.") % {"name": name.lower()}
    if wrong := _WRONG.search(name):
        words = {"character": wrong.group()}
        return _("Use small letters, digits and hyphens; %(character)r is none of them.") % words
    if name[0] == "-" or name[-1] == "-":
        return _("Begin and end it with a letter or a digit.")
    if name[2:4] == "--":
        return _("Write no two hyphens in the third and fourth place: such names stand for others in host names.")
    if name in RESERVED:
        return _("%(name)s is kept for the platform. Choose another name.") % {"name": name}
    return ""
