"""What shows a runtime that a call is the platform's own: which function it's for, until when, and once only."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Any

HEADER = "imp-run"


def make_run_token(
    run_key: str,
    *,
    function: str,
    request_id: str,
    kind: str,
    expires_at: int,
    nonce: str = "",
    since: float | None = None,
    body: bytes = b"",
) -> str:
    """`payload.mac`. Of a data call, its body is part.

    `since` when it may have been begun before: who wouldn't remember that takes it for begun.
    """
    payload: dict[str, Any] = {
        "function": function,
        "request_id": request_id,
        "kind": kind,
        "exp": expires_at,
        "nonce": nonce or secrets.token_urlsafe(18),
    }
    if since is not None:
        payload["since"] = since
    if kind == "data":
        payload["body_sha256"] = hashlib.sha256(body).hexdigest()
    sent = _encoded(json.dumps(payload, separators=(",", ":"), sort_keys=True).encode())
    return f"{sent}.{_encoded(hmac.digest(_decoded(run_key), sent.encode(), 'sha256'))}"


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
