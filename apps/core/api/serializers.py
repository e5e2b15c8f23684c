"""Serializers that take exactly what the reference says: no unknown field, no text where a number belongs."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

# REST framework takes 1 for "1" and "yes" for true; a typed client's mistake is told instead. First match counts.
JSON_TYPES: tuple[tuple[type[serializers.Field[Any, Any, Any, Any]], tuple[type, ...], Any], ...] = (
    (serializers.BooleanField, (bool,), gettext_lazy("Write true or false.")),
    (serializers.IntegerField, (int,), gettext_lazy("Write a whole number.")),
    (serializers.FloatField, (int, float), gettext_lazy("Write a number.")),
    (serializers.DecimalField, (str, int, float), gettext_lazy("Write a number.")),
    (serializers.MultipleChoiceField, (list,), gettext_lazy("Write a list.")),
    (serializers.CharField, (str,), gettext_lazy("Write text in quotes.")),
    (serializers.ChoiceField, (str,), gettext_lazy("Write text in quotes.")),
    (serializers.DateTimeField, (str,), gettext_lazy("Write a time such as 2027-01-31T09:30:00Z.")),
    (serializers.DateField, (str,), gettext_lazy("Write a date such as 2027-01-31.")),
)


class StrictInput(serializers.Serializer[Any]):
    """Mix into anything that reads a body."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            errors = {**self._unknown(data), **self._mistyped(data)}
            if errors:
                raise ValidationError(errors)
        return super().to_internal_value(data)

    def _unknown(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        writable = {name for name, field in self.fields.items() if not field.read_only}
        refused: dict[str, list[ErrorDetail]] = {}
        for name in data:
            if name in writable:
                continue
            if name in self.fields:
                refused[name] = [ErrorDetail(_("This field can only be read."), code="read_only")]
            else:
                refused[name] = [ErrorDetail(_("There is no such field."), code="unknown")]
        return refused

    def _mistyped(self, data: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        refused: dict[str, list[ErrorDetail]] = {}
        for name, value in data.items():
            field = self.fields.get(name)
            if value is None or field is None:
                continue
            for kind, types, message in JSON_TYPES:
                if isinstance(field, kind):
                    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
                        refused[name] = [ErrorDetail(str(message), code="type")]
                    break
        return refused


class Input(StrictInput):
    """What a create, an update or a verb takes."""


class ModelInput(StrictInput, serializers.ModelSerializer[Any]):
    """What a create or an update takes, where the fields are columns of a model."""
