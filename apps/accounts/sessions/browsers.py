"""What a browser says of itself, as people call it: "Firefox 144 on Windows"."""

import ipaddress
import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

# A browser's line names those that it's built on too, so the more particular name stands first
BROWSERS = (
    ("Edge", r"(?:Edg|EdgA|EdgiOS)/(\d+)"),
    ("Opera", r"(?:OPR|OPT)/(\d+)"),
    ("Samsung Internet", r"SamsungBrowser/(\d+)"),
    ("Vivaldi", r"Vivaldi/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:HeadlessChrome|Chrome|CriOS|Chromium)/(\d+)"),
    ("Safari", r"Version/(\d+)[.\d]* (?:Mobile/\w+ )?Safari/"),
)
SYSTEMS = (
    ("iPhone", r"iPhone|iPod"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("ChromeOS", r"CrOS"),
    ("Windows", r"Windows"),
    ("macOS", r"Macintosh|Mac OS X"),
    ("Linux", r"Linux|X11"),
)
# curl/8.5.0, python-requests/2.32
PROGRAM = re.compile(r"([A-Za-z][\w.-]{0,39})(?:/(\d+(?:\.\d+)*))?")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Browser:
    name: str = ""
    version: str = ""
    system: str = ""

    @property
    def kind(self) -> tuple[str, str]:
        """What stays as it is when the browser is updated."""
        return self.name, self.system

    def __str__(self) -> str:
        name = f"{self.name} {self.version}".strip()
        if not name:
            return _("An unknown browser")
        return _("%(browser)s on %(system)s") % {"browser": name, "system": self.system} if self.system else name


def read_browser(user_agent: str) -> Browser:
    """From the User-Agent header, which anybody may write: for people to read, not for the code to believe."""
    system = next((name for name, pattern in SYSTEMS if re.search(pattern, user_agent)), "")
    for name, pattern in BROWSERS:
        if found := re.search(pattern, user_agent):
            return Browser(name, found[1], system)
    program = PROGRAM.match(user_agent)
    if program and program[1] != "Mozilla":
        return Browser(program[1], program[2] or "", system)
    return Browser(system=system)


def network_of(address: str) -> Network | None:
    """The addresses that somebody at this one is likely to come from too; None where it isn't one."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return ipaddress.ip_network(f"{found}/{24 if found.version == 4 else 48}", strict=False)
