"""A call as somebody asks for it, and what came back. Checked before anything is sent."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.core.texts import has_half_character
from apps.functions.models import LONGEST_METHOD

LONGEST_PATH, LONGEST_QUERY = 2_000, 8_000
MOST_HEADERS, LONGEST_HEADERS = 50, 16_000
LARGEST_BODY = 1024 * 1024
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,200}")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# Of the connection, which isn't the caller's, or said by the platform itself
NOT_FROM_CALLERS = frozenset(
    {
        "connection", "content-length", "expect", "host", "imp-run", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "x-request-id",
    }
)  # fmt: skip
RESERVED = ("x-imp-", "x-envoy-")
# TRACE and CONNECT reach no function
REFUSED_METHODS = frozenset({"CONNECT", "TRACE"})
# What a path has as it is; everything else is sent encoded
PLAIN = "/%:@!$&'()*+,;=~-._"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Asked:
    """`path` as the function sees it, without its stage."""

    method: str = "GET"
    path: str = "/"
    # Without the question mark
    query: str = ""
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True)
class Answered:
    """An answer, or, with status 0, why there was none."""

    request_id: str
    ms: float
    status: int = 0
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)
    # There was more of it, or it went on when the time was over
    is_cut: bool = False
    # The slug of what went wrong on the way, and what to say of it
    error: str = ""
    detail: str = ""

    @classmethod
    def unknown(cls, request_id: str) -> "Answered":
        """Of a call that is begun, until there is something to say of it."""
        return cls(request_id, 0, error="no-answer", detail=_("It was begun. What came of it, its log tells."))

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def is_of_runtime(self) -> bool:
        """Rather than by Envoy, which answers for those that aren't there."""
        return bool(self.header("x-imp-gateway"))


def check_asked(asked: Asked) -> Asked:
    """All that is wrong, each at its field."""
    errors = {
        "method": _refusal_of_method(asked.method),
        "path": _refusal_of_path(asked.path),
        "query": _refusal_of_query(asked.query),
        "headers": _refusal_of_headers(asked.headers),
        "body": _refusal_of_body(asked),
    }
    if found := {name: [text] for name, text in errors.items() if text}:
        raise InvalidInput(fields=found)
    return asked


def target_of(asked: Asked) -> str:
    """As it's written in a request: what a path or a query may not hold is encoded, what is encoded already stays."""
    path = quote(asked.path, safe=PLAIN)
    return f"{path}?{quote(asked.query, safe=PLAIN + '?[]{}|')}" if asked.query else path


def _refusal_of_method(method: str) -> str:
    if not TOKEN.fullmatch(method) or len(method) > LONGEST_METHOD:
        return _("Choose a method, such as GET or POST.")
    return _("No function is called with %(method)s.") % {"method": method} if method in REFUSED_METHODS else ""


def _refusal_of_path(path: str) -> str:
    if not path.startswith("/"):
        return _("A path begins with a slash.")
    if len(path) > LONGEST_PATH:
        return _("Use %(limit)d characters or fewer.") % {"limit": LONGEST_PATH}
    if "?" in path or "#" in path:
        return _("Write what comes after the question mark into the query.")
    if UNPRINTABLE.search(path) or has_half_character(path):
        return _("A path holds no control characters.")
    segments = path.lower().replace("%2e", ".").split("/")
    if "//" in path or {".", ".."} & set(segments):
        return _("Leave out empty parts, “.” and “..”: they're taken out on the way.")
    return ""


def _refusal_of_query(query: str) -> str:
    if len(query) > LONGEST_QUERY:
        return _("Use %(limit)d characters or fewer.") % {"limit": LONGEST_QUERY}
    if "#" in query or UNPRINTABLE.search(query) or has_half_character(query):
        return _("A query holds no # and no control characters. Write %%23 for a #.") % {}
    return ""


def _refusal_of_headers(headers: Sequence[tuple[str, str]]) -> str:
    if len(headers) > MOST_HEADERS:
        return _("These are %(count)d. Send %(most)d at most.") % {"count": len(headers), "most": MOST_HEADERS}
    for name, value in headers:
        if not TOKEN.fullmatch(name):
            return _("“%(name)s” can't be the name of a header.") % {"name": name[:60]}
        if name.lower() in NOT_FROM_CALLERS or name.lower().startswith(RESERVED):
            return _("%(name)s is set by the platform itself. Leave it out.") % {"name": name}
        if UNPRINTABLE.search(value) or has_half_character(value):
            return _("The value of %(name)s is one line without control characters.") % {"name": name}
    if sum(len(name) + len(value) for name, value in headers) > LONGEST_HEADERS:
        return _("Together they take more than %(most)d characters.") % {"most": LONGEST_HEADERS}
    return ""


def _refusal_of_body(asked: Asked) -> str:
    if len(asked.body) > LARGEST_BODY:
        return _("A body may have 1 MiB here. Call the gateway's own address with larger ones.")
    if asked.body and asked.method in ("GET", "HEAD"):
        return _("%(method)s brings no body. Choose another method, or leave it empty.") % {"method": asked.method}
    return ""
