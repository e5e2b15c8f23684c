"""Widgets that Django doesn't have. Its own need nothing: they are styled as they are."""

from collections.abc import Mapping
from typing import Any

from django import forms

from apps.core.errors import Text


class Choices(forms.RadioSelect):
    """Radios as cards. `hints` explains values; `refused` says why a value can't be chosen now, and disables it."""

    template_name = "widgets/choices.html"

    def __init__(
        self,
        attrs: dict[str, Any] | None = None,
        choices: Any = (),
        *,
        hints: Mapping[str, Text] | None = None,
        refused: Mapping[str, Text] | None = None,
    ) -> None:
        super().__init__(attrs, choices)
        self.hints = dict(hints or {})
        self.refused = dict(refused or {})

    def create_option(self, name: str, value: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *arguments, **named)
        key = str(value)
        option["hint"] = self.refused.get(key) or self.hints.get(key, "")
        if key in self.refused:
            option["attrs"]["disabled"] = True
        return option


class Segmented(forms.RadioSelect):
    """A few short choices side by side, such as the theme."""

    template_name = "widgets/segmented.html"


class Switch(forms.CheckboxInput):
    """On or off, for what takes effect by itself."""

    def __init__(self, attrs: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__({"role": "switch", **(attrs or {})}, **options)


class OneTimeCode(forms.TextInput):
    """Six digits from an authenticator; the sixth sends the form."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        defaults = {
            "class": "otp",
            "inputmode": "numeric",
            "autocomplete": "one-time-code",
            "pattern": "[0-9]*",
            "maxlength": 6,
        }
        super().__init__({**defaults, **(attrs or {})})
