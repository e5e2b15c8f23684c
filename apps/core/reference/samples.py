"""A request as a command that can be pasted."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

SAFE = {"GET", "HEAD", "OPTIONS"}


def curl(
    *,
    method: str,
    url: str,
    parameters: Sequence[tuple[Mapping[str, Any], Any]],
    body: str,
    security: Mapping[str, Any] | None,
) -> str:
    """With what is required only: what can be left out would hide it."""
    query: list[tuple[str, str]] = []
    headers: list[str] = []
    for parameter, value in parameters:
        text = str(value)
        if parameter["in"] == "path":
            url = url.replace("{" + parameter["name"] + "}", quote(text, safe=""))
        elif parameter.get("required") and parameter["in"] == "query":
            query.append((parameter["name"], text))
        elif parameter["in"] == "header" and (parameter.get("required") or parameter["name"] == "Idempotency-Key"):
            headers.append(f"-H {shlex.quote(parameter['name'] + ': ' + text)}")
    address = f"{url}?{urlencode(query)}" if query else url
    parts = ["curl" if method == "GET" else f"curl -X {method}", *_credentials(method, security), *headers]
    if body:
        parts += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(body)}"]
    parts.append(shlex.quote(address))
    return " \\\n  ".join(parts)


def _credentials(method: str, security: Mapping[str, Any] | None) -> list[str]:
    """The secret itself is a variable of the reader's shell, so that it stands in no page and no history."""
    if security is None:
        return []
    match security.get("type"), security.get("in"):
        case "apiKey", "cookie":
            if method in SAFE:
                return [f'-b "{security["name"]}=$IMP_SESSION"']
            return [f'-b "{security["name"]}=$IMP_SESSION; csrftoken=$IMP_CSRF"', '-H "X-CSRFToken: $IMP_CSRF"']
        case "apiKey", "header":
            return [f'-H "{security["name"]}: $IMP_KEY"']
        case "http", _:
            return ['-H "Authorization: Bearer $IMP_TOKEN"']
        case _:
            return []
