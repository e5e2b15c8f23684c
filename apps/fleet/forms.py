from django import forms
from django.utils.translation import gettext_lazy as _

from apps.fleet.services.clusters import LONGEST_DOMAIN_HERE, LONGEST_LABEL, LONGEST_REASON, LONGEST_TITLE


class ClusterForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_LABEL,
        help_text=_("Lower-case letters, digits and hyphens. It stays, as it's in addresses."),
        error_messages={"required": _("Give it a name.")},
        widget=forms.TextInput(attrs={"class": "mono", "autofocus": True, "spellcheck": "false"}),
    )
    title = forms.CharField(
        label=_("Title"),
        max_length=LONGEST_TITLE,
        required=False,
        help_text=_("For people, where the name says too little."),
    )
    region = forms.CharField(
        label=_("Region"),
        max_length=LONGEST_LABEL,
        help_text=_("Clusters of one region stand together: eu-central-1, on-premises."),
        error_messages={"required": _("Say in which region it is.")},
    )
    provider = forms.CharField(
        label=_("Provider"), max_length=LONGEST_LABEL, required=False, help_text=_("Who runs its machines.")
    )
    domain = forms.CharField(
        label=_("Domain"),
        max_length=LONGEST_DOMAIN_HERE,
        help_text=_("Gateways answer below it: with eu.api.example, at parcels.dev.eu.api.example."),
        error_messages={"required": _("Gateways need a domain to answer below.")},
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false"}),
    )


class MaintenanceForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        help_text=_("Everybody who waits for this cluster reads it, and the audit log keeps it."),
        error_messages={"required": _("Say why.")},
        widget=forms.Textarea(attrs={"rows": 2, "autofocus": True}),
    )
