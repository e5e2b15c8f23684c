"""JSON in, JSON out, and nothing else."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import IO, Any

import orjson
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from apps.core.errors import MalformedRequest, NotAcceptable
from apps.core.repeats import RepeatedField, refuse_repeated

ACCEPTABLE = {"application/json", "application/problem+json", "application/*", "*/*"}


def dumps(data: Any, *, in_order: bool = False) -> bytes:
    """In order of their keys, things that are the same are the same bytes, whoever made them."""
    return orjson.dumps(data, default=_encode, option=orjson.OPT_UTC_Z | (orjson.OPT_SORT_KEYS if in_order else 0))


def _encode(value: Any) -> str:
    if isinstance(value, Decimal | Promise):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON.")


class JsonRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return dumps(data)


class JsonParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        content = stream.read()
        try:
            found = orjson.loads(content)
            refuse_repeated(content)
            return found
        except orjson.JSONDecodeError as error:
            where = {"line": error.lineno, "column": error.colno, "message": error.msg.partition(":")[0]}
            raise MalformedRequest(
                _("The body isn't JSON: line %(line)d, column %(column)d: %(message)s.") % where
            ) from error
        except RepeatedField as error:
            raise MalformedRequest(error.words) from error
        except RecursionError as error:
            raise MalformedRequest(_("The body nests too deeply.")) from error


class JsonNegotiation(BaseContentNegotiation):
    """Nearly everyone asks for JSON or takes anything, so that is looked at first."""

    def select_parser(self, request: Request, parsers: Iterable[Any]) -> Any:
        sent = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == sent), None)

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        renderer = next(iter(renderers))
        accept = request.headers.get("Accept", "*/*")
        if accept not in ACCEPTABLE and not any(_wanted(part) for part in accept.split(",")):
            raise NotAcceptable
        return renderer, renderer.media_type


def _wanted(part: str) -> bool:
    media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
    refused = any(parameter.replace(" ", "") in {"q=0", "q=0.0", "q=0.00", "q=0.000"} for parameter in parameters)
    return media_type in ACCEPTABLE and not refused
