"""The forms of gateways' pages. What is allowed is decided by the services; these only ask."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.secret_names import names_a_secret
from apps.core.web.widgets import Choices
from apps.gateways.egress import EgressMode
from apps.gateways.env import read_env
from apps.gateways.models import LONGEST_NAME, LONGEST_REASON, LONGEST_TITLE
from apps.gateways.sizes import Layout, SizeName

# More than anybody fills in on one page; a longer file is pasted in parts
MOST_ROWS = 100


# --- Variables, as many as wanted ------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    name: str = ""
    value: str = ""
    is_secret: bool = False
    errors: tuple[str, ...] = field(default=())

    @property
    def is_empty(self) -> bool:
        return not (self.name or self.value)


def rows_in(data: QueryDict) -> list[Row]:
    """As the page sends them: names and values side by side, and the places of those that are secret."""
    secret = set(data.getlist("secret"))
    pairs = zip(data.getlist("variable"), data.getlist("value"), strict=False)
    return [Row(name.strip(), value, str(place) in secret) for place, (name, value) in enumerate(pairs)][:MOST_ROWS]


def filled(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if not row.is_empty]


def edited(data: QueryDict) -> tuple[list[Row], list[str]] | None:
    """The rows after one of the buttons beside them was pressed, with what can't be read; None for another button."""
    rows = rows_in(data)
    if "add" in data:
        return [*rows, Row()], []
    if "paste" in data:
        return _with_pasted(filled(rows), data.get("env", ""))
    if "remove" in data:
        return [row for place, row in enumerate(rows) if str(place) != data["remove"]], []
    return None


def _with_pasted(rows: list[Row], text: str) -> tuple[list[Row], list[str]]:
    """What is called like a secret is taken for one."""
    read = read_env(text)
    known = {row.name: row for row in rows}
    known.update({line.name: Row(line.name, line.value, names_a_secret(line.name)) for line in read.lines})
    said = _("Line %(number)d: %(text)s")
    unread = [said % {"number": each.number, "text": each.text} for each in read.mistakes]
    return list(known.values())[:MOST_ROWS], unread


def with_errors(rows: Sequence[Row], fields: Mapping[str, Sequence[Any]], *, below: str = "variables") -> list[Row]:
    """The rows, each with what the service found wrong at `/variables/NAME…`, by its name or its place among them."""
    found = list(rows)
    for path, errors in fields.items():
        parts = path.strip("/").split("/")
        if parts[0] != below or len(parts) < 2:
            continue
        for place, row in enumerate(found):
            if parts[1] in (str(place), row.name):
                found[place] = replace(row, errors=(*row.errors, *(str(error) for error in errors)))
    return found


# --- Forms -----------------------------------------------------------------------------------------


class NewGatewayForm(forms.Form):
    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=LONGEST_TITLE,
        help_text=gettext_lazy("For people. Can be changed later."),
        widget=forms.TextInput({"autocomplete": "off", "autofocus": True}),
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=LONGEST_NAME,
        help_text=gettext_lazy("In every host name, so it stays for good. Lower case, digits, hyphens."),
        widget=forms.TextInput(
            {
                "class": "mono",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "data-name-from": "id_title",
            }
        ),
    )
    cluster = forms.CharField(label=gettext_lazy("Cluster"))
    size = forms.ChoiceField(label=gettext_lazy("Bundle"), choices=SizeName.choices, initial=SizeName.SMALL)
    layout = forms.ChoiceField(label=gettext_lazy("Processes"), choices=Layout.choices, initial=Layout.PROD_APART)


class BundleForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    size = forms.ChoiceField(label=gettext_lazy("Bundle"), choices=SizeName.choices)
    layout = forms.ChoiceField(label=gettext_lazy("Processes"), choices=Layout.choices)


class RenameForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    title = forms.CharField(
        label=gettext_lazy("Title"),
        max_length=LONGEST_TITLE,
        help_text=gettext_lazy("For people. Host names don't change with it."),
        widget=forms.TextInput({"autocomplete": "off", "autofocus": True}),
    )


class EgressForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    egress_mode = forms.ChoiceField(
        label=gettext_lazy("Functions may connect to"), choices=EgressMode.choices, widget=Choices
    )
    egress_hosts = forms.CharField(
        label=gettext_lazy("Hosts"),
        required=False,
        help_text=gettext_lazy(
            "One a line, such as api.example.com or *.example.com. They count for listed hosts only."
        ),
        widget=forms.Textarea({"class": "mono", "rows": 5, "autocomplete": "off", "spellcheck": "false"}),
    )


class TransferForm(forms.Form):
    owner = forms.ChoiceField(label=gettext_lazy("New owner"))


class StageForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST_REASON,
        help_text=gettext_lazy("Callers read it in the answer, so write it for them."),
        widget=forms.TextInput({"autocomplete": "off", "autofocus": True}),
    )


class DomainForm(forms.Form):
    host = forms.CharField(
        label=gettext_lazy("Host name"),
        max_length=300,
        help_text=gettext_lazy("Such as api.example.com, alone: no https:// and no path."),
        widget=forms.TextInput(
            {
                "class": "mono",
                "autocomplete": "off",
                "autocapitalize": "none",
                "spellcheck": "false",
                "inputmode": "url",
                "autofocus": True,
            }
        ),
    )


class VariableForm(forms.Form):
    """One that is there already: its name stays, and a secret stays secret."""

    value = forms.CharField(
        label=gettext_lazy("New value"),
        strip=False,
        widget=forms.Textarea({"class": "mono", "rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )
