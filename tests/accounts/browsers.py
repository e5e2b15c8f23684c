"""Browsers as they name themselves, and clients that come with one from somewhere."""

from django.test import Client

CHROME = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36"
)
NEWER_CHROME = CHROME.replace("141", "142")
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1"
)
HOME, SAME_NETWORK, ELSEWHERE = "203.0.113.24", "203.0.113.99", "198.51.100.7"


def client_of(user_agent: str = CHROME, address: str = HOME) -> Client:
    return Client(headers={"user-agent": user_agent}, REMOTE_ADDR=address)


def moved(client: Client, user_agent: str, address: str) -> Client:
    """Another browser that has this one's cookies."""
    other = client_of(user_agent, address)
    other.cookies = client.cookies
    return other
