"""What every endpoint does: who asks, how often, with what; a write in one transaction; errors as problems."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.core import context, throttling
from apps.core.afterwards import finished
from apps.core.api import idempotency
from apps.core.api.exceptions import handle
from apps.core.api.formats import dumps
from apps.core.errors import InvalidInput, NotFound, Problem, TooManyRequests

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Handler = Callable[..., HttpResponse]


def answer(data: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    return HttpResponse(dumps(data), status=status, content_type="application/json", headers=headers)


def no_content() -> HttpResponse:
    response = HttpResponse(status=204)
    del response["Content-Type"]
    return response


class ApiView(APIView):
    """The base of all endpoints."""

    throttle_scope = "api"
    format_kwarg = None
    allowance: throttling.Allowance | None = None
    _claim: idempotency.Claim | None = None

    # For the reference: the group that it's shown in, and the first part of the operation's id
    tag: ClassVar[str]
    # What a token needs to come in: `account` stands for account:read and account:write. Where services ask for
    # the scope themselves, as they do in a workspace, it's empty.
    scope: ClassVar[str] = ""
    # For the reference too: what all operations of a view take in headers, and how they may also be refused
    header_parameters: ClassVar[tuple[dict[str, Any], ...]] = ()
    refusals: ClassVar[frozenset[int]] = frozenset()

    @property
    def actor(self) -> Any:
        """Whom services and selectors are asked for."""
        return self.request.user

    def needed_scope(self) -> str | None:
        """The scope that a token needs for this request; empty: none. None: this isn't for tokens."""
        return f"{self.scope}:{'read' if self._is_read() else 'write'}" if self.scope else None

    def surroundings(self) -> AbstractContextManager[None]:
        """What the handler runs in."""
        return nullcontext()

    def query_parameters(self) -> frozenset[str]:
        """The names that a query string may hold."""
        return frozenset()

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.args = args
        self.kwargs = kwargs
        self.request = self.initialize_request(request, *args, **kwargs)
        try:
            # Read as a whole before anything reads a part of it: only here Django refuses too large a body
            request.body  # noqa: B018
            self.initial(self.request, *args, **kwargs)
            handler = self._handler()
            with self._credential():
                with self.surroundings():
                    response = handler(self.request, *args, **kwargs) if self._is_read() else self._write(handler)
                response = self._afterwards(response)
        except Exception as error:
            response = self.handle_exception(error)
        return self._finish(response)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        request.accepted_renderer, request.accepted_media_type = self.perform_content_negotiation(request)
        self.perform_authentication(request)
        self.check_throttles(request)
        self.check_permissions(request)
        self.check_query(request)

    def check_throttles(self, request: Request) -> None:
        """Before permissions, so that strangers who only collect refusals are counted too."""
        address = request.META.get("REMOTE_ADDR", "")
        # Each token counts for itself, so that a script that runs wild stops neither its person nor their others
        who = request.user if request.auth is None else request.auth
        self.allowance = throttling.take(self.throttle_scope, person_id=who.pk, address=address)
        if not self.allowance.allowed:
            raise TooManyRequests

    def check_query(self, request: Request) -> None:
        """Nothing that was asked for is silently left out of account."""
        known = self.query_parameters()
        errors = {}
        for name, values in request.query_params.lists():
            if name not in known:
                errors[f"?{name}"] = [_("There is no such parameter here.")]
            elif not all(values):
                errors[f"?{name}"] = [_("Give it a value, or leave the parameter out.")]
        if errors:
            raise InvalidInput(fields=errors)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        response = no_content()
        response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def handle_exception(self, exc: Exception) -> Any:
        exc.auth_header = self.get_authenticate_header(self.request)  # type: ignore[attr-defined]
        return handle(exc, {"view": self, "request": self.request})

    def _credential(self) -> AbstractContextManager[Any]:
        """What somebody came with that isn't their session, for what is written down about this request."""
        token = self.request.auth
        return nullcontext() if token is None else context.bound(token_id=token.pk, token=str(token))

    def _handler(self) -> Handler:
        name = (self.request.method or "").lower()
        known = name in self.http_method_names
        handler: Handler = getattr(self, name, self.http_method_not_allowed) if known else self.http_method_not_allowed
        return handler

    def _is_read(self) -> bool:
        return self.request.method in SAFE_METHODS

    def _write(self, handler: Handler) -> HttpResponse:
        """Effect, answer and Idempotency-Key are committed together, or none of them."""
        with transaction.atomic():
            self._claim = claim = idempotency.claim(self.request) if self.request.method == "POST" else None
            if claim and claim.replay:
                return claim.replay
            response = handler(self.request, *self.args, **self.kwargs)
            if response.status_code >= 400:
                transaction.set_rollback(True)
            elif claim:
                claim.keep(response)
        return response

    def _afterwards(self, response: HttpResponse) -> HttpResponse:
        """What came of it is what the same request is answered when it's sent again."""
        try:
            found = finished(response)
        except Problem:
            if self._claim:
                self._claim.give_back()
            raise
        if self._claim and found is not response:
            self._claim.keep(found)
        return found

    def _finish(self, response: HttpResponse) -> HttpResponse:
        patch_vary_headers(response, ["Accept", "Accept-Language"])
        response.setdefault("Cache-Control", "no-store")
        if self.allowance:
            for name, value in self.allowance.headers.items():
                response.setdefault(name, value)
        return response


class NothingHere(ApiView):
    """Every address under /v1/ that leads nowhere, whatever the method."""

    authentication_classes = []
    permission_classes = []
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise NotFound(_("There is no %(path)s in this version of the API.") % {"path": request.path})
