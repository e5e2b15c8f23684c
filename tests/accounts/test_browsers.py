"""How a session's browser is called, and which addresses belong together."""

import pytest

from apps.accounts.sessions.browsers import network_of, read_browser
from tests.accounts.browsers import CHROME, FIREFOX, NEWER_CHROME, SAFARI

EDGE = f"{CHROME} Edg/141.0.0.0"
OPERA = f"{CHROME} OPR/122.0.0.0"
ANDROID = CHROME.replace("Macintosh; Intel Mac OS X 10_15_7", "Linux; Android 15; Pixel 9").replace(
    "Safari", "Mobile Safari"
)
CHROME_ON_IPHONE = SAFARI.replace("Version/18.6", "CriOS/141.0.7390.41")


@pytest.mark.parametrize(
    ("user_agent", "called"),
    [
        (CHROME, "Chrome 141 on macOS"),
        (FIREFOX, "Firefox 144 on Windows"),
        (SAFARI, "Safari 18 on iPhone"),
        (EDGE, "Edge 141 on macOS"),
        (OPERA, "Opera 122 on macOS"),
        (ANDROID, "Chrome 141 on Android"),
        (CHROME_ON_IPHONE, "Chrome 141 on iPhone"),
        ("curl/8.5.0", "curl 8.5.0"),
        ("imp/1.2 (linux)", "imp 1.2"),
        ("Mozilla/5.0 (X11; Linux x86_64)", "An unknown browser"),
        ("", "An unknown browser"),
        ("<script>alert(1)</script>", "An unknown browser"),
    ],
)
def test_a_browser_is_called_as_people_call_it(user_agent, called):
    assert str(read_browser(user_agent)) == called


def test_an_update_leaves_a_browser_the_same_kind():
    assert read_browser(CHROME).kind == read_browser(NEWER_CHROME).kind
    assert read_browser(CHROME).kind != read_browser(EDGE).kind
    assert read_browser(CHROME).kind != read_browser(ANDROID).kind


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.24", "203.0.113.99", True),
        ("203.0.113.24", "203.0.114.24", False),
        ("203.0.113.24", "::ffff:203.0.113.99", True),
        ("2001:db8:1:2::1", "2001:db8:1:ffff::9", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
    ],
)
def test_neighbouring_addresses_are_one_network(one, other, same):
    assert (network_of(one) == network_of(other)) is same


def test_what_is_no_address_has_no_network():
    assert network_of("") is None
    assert network_of("unknown") is None
