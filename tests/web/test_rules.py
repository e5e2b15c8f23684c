"""What every answer tells the browser to keep to, whom we believe about addresses, and how much one may ask."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory, override_settings

from apps.accounts.models import User
from apps.core import throttling
from apps.core.web.middleware import BrowserRulesMiddleware, ClientAddressMiddleware, widen_policy
from apps.tenants.models import Tenant

# Mails aren't pages: mail programs know no sheets, and our policy doesn't reach them
MAILS = settings.BASE_DIR / "templates" / "mail"
TEMPLATES = sorted(path for path in (settings.BASE_DIR / "templates").rglob("*.html") if not path.is_relative_to(MAILS))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
def test_template_has_no_inline_script_style_or_handler(path: Path) -> None:
    """The admin's own pages are another library's; what we write keeps to the policy."""
    source = re.sub(r"{%\s*comment.*?endcomment\s*%}|{#.*?#}", "", path.read_text(), flags=re.DOTALL)
    tags = re.findall(r"<[a-zA-Z][^<>]*>", source)
    assert not [tag for tag in tags if re.search(r"\son[a-z]+\s*=", tag)], "handler attribute"
    assert not [tag for tag in tags if re.search(r"\sstyle\s*=", tag)], "style attribute"
    assert not [tag for tag in tags if re.search(r"\shx-on", tag)], "hx-on needs eval"
    assert "javascript:" not in source
    assert not re.search(r"<style\b", source)
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", source, flags=re.DOTALL)
    assert not [text for attributes, text in scripts if "src=" not in attributes or text.strip()], "inline script"


@pytest.mark.parametrize("path", ["/", "/t/tidewater/", "/t/tidewater/members", "/errors/", "/admin/login/"])
def test_no_cache_on_the_way_keeps_a_page(client: Client, alice: User, tidewater: Tenant, path: str) -> None:
    client.force_login(alice)
    said = client.get(path)["Cache-Control"]
    assert "private" in said
    assert "no-cache" in said


def test_there_are_templates_to_walk() -> None:
    assert len(TEMPLATES) > 30


def policy_of(response: HttpResponse) -> dict[str, list[str]]:
    parts = (part.split() for part in response["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def test_policy_allows_nothing_inline(client: Client, db: None) -> None:
    response = client.get("/errors/")
    policy = policy_of(response)
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert policy["object-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert "unsafe" not in response["Content-Security-Policy"]
    assert "camera=()" in response["Permissions-Policy"]
    assert response["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response["Referrer-Policy"] == "same-origin"
    assert response["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("localhost:8000", "http://localhost:8001"),
        ("[::1]:8000", "http://[::1]:8001"),
        ("localhost", "http://localhost:8001"),
    ],
)
def test_policy_lets_pages_listen_to_the_stream_on_its_own_port(host: str, origin: str) -> None:
    with override_settings(LIVE_PORT=8001, ALLOWED_HOSTS=["localhost", "[::1]"]):
        request = RequestFactory().get("/", headers={"Host": host})
        response = BrowserRulesMiddleware(lambda _: HttpResponse())(request)
    assert policy_of(response)["connect-src"] == ["'self'", origin]  # type: ignore[arg-type]


def test_policy_trusts_no_host_that_is_not_ours() -> None:
    with override_settings(LIVE_PORT=8001, ALLOWED_HOSTS=["localhost"]):
        request = RequestFactory().get("/", headers={"Host": "evil.example; script-src *"})
        response = BrowserRulesMiddleware(lambda _: HttpResponse())(request)
    assert "evil" not in response["Content-Security-Policy"]


def test_answer_can_widen_its_own_policy_and_only_that() -> None:
    middleware = BrowserRulesMiddleware(lambda _: widen_policy(HttpResponse(), {"script-src": ["'unsafe-eval'"]}))
    widened = middleware(RequestFactory().get("/"))
    assert policy_of(widened)["script-src"] == ["'self'", "'unsafe-eval'"]  # type: ignore[arg-type]
    assert policy_of(widened)["style-src"] == ["'self'"]  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="frame-src"):
        widen_policy(HttpResponse(), {"frame-src": ["*"]})


# --- Addresses -------------------------------------------------------------------------------------


def client_address(peer: str, forwarded_for: str = "") -> str:
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.META["REMOTE_ADDR"])
        assert "HTTP_X_FORWARDED_FOR" not in request.META
        return HttpResponse()

    headers = {"X-Forwarded-For": forwarded_for} if forwarded_for else {}
    ClientAddressMiddleware(view)(RequestFactory(REMOTE_ADDR=peer).get("/", headers=headers))
    return seen[0]


@pytest.fixture
def proxies() -> Iterator[None]:
    with override_settings(TRUSTED_PROXIES=["10.0.0.0/8", "fd00::/8"]):
        yield


def test_nobody_is_believed_by_default() -> None:
    assert client_address("203.0.113.9", "198.51.100.1") == "203.0.113.9"
    assert client_address("127.0.0.1", "198.51.100.1") == "127.0.0.1"


def test_proxy_of_ours_is_believed(proxies: None) -> None:
    assert client_address("10.1.2.3", "198.51.100.1") == "198.51.100.1"
    assert client_address("::ffff:10.1.2.3", "198.51.100.1") == "198.51.100.1"
    assert client_address("fd00::1", "2001:db8::5") == "2001:db8::5"


def test_what_the_client_made_up_left_of_its_address_is_ignored(proxies: None) -> None:
    assert client_address("10.1.2.3", "1.1.1.1, 198.51.100.1, 10.9.9.9") == "198.51.100.1"


def test_stranger_cannot_pass_for_a_proxys_client(proxies: None) -> None:
    assert client_address("203.0.113.9", "198.51.100.1") == "203.0.113.9"


@pytest.mark.parametrize("nonsense", ["unknown", "198.51.100.1:4711, nonsense", ","])
def test_nonsense_from_a_proxy_leaves_its_own_address(proxies: None, nonsense: str) -> None:
    assert client_address("10.1.2.3", nonsense) == "10.1.2.3"


def test_stranger_cannot_pretend_to_be_encrypted() -> None:
    def view(request: HttpRequest) -> HttpResponse:
        assert not request.is_secure()
        assert request.get_host() == "testserver"
        return HttpResponse()

    with override_settings(SECURE_PROXY_SSL_HEADER=("HTTP_X_FORWARDED_PROTO", "https"), USE_X_FORWARDED_HOST=True):
        request = RequestFactory().get("/", headers={"X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"})
        ClientAddressMiddleware(view)(request)


def test_proxy_that_is_no_network_is_refused_at_the_start() -> None:
    with override_settings(TRUSTED_PROXIES=["everyone"]), pytest.raises(ImproperlyConfigured, match="everyone"):
        ClientAddressMiddleware(lambda _: HttpResponse())


# --- How much one may ask --------------------------------------------------------------------------


@pytest.fixture
def few_requests() -> Iterator[None]:
    with override_settings(THROTTLES={**settings.THROTTLES, "pages": "3/minute", "pages:anonymous": "2/minute"}):
        throttling.forget_all()
        yield
    throttling.forget_all()


def test_person_over_the_limit_is_told_how_long_to_wait(page_client: Client, few_requests: None) -> None:
    assert [page_client.get("/audit").status_code for _ in range(4)] == [200, 200, 200, 429]
    response = page_client.get("/audit")
    assert 1 <= int(response["Retry-After"]) <= 20
    text = response.content.decode()
    assert f'data-countdown="{response["Retry-After"]}"' in text
    assert 'href="/account/tokens/new"' in text


def test_others_are_not_held_up_by_it(page_client: Client, few_requests: None, bob: User) -> None:
    for _ in range(4):
        page_client.get("/audit")
    other = Client()
    other.force_login(bob)
    assert other.get("/audit").status_code == 200


def test_strangers_share_a_limit_by_address(client: Client, few_requests: None, db: None) -> None:
    assert [client.get("/errors/").status_code for _ in range(3)] == [200, 200, 429]
    assert client.get("/errors/", REMOTE_ADDR="198.51.100.7").status_code == 200


def test_health_is_answered_whatever_the_limit(client: Client, few_requests: None, db: None) -> None:
    assert [client.get("/healthz").status_code for _ in range(5)] == [200] * 5


def test_every_language_goes_into_vary(client: Client, db: None) -> None:
    vary = client.get("/errors/")["Vary"]
    assert {"Accept-Language", "Cookie", "HX-Request"} <= {name.strip() for name in vary.split(",")}
