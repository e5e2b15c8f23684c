"""The forms of functions' pages. What is allowed is decided by the services; these only ask."""

from collections.abc import Collection

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.functions.models import LONGEST_DESCRIPTION, LONGEST_NAME
from apps.functions.services.wishes import LONGEST_TIMEOUT_MS, METHODS, SHORTEST_TIMEOUT_MS
from apps.functions.templates import TEMPLATES, USUAL_TEMPLATE
from apps.gateways.sizes import StageName

_OF_CODE = {"class": "mono", "autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class NameForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        help_text=_(
            "The path of its calls: user/me, user/:id for any user, files/*path for all below, or index for /."
        ),
        widget=forms.TextInput({**_OF_CODE, "autofocus": True}),
    )


class NewFunctionForm(NameForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        required=False,
        help_text=_(
            "The path of its calls: user/me, user/:id for any, or index for /. Left empty, it's the template's."
        ),
        widget=forms.TextInput({**_OF_CODE, "autofocus": True}),
    )
    stage = forms.ChoiceField(
        label=_("Stage"),
        choices=StageName.choices,
        help_text=_("Code begins in dev, and moves on to the others from there."),
    )
    description = forms.CharField(
        label=_("Description"),
        max_length=LONGEST_DESCRIPTION,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    template = forms.ChoiceField(
        label=_("Begin with"),
        choices=[(each.slug, each.title) for each in TEMPLATES.values()],
        initial=USUAL_TEMPLATE,
    )

    field_order = ("name", "stage", "description", "template")


class CopyForm(NameForm):
    stage = forms.ChoiceField(label=_("Into"), choices=StageName.choices)


class RestoreForm(NameForm):
    pass


class SettingsForm(forms.Form):
    base_version = forms.IntegerField(widget=forms.HiddenInput)
    description = forms.CharField(
        label=_("Description"),
        max_length=LONGEST_DESCRIPTION,
        required=False,
        widget=forms.TextInput({"autocomplete": "off", "autofocus": True}),
    )
    methods = forms.MultipleChoiceField(
        label=_("Methods"),
        choices=[(method, method) for method in METHODS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Others get 405 with those that it takes. None chosen: it answers all of them."),
    )
    timeout_ms = forms.IntegerField(
        label=_("Time limit, in milliseconds"),
        min_value=SHORTEST_TIMEOUT_MS,
        max_value=LONGEST_TIMEOUT_MS,
        help_text=_("A call that takes longer is ended with 504."),
    )
    tags = forms.CharField(
        label=_("Tags"),
        required=False,
        help_text=_("With commas between them. They're for finding it."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def clean_tags(self) -> list[str]:
        return [tag.strip() for tag in str(self.cleaned_data["tags"]).split(",") if tag.strip()]


def in_stages(form: forms.BaseForm, stages: Collection[str]) -> forms.BaseForm:
    """Offers only those in which somebody may write."""
    chosen = form.fields["stage"]
    assert isinstance(chosen, forms.ChoiceField)
    chosen.choices = [(stage, stage) for stage in stages]
    return form
