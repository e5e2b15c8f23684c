from typing import Any

from django import forms

from apps.core.web.widgets import Choices, OneTimeCode, Segmented, Switch

STAGES = (("dev", "dev"), ("staging", "staging"), ("prod", "prod"))


class Example(forms.Form):
    """One field of each kind."""

    name = forms.CharField(
        label="Name", help_text="Lower case, digits, hyphens.", widget=forms.TextInput({"class": "mono"})
    )
    bundle = forms.ChoiceField(
        label="Bundle",
        required=False,
        choices=[("small", "Small, 0.5 vCPU"), ("standard", "Standard, 2 vCPU")],
    )
    region = forms.CharField(
        label="Region",
        disabled=True,
        required=False,
        initial="eu-central-1",
        help_text="Set when the gateway was made.",
    )
    note = forms.CharField(label="Release note", widget=forms.Textarea({"rows": 3, "placeholder": "What changes?"}))
    stage = forms.ChoiceField(
        label="Stage",
        choices=STAGES,
        initial="staging",
        widget=Choices(
            hints={"dev": "Free to choose", "staging": "What most choose"},
            refused={"prod": "Release to staging first."},
        ),
    )
    checks = forms.MultipleChoiceField(
        label="Checks",
        required=False,
        choices=[("notify", "Notify subscribers"), ("pin", "Pin this version")],
        initial=["notify"],
        widget=forms.CheckboxSelectMultiple,
    )
    drift = forms.ChoiceField(
        label="Drift",
        choices=[("correct", "Correct drift"), ("report", "Report only")],
        initial="correct",
        widget=forms.RadioSelect,
    )
    span = forms.ChoiceField(
        label="Range",
        choices=[("day", "24 h"), ("week", "7 days"), ("month", "30 days")],
        initial="week",
        widget=Segmented,
    )
    pipeline = forms.BooleanField(label="Pipeline", required=False, initial=True, widget=Switch)
    agreed = forms.BooleanField(
        label="I have read the release note", help_text="It goes to 126 subscribers, in their language."
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name == "parcel-tracking":
            raise forms.ValidationError("Taken by another gateway. Try parcel-tracking-2.")
        return name


class Code(forms.Form):
    code = forms.CharField(label="One-time code", widget=OneTimeCode, help_text="The sixth digit sends it.")


def with_errors() -> Example:
    """The form as it comes back when nothing fits."""
    data: dict[str, Any] = {"name": "parcel-tracking", "stage": "staging", "drift": "report", "span": "day"}
    return Example(data, auto_id="wrong_%s")
