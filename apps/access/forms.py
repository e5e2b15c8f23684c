from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from apps.access.models import AccessToken
from apps.access.scopes import ScopeGroup, groups_for, scopes_for
from apps.core import clock
from apps.tenants.models import Membership, Tenant
from apps.tenants.roles import SCOPES

DAYS = (7, 30, 90, 365)
USUAL_DAYS = 90


class TokenForm(forms.Form):
    """Which scopes are offered depends on the workspace; the form is fetched again when that changes."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=AccessToken._meta.get_field("name").max_length,
        help_text=gettext_lazy("Where it will live. You find it in the list and in the audit log."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    tenant = forms.ChoiceField(label=gettext_lazy("Workspace"), required=False)
    expires_at = forms.TypedChoiceField(label=gettext_lazy("Ends after"), coerce=int, initial=USUAL_DAYS)
    everything = forms.BooleanField(
        label=gettext_lazy("Everything that I may"),
        required=False,
        help_text=gettext_lazy("All of the list below, as far as your role goes."),
    )
    scopes = forms.MultipleChoiceField(
        label=pgettext_lazy("what a token may", "May"), choices=[(scope, scope) for scope in SCOPES], required=False
    )

    def __init__(self, *arguments: Any, memberships: Sequence[Membership], **options: Any) -> None:
        # Ids of its own: the account's page, under the dialog, has a field for a name too
        super().__init__(*arguments, **{"auto_id": "token_%s", **options})
        self.workspaces = {membership.tenant_id: membership.tenant for membership in memberships}
        named = [(pk, tenant.name) for pk, tenant in self.workspaces.items()]
        choices = {
            "tenant": [*named, ("", _("Every one of mine"))],
            "expires_at": [(days, _length(days)) for days in DAYS],
        }
        for name, offered in choices.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = offered
        if not self.is_bound:
            self.initial.setdefault("tenant", next(iter(self.workspaces), ""))

    @property
    def chosen(self) -> Tenant | None:
        """The workspace that is chosen at the moment, also in a form that isn't sent yet."""
        return self.workspaces.get(str(self["tenant"].value() or ""))

    @property
    def scope_groups(self) -> list[ScopeGroup]:
        return list(groups_for(self._kinds, with_account=self.chosen is None))

    @property
    def ticked(self) -> list[str]:
        return list(self["scopes"].value() or [])

    @property
    def _kinds(self) -> list[str]:
        tenants = [self.chosen] if self.chosen else self.workspaces.values()
        return [tenant.kind for tenant in tenants]

    def wanted(self) -> dict[str, Any]:
        """What the service is asked for."""
        values = self.cleaned_data
        # For every workspace, also one that somebody is in later
        everything = scopes_for([self.chosen.kind], with_account=False) if self.chosen else list(SCOPES)
        return {
            "name": values["name"],
            "tenant": self.chosen,
            "scopes": everything if values["everything"] else values["scopes"],
            "expires_at": end_after(values["expires_at"]),
        }


def end_after(days: int) -> datetime:
    """The end of the day, so that a token made in the evening lasts as long as one made in the morning."""
    day = timezone.localdate(clock.now()) + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, time(23, 59, 59)))


def _length(days: int) -> str:
    # How a date is written, in the letters of Django's date filter
    day = date_format(end_after(days).date(), pgettext("date", "j M Y"))
    if days == max(DAYS):
        return _("1 year, the most, on %(day)s") % {"day": day}
    return _("%(count)d days, on %(day)s") % {"count": days, "day": day}
