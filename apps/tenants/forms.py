"""The forms of a workspace's pages. What is allowed is decided by the services; these only ask."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.core.errors import Text
from apps.core.web.widgets import Choices
from apps.tenants.member import Member
from apps.tenants.models import LONGEST_NAME, LONGEST_SLUG
from apps.tenants.roles import ROLES_OF, Role
from apps.tenants.roles_table import SUMMARIES, reach_of
from apps.tenants.services.invitations import LONGEST_NOTE


class RoleChoices(Choices):
    """Roles as cards, each with what it does and the stages that it writes to."""

    template_name = "tenants/_role_choices.html"
    kind = ""

    def create_option(self, name: str, value: Any, *arguments: Any, **named: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *arguments, **named)
        option["reach"] = reach_of(str(value), self.kind)
        return option


class _RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), widget=RoleChoices, error_messages={"required": _("Choose a role.")})

    def __init__(self, *arguments: Any, actor: Member, refused: dict[str, Text] | None = None, **options: Any) -> None:
        """What the actor can't give stays in sight, with the reason."""
        super().__init__(*arguments, **options)
        field = self.fields["role"]
        assert isinstance(field, forms.ChoiceField)
        assert isinstance(field.widget, RoleChoices)
        field.widget.kind = actor.tenant.kind
        field.widget.hints = dict(SUMMARIES)
        field.widget.refused = dict(refused or {})
        # The least comes first, so that nobody gives the most by haste
        field.choices = [(role, role.label) for role in reversed(ROLES_OF[actor.tenant.kind])]


class InviteForm(_RoleForm):
    emails = forms.CharField(
        label=_("E-mail"),
        help_text=_("One on each line, up to 20."),
        error_messages={"required": _("Write at least one address.")},
        widget=forms.Textarea(attrs={"rows": 3, "autofocus": True, "spellcheck": "false"}),
    )
    note = forms.CharField(
        label=_("Message"), required=False, max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 2})
    )
    field_order = ("emails", "role", "note")

    def __init__(self, *arguments: Any, actor: Member, **options: Any) -> None:
        text = _("Given to members only. Invite as admin, then change the role.")
        super().__init__(*arguments, actor=actor, refused={Role.OWNER: text}, **options)

    def clean_emails(self) -> list[str]:
        """Also as people paste them: in one line, or with names as in a list of recipients."""
        text: str = self.cleaned_data["emails"]
        return [address for part in re.split(r"[\n,;]+", text) for address in _addresses_in(part)]


def _addresses_in(text: str) -> list[str]:
    """`Ada Lindqvist <ada@tidewater.example>` is one, `ada@… claes@…` are two."""
    return [text.rpartition("<")[2].strip("> ")] if "<" in text else text.split()


class ChangeRoleForm(_RoleForm):
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *arguments: Any, actor: Member, **options: Any) -> None:
        refused: dict[str, Text] = {}
        if not actor.may("workspace.hand_over"):
            refused[Role.OWNER] = _("An owner is made by an owner.")
        super().__init__(*arguments, actor=actor, refused=refused, **options)


class AddressForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autofocus": True}))


class WorkspaceForm(forms.Form):
    version = forms.IntegerField(widget=forms.HiddenInput)
    name = forms.CharField(label=_("Name"), max_length=LONGEST_NAME)
    slug = forms.CharField(
        label=_("Address"),
        max_length=LONGEST_SLUG,
        help_text=_("Small letters, digits and hyphens. Once it's changed, links with the old address stop working."),
        widget=forms.TextInput(attrs={"class": "mono", "autocomplete": "off", "spellcheck": "false"}),
    )


class JoinForm(forms.Form):
    """Somebody new, by the link that was mailed to them."""

    name = forms.CharField(label=_("Your name"), max_length=120, widget=forms.TextInput({"autocomplete": "name"}))
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        help_text=_("12 characters or more."),
        widget=forms.PasswordInput({"autocomplete": "new-password"}),
    )
