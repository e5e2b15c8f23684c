from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.functions.dependencies.wanted import refusal_of, split_wish


class AddForm(forms.Form):
    """One or several, as `npm install` takes them."""

    packages = forms.CharField(
        label=_("Packages"),
        max_length=2_000,
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "mono", "placeholder": "zod@^3.23"}),
        help_text=_("Names from npm, with a version or a range if you want: zod, or date-fns@^3. Several with spaces."),
    )

    def clean_packages(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for each in self.cleaned_data["packages"].split():
            name, version = split_wish(each)
            if refusal := refusal_of(name, version):
                raise forms.ValidationError("%(each)s: %(refusal)s", params={"each": each[:80], "refusal": refusal})
            found[name] = version
        return found


class VersionForm(forms.Form):
    version = forms.CharField(
        label=_("Version"),
        max_length=64,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "class": "mono"}),
        help_text=_("Such as 3.23.8, or a range such as ^3.23. Empty: the newest."),
    )

    def __init__(self, *arguments: Any, name: str = "", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.name = name

    def clean_version(self) -> str:
        version: str = self.cleaned_data["version"].strip()
        if refusal := refusal_of(self.name, version):
            raise forms.ValidationError(refusal)
        return version
