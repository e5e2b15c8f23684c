"""`Idempotency-Key`: the same request sent twice takes effect once and is answered twice.

The row is inserted before the effect and in its transaction. A duplicate that comes at the same time waits at the
unique index: when the first commits it finds the answer, when the first fails it takes its place.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import timedelta

import orjson
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.utils.translation import gettext as _
from psycopg import errors as postgres_errors
from rest_framework.request import Request

from apps.core import clock
from apps.core.api.models import IdempotencyKey
from apps.core.errors import Conflict, IdempotencyKeyReused, MalformedRequest
from apps.core.walls import current_wall

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEPT_FOR = timedelta(hours=24)
LONGEST_WAIT = timedelta(seconds=5)
KEPT_HEADERS = ("Content-Type", "ETag", "Location", "Cache-Control")

# An expired row is taken over in place. Otherwise DO UPDATE changes nothing, but waits for whoever holds the row.
CLAIM = """
INSERT INTO core_idempotencykey AS kept (id, person_id, key, fingerprint, created_at)
VALUES (%(id)s, %(person_id)s, %(key)s, %(fingerprint)s, %(now)s)
ON CONFLICT (person_id, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, answer = NULL, created_at = excluded.created_at
    WHERE kept.created_at < %(expired)s
RETURNING id
"""


@dataclass
class Claim:
    """This request's hold on its key, or the answer that an earlier one left."""

    row: IdempotencyKey
    replay: HttpResponse | None = None

    def keep(self, response: HttpResponse) -> None:
        kept = {
            "status": response.status_code,
            "headers": {name: response[name] for name in KEPT_HEADERS if name in response},
            "body": response.content.decode(),
        }
        self.row.answer = orjson.dumps(kept).decode()
        self.row.save(force_update=True, update_fields=["answer"])

    def give_back(self) -> None:
        """Nothing came of it: it may be asked for again."""
        self.row.delete()


def claim(request: Request) -> Claim | None:
    """Call it first in the transaction of the effect. `None` where no key was sent, or nobody's key it would be."""
    key = request.headers.get(HEADER)
    if key is None or request.user.pk is None:
        return None
    if not re.fullmatch(r"[\x21-\x7e]{1,128}", key):
        raise MalformedRequest(_("Write the Idempotency-Key as 1 to 128 visible ASCII characters."))
    row = IdempotencyKey(person_id=request.user.pk, key=key, fingerprint=_fingerprint(request))
    taken = _insert(row)
    if taken is not None:
        row.pk = taken
        return Claim(row)
    kept = IdempotencyKey.objects.get(person_id=row.person_id, key=key)
    if bytes(kept.fingerprint) != row.fingerprint:
        raise IdempotencyKeyReused
    return Claim(kept, replay=_replay(kept))


def _fingerprint(request: Request) -> bytes:
    # The workspace too: the same key may not bring the answer of another one. And the token, as another one of the
    # same person may not have been allowed what was answered
    asking = getattr(request.auth, "pk", "")
    parts = (request.method or "", request.get_full_path(), current_wall(), asking, "")
    return hashlib.sha256("\n".join(parts).encode() + request._request.body).digest()


def _insert(row: IdempotencyKey) -> str | None:
    now = clock.now()
    values = {
        "id": row.pk,
        "person_id": row.person_id,
        "key": row.key,
        "fingerprint": row.fingerprint,
        "now": now,
        "expired": now - KEPT_FOR,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true)", [f"{LONGEST_WAIT // timedelta(milliseconds=1)}ms"]
        )
        try:
            cursor.execute(CLAIM, values)
        except OperationalError as error:
            if isinstance(error.__cause__, postgres_errors.LockNotAvailable):
                raise Conflict(
                    _("The first request with this Idempotency-Key is still at work."), headers={"Retry-After": "2"}
                ) from error
            raise
        found = cursor.fetchone()
        # Only the wait for the key is bounded here, not what the service waits for
        cursor.execute("SET LOCAL lock_timeout TO DEFAULT")
    return found[0] if found else None


def _replay(row: IdempotencyKey) -> HttpResponse:
    kept = orjson.loads(row.answer.reveal())
    return HttpResponse(kept["body"], status=kept["status"], headers={**kept["headers"], REPLAYED: "true"})


def forget_expired() -> int:
    """Delete the keys that have had their day."""
    return IdempotencyKey.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()[0]
