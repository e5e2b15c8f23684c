"""What the views of one function share: which one it is, who acts, and how a script is answered."""

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput, MalformedRequest, NotFound, UnsupportedMediaType
from apps.core.web.addresses import address
from apps.functions.models import Function
from apps.functions.selectors import get_function
from apps.gateways.views.base import AboutGateway


class AboutFunction(AboutGateway):
    """For a view of one function, whose id is in the address."""

    _function: Function | None = None

    @property
    def function(self) -> Function:
        if self._function is None:
            found = get_function(actor=self.actor, function_id=self.kwargs["function_id"])
            if found.gateway_id != self.kwargs["gateway_id"]:
                raise NotFound
            self._function = found
        return self._function

    def get_back_url(self) -> str:
        return edit_url(self.function)


def edit_url(function: Function, stage: str = "") -> str:
    """The page where it's written; with a stage, the one of that name there."""
    stage = stage or function.stage
    return address("functions:edit", gateway_id=function.gateway_id, stage=stage, base_name=function.base_name)


def url_of(name: str, function: Function) -> str:
    return address(f"functions:{name}", gateway_id=function.gateway_id, function_id=str(function.pk))


def read_json(request: HttpRequest) -> dict[str, Any]:
    if request.content_type != "application/json":
        # A form has been read by now, and its bytes are gone
        raise UnsupportedMediaType
    try:
        found = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        raise MalformedRequest from None
    if not isinstance(found, dict):
        raise MalformedRequest
    return found


def take_files(given: dict[str, Any]) -> dict[str, str]:
    files = given.get("files")
    if not isinstance(files, dict) or not all(isinstance(text, str) for text in files.values()):
        raise InvalidInput(fields={"files": [_("Send the files as an object: path to text.")]})
    return files


def take_text(given: dict[str, Any], name: str) -> str:
    found = given.get(name, "")
    if not isinstance(found, str):
        raise InvalidInput(fields={name: [_("Send a text.")]})
    return found


def take_number(given: dict[str, Any], name: str) -> int:
    found = given.get(name)
    if not isinstance(found, int) or isinstance(found, bool):
        raise InvalidInput(fields={name: [_("Send a whole number.")]})
    return found


def answer(content: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """For the page's script, at this moment."""
    response = HttpResponse(orjson.dumps(content), status=status, content_type="application/json")
    response["Cache-Control"] = "private, no-store"
    return response
