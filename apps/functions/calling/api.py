"""Calling a function by the API: mixed into the view set of functions."""

import base64
import binascii
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request

from apps.core.afterwards import afterwards
from apps.core.api.serializers import Input
from apps.core.api.views import answer
from apps.core.api.viewsets import WithObject
from apps.core.errors import InvalidInput, Unavailable
from apps.functions.calling.asked import Answered, Asked
from apps.functions.calling.history import list_calls, shown_body
from apps.functions.calling.services import Begun, begin_call, finish_call
from apps.functions.models import Call, Draft, Function
from apps.functions.names import path_of
from apps.functions.selectors import get_draft
from apps.logs.lines import LEVELS, SOURCES
from apps.logs.selectors import logs_of_call


class HeaderSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    value = serializers.CharField(allow_blank=True)


class HeaderInput(Input):
    name = serializers.CharField()
    value = serializers.CharField(allow_blank=True, trim_whitespace=False)


class RunInput(Input):
    method = serializers.CharField(default="GET", help_text="Such as `GET` or `POST`.")
    path = serializers.CharField(
        default="", allow_blank=True, help_text="As the function sees it, without the stage; empty: its own name."
    )
    query = serializers.CharField(default="", allow_blank=True, help_text="What comes after the question mark.")
    headers = HeaderInput(many=True, default=list)
    body = serializers.CharField(default="", allow_blank=True, trim_whitespace=False, help_text="As text.")
    body_base64 = serializers.CharField(default="", allow_blank=True, help_text="Instead of `body`: any bytes.")
    draft = serializers.BooleanField(default=False, help_text="Your own draft, without saving it.")


class LogLineSerializer(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    level = serializers.ChoiceField(choices=LEVELS)
    source = serializers.ChoiceField(choices=SOURCES)  # type: ignore[assignment]
    text = serializers.CharField()
    fields = serializers.JSONField(allow_null=True)  # type: ignore[assignment]


class RunSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="Of the call, as it's kept; empty: it isn't yet.")
    request_id = serializers.CharField(help_text="Finds its lines in the log.")
    status = serializers.IntegerField(help_text="Of the answer; 0: there was none, and `error` says why.")
    headers = HeaderSerializer(many=True)
    body = serializers.CharField(help_text="In base64 where `is_binary`.")
    is_binary = serializers.BooleanField()
    is_cut = serializers.BooleanField(help_text="There was more of it, or it went on when the time was over.")
    ms = serializers.FloatField(help_text="From the platform to the function and back.")
    error = serializers.CharField(help_text="The slug of what went wrong on the way; empty: nothing.")
    detail = serializers.CharField(help_text="What to say of that, in the reader's language.")
    logs = LogLineSerializer(many=True, allow_null=True, help_text="What the call wrote; null: it can't be read now.")


class KeptHeadersField(serializers.ListField):
    """As everywhere in the API; kept as pairs."""

    child = HeaderSerializer()

    def to_representation(self, data: Any) -> Any:
        return [{"name": name, "value": value} for name, value in data]


class AskedSerializer(serializers.Serializer[Any]):
    method = serializers.CharField()
    path = serializers.CharField()
    query = serializers.CharField()
    headers = KeptHeadersField(help_text="What they hold is left out where it's credentials.")
    body = serializers.CharField(help_text="In base64 where `is_binary`.")
    is_binary = serializers.BooleanField()
    is_cut = serializers.BooleanField(help_text="There was more of it.")


class AnsweredSerializer(serializers.Serializer[Any]):
    status = serializers.IntegerField()
    headers = KeptHeadersField()
    body = serializers.CharField(help_text="In base64 where `is_binary`.")
    is_binary = serializers.BooleanField()
    is_cut = serializers.BooleanField(help_text="There was more of it, or it went on when the time was over.")
    ms = serializers.FloatField()


class CallSerializer(serializers.ModelSerializer[Call]):
    request = AskedSerializer()
    answer = AnsweredSerializer(allow_null=True, help_text="Null: there was none, and `error` says why.")
    error = serializers.CharField(help_text="Why there was no answer, in words; empty: there was one.")

    class Meta:
        model = Call
        fields = ("id", "is_draft", "request", "answer", "error", "request_id", "at")


class CallsSerializer(serializers.Serializer[Any]):
    items = CallSerializer(many=True)


class RunsFunctions(WithObject):
    """`POST …/run`, and the calls that one has made before."""

    @extend_schema(request=RunInput, responses=RunSerializer)
    @action(detail=True, methods=["post"], url_path="run", url_name="run")
    def run(self, request: Request, **named: str) -> HttpResponse:
        """Call a function.

        Through the gateway's own door, as everybody's calls go. What the function answers is in the answer, errors
        too: its status says nothing about them. Give no Idempotency-Key to have each request call it.
        """
        function: Function = self.get_object()
        body = self.read_body(RunInput)
        draft = _draft(self.actor, function) if body["draft"] else None
        begun = begin_call(_asked(function, body), actor=self.actor, function=function, draft=draft)
        shown = _shown(Answered.unknown(begun.request_id), "", None)
        return afterwards(answer(RunSerializer(shown).data), partial(_finish, begun))

    @extend_schema(responses=CallsSerializer)
    @action(detail=True, methods=["get"], url_path="calls", url_name="calls")
    def calls(self, request: Request, **named: str) -> HttpResponse:
        """List the calls of a function.

        The newest twenty that you made from the console or by the API. Credentials in headers aren't kept.
        """
        rows = list_calls(actor=self.actor, function=self.get_object())
        return answer({"items": CallSerializer(rows, many=True).data})


def _asked(function: Function, body: dict[str, Any]) -> Asked:
    content = body["body"].encode(errors="replace")
    if body["body_base64"]:
        if content:
            raise InvalidInput(fields={"body_base64": [_("Send the body once: as text or in base64.")]})
        try:
            content = base64.b64decode(body["body_base64"], validate=True)
        except (binascii.Error, ValueError):
            raise InvalidInput(fields={"body_base64": [_("This is no base64.")]}) from None
    headers = tuple((each["name"], each["value"]) for each in body["headers"])
    return Asked(body["method"].upper(), body["path"] or path_of(function.base_name), body["query"], headers, content)


def _draft(actor: Any, function: Function) -> Draft:
    found = get_draft(actor=actor, function=function)
    if found is None:
        raise InvalidInput(fields={"draft": [_("You have no draft of it.")]})
    return found


def _finish(begun: Begun) -> HttpResponse:
    called, function = finish_call(begun), begun.function
    try:
        logs = [line.as_json() for line in logs_of_call(function.gateway, called.answered.request_id)]
    except Unavailable:
        # The answer is there all the same
        logs = None
    return answer(RunSerializer(_shown(called.answered, called.call.pk, logs)).data)


def _shown(answered: Answered, call_id: str, logs: list[dict[str, Any]] | None) -> dict[str, Any]:
    shown = shown_body(answered.body)
    return {
        "id": call_id,
        "request_id": answered.request_id,
        "status": answered.status,
        "headers": [{"name": name, "value": value} for name, value in answered.headers],
        **shown,
        "is_cut": answered.is_cut,
        "ms": round(answered.ms, 1),
        "error": answered.error,
        "detail": answered.detail,
        "logs": logs,
    }
