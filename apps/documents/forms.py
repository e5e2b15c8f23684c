"""The forms of the tab Data. What is allowed is decided by the runtime, which keeps the documents."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.errors import InvalidInput
from apps.documents.values import LONGEST, read_object

_OF_CODE = {"class": "mono", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class ObjectField(forms.CharField):
    """JSON of an object, which it gives."""

    def __init__(self, *, is_tall: bool = False, placeholder: str = "", **options: Any) -> None:
        classes = "mono is-tall" if is_tall else "mono"
        widget = forms.Textarea({**_OF_CODE, "class": classes, "placeholder": placeholder})
        super().__init__(widget=widget, max_length=LONGEST, strip=False, **options)

    def clean(self, value: Any) -> Any:
        try:
            return read_object(super().clean(value), "value")
        except InvalidInput as problem:
            raise forms.ValidationError(problem.fields["value"]) from None


class CollectionForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=48,
        help_text=_("A letter, then letters, digits, _ and -."),
        widget=forms.TextInput(_OF_CODE),
    )


class DocumentForm(forms.Form):
    document = ObjectField(
        label=_("Document"),
        is_tall=True,
        help_text=_('JSON. A date is written as {"$date": "2026-01-31T12:00:00Z"}.'),
    )
    version = forms.CharField(required=False, widget=forms.HiddenInput)


class DeleteDocumentForm(forms.Form):
    """Of the document that was shown."""

    version = forms.CharField(widget=forms.HiddenInput)


class NewDocumentForm(forms.Form):
    document = ObjectField(
        label=_("Document"),
        is_tall=True,
        initial="{\n  \n}",
        help_text=_('JSON. Without an _id, it gets one. A date is written as {"$date": "2026-01-31T12:00:00Z"}.'),
    )


class IndexForm(forms.Form):
    keys = ObjectField(
        label=_("Fields"),
        placeholder='{"status": 1, "created": -1}',
        help_text=_("In their order: 1 is ascending, -1 descending. What filters compare with = comes first."),
    )
    is_unique = forms.BooleanField(
        label=_("Unique"),
        required=False,
        help_text=_("No two documents may have the same values in these fields. A missing field counts as null."),
    )
