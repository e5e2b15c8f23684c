"""Every error that people or programs can meet: a stable type, a status, a title, and what to do about it.

Services raise these. The API answers with problem+json, a page with the page of that status; the type's own page
is at /errors/<type>.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


class Problem(Exception):
    """The root. A subclass is a type: its `slug` is promised never to change."""

    slug: ClassVar[str]
    status: ClassVar[int]
    title: ClassVar[Text]
    advice: ClassVar[Text]
    # The name of the page where people mend it by themselves, and what the link to it says
    mended_at: ClassVar[tuple[str, Text] | None] = None
    # Somebody saved first: it helps to look at what is there now
    is_stale: ClassVar[bool] = False

    def __init__(
        self,
        detail: Text = "",
        *,
        fields: Mapping[str, list[Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        self.detail = detail
        self.fields = dict(fields or {})
        self.headers = dict(headers or {})
        self.extra = extra
        super().__init__(str(detail or self.title))


class MalformedRequest(Problem):
    slug = "malformed-request"
    status = 400
    title = _("The request can't be read")
    advice = _("Check the body's syntax and its Content-Type, then send it again.")


class NotSignedIn(Problem):
    slug = "not-signed-in"
    status = 401
    title = _("Sign in first")
    advice = _("Sign in, or send credentials with the request.")


class NotAllowed(Problem):
    slug = "not-allowed"
    status = 403
    title = _("Your role doesn't allow this")
    advice = _("Ask somebody who has the role that the answer names.")


class CrossSiteRequest(Problem):
    slug = "cross-site-request"
    status = 403
    title = _("The request didn't come from our pages")
    advice = _("With a session, send its CSRF token in X-CSRFToken. Reload the page if it was open for long.")


class OutdatedForm(Problem):
    slug = "outdated-form"
    status = 403
    title = _("This form is out of date")
    advice = _("Load the page again and repeat it. It was open for too long, or you signed in or out in another tab.")


class NotFound(Problem):
    slug = "not-found"
    status = 404
    title = _("Nothing at this address")
    advice = _("It may have been renamed or deleted, or belong to a workspace that you are not in.")


class MethodNotAllowed(Problem):
    slug = "method-not-allowed"
    status = 405
    title = _("This address doesn't take that method")
    advice = _("Use one of the methods in the Allow header.")


class NotAcceptable(Problem):
    slug = "not-acceptable"
    status = 406
    title = _("No such format here")
    advice = _("Ask for application/json.")


class Conflict(Problem):
    slug = "conflict"
    status = 409
    title = _("It clashes with what is there")
    advice = _("Load it again, look at what changed, and repeat what you still want.")


class StaleVersion(Problem):
    slug = "stale-version"
    status = 412
    title = _("Someone saved first")
    advice = _("Load the current version and apply your change to it.")
    is_stale = True


class TooLarge(Problem):
    slug = "too-large"
    status = 413
    title = _("The request is too large")
    advice = _("Send less in one request.")


class UnsupportedMediaType(Problem):
    slug = "unsupported-media-type"
    status = 415
    title = _("This kind of body isn't understood")
    advice = _("Send application/json.")


class InvalidInput(Problem):
    slug = "invalid-input"
    status = 422
    title = _("Some fields need another look")
    advice = _("Mend the fields that are named and send it again.")


class IdempotencyKeyReused(Problem):
    slug = "idempotency-key-reused"
    status = 422
    title = _("This Idempotency-Key belongs to another request")
    advice = _("Use a new key for each request that differs.")


class VersionRequired(Problem):
    slug = "version-required"
    status = 428
    title = _("Say which version you are changing")
    advice = _("Read the object and send its ETag in If-Match.")


class TooManyRequests(Problem):
    slug = "too-many-requests"
    status = 429
    title = _("Too many requests")
    advice = _("Wait for the seconds in Retry-After.")


class InternalError(Problem):
    slug = "internal-error"
    status = 500
    title = _("That went wrong on our side")
    advice = _("Nothing was saved. Try again; if it stays, report the request id.")


class Unavailable(Problem):
    slug = "unavailable"
    status = 503
    title = _("A part of the platform isn't ready")
    advice = _("Try again shortly; /readyz says which part it is.")


def all_types() -> list[type[Problem]]:
    """Every declared type, in the order of status and slug; apps may declare more."""
    found: list[type[Problem]] = []
    waiting = list(Problem.__subclasses__())
    while waiting:
        kind = waiting.pop()
        waiting.extend(kind.__subclasses__())
        found.append(kind)
    return sorted(found, key=lambda kind: (kind.status, kind.slug))
