"""The forms of triggers' pages. What is allowed is decided by the services; these only ask."""

import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.errors import InvalidInput, Text
from apps.core.web.widgets import Choices
from apps.functions.services.wishes import METHODS
from apps.triggers.cron import LONGEST_EXPRESSION
from apps.triggers.models import LONGEST_NOTE, LONGEST_PATH, LONGEST_QUERY, Trigger
from apps.triggers.services.checking import read_payload
from apps.triggers.zones import zone_names

_OF_CODE = {"class": "mono", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
OVERLAP_HINTS: Mapping[str, Text] = {
    Trigger.Overlap.SKIP: _("A run that is due while the one before goes on isn't made."),
    Trigger.Overlap.QUEUE: _("Up to ten wait for their turn, one after the other."),
    Trigger.Overlap.PARALLEL: _("Up to ten at once."),
}
MISSED_HINTS: Mapping[str, Text] = {
    Trigger.Missed.SKIP: _("What was due while the gateway was stopped stays undone."),
    Trigger.Missed.ONCE: _("One run, as soon as it can, stands for all that were missed."),
}


class TriggerForm(forms.Form):
    expression = forms.CharField(
        label=_("When"),
        max_length=LONGEST_EXPRESSION,
        help_text=_("Minute, hour, day of the month, month, day of the week; with a sixth field, seconds come first."),
        widget=forms.TextInput({**_OF_CODE, "placeholder": "0 9 * * mon-fri"}),
    )
    zone = forms.CharField(
        label=_("Time zone"),
        help_text=_("The clock of this place decides, also where it changes in spring and autumn."),
        widget=forms.TextInput({**_OF_CODE, "list": "zones"}),
    )
    method = forms.ChoiceField(label=_("Method"), choices=[(method, method) for method in METHODS], initial="POST")
    path = forms.CharField(
        label=_("Path"),
        required=False,
        max_length=LONGEST_PATH,
        help_text=_("Empty: the function's own. With parameters, say what stands for them, such as /user/7."),
        widget=forms.TextInput(_OF_CODE),
    )
    query = forms.CharField(
        label=_("Query"), required=False, max_length=LONGEST_QUERY, widget=forms.TextInput({**_OF_CODE})
    )
    payload = forms.CharField(
        label=_("Payload"),
        required=False,
        help_text=_("JSON that the function gets as its body. Empty: none."),
        widget=forms.Textarea({**_OF_CODE, "rows": 4}),
    )
    overlap = forms.ChoiceField(
        label=_("While a run goes on"),
        choices=Trigger.Overlap.choices,
        initial=Trigger.Overlap.SKIP,
        widget=Choices(hints=OVERLAP_HINTS),
    )
    missed = forms.ChoiceField(
        label=_("Missed runs"),
        choices=Trigger.Missed.choices,
        initial=Trigger.Missed.SKIP,
        widget=Choices(hints=MISSED_HINTS),
    )
    note = forms.CharField(
        label=_("Note"), required=False, max_length=LONGEST_NOTE, widget=forms.TextInput({"autocomplete": "off"})
    )

    def clean_payload(self) -> Any:
        try:
            return read_payload(str(self.cleaned_data["payload"]))
        except InvalidInput as problem:
            raise forms.ValidationError([str(text) for text in problem.fields["payload"]]) from None

    @property
    def zones(self) -> tuple[str, ...]:
        return zone_names()


class NewTriggerForm(TriggerForm):
    function = forms.ChoiceField(label=_("Function"))

    field_order = ("function",)


class EditTriggerForm(TriggerForm):
    version = forms.IntegerField(widget=forms.HiddenInput)


def initial_of(trigger: Trigger) -> dict[str, Any]:
    names = ("version", "expression", "zone", "method", "path", "query", "overlap", "missed", "note")
    payload = "" if trigger.payload is None else json.dumps(trigger.payload, ensure_ascii=False, indent=2)
    return {**{name: getattr(trigger, name) for name in names}, "payload": payload}
