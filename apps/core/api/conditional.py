"""`ETag`, `If-None-Match`, `If-Match`: a version for each object, asked for before it's changed."""

import hashlib
from typing import Any

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.request import Request

from apps.core.api.formats import dumps
from apps.core.errors import StaleVersion, VersionRequired
from apps.core.versions import Versioned


def etag_of(row: Any, shown: Any, *, lives: bool = False) -> str:
    """The row's version where it has one, else a digest of what is shown of it. Of what lives, both: `"3.5f0c…"`."""
    digest = hashlib.sha256(dumps(shown, in_order=True)).hexdigest()[:32]
    if isinstance(row, Versioned):
        return f'"{row.version}.{digest[:12]}"' if lives else row.etag
    return f'"{digest}"'


def is_known(request: Request, etag: str) -> bool:
    """Whether the asker has this version already."""
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag in [tag.removeprefix("W/") for tag in known]


def not_modified(etag: str) -> HttpResponse:
    response = HttpResponse(status=304, headers={"ETag": etag, "Cache-Control": "private, no-cache"})
    del response["Content-Type"]
    return response


def require_current(request: Request, etag: str) -> None:
    """Refuse a change that was thought out on another version. `*` means: whichever it is."""
    given = request.headers.get("If-Match")
    if given is None:
        raise VersionRequired(headers={"ETag": etag})
    wanted = parse_etags(given)
    if "*" not in wanted and _version(etag) not in map(_version, wanted):
        raise StaleVersion(headers={"ETag": etag})


def _version(etag: str) -> str:
    return etag.strip('"').partition(".")[0]
