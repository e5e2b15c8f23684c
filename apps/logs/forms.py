from django import forms
from django.utils.translation import gettext_lazy as _

from apps.logs.models import LEAST_MEGABYTES, MOST_DAYS, MOST_MEGABYTES


class RetentionForm(forms.Form):
    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=MOST_DAYS,
        help_text=_("From 1 to 90. Whole days are dropped, counted in UTC."),
    )
    megabytes = forms.IntegerField(
        label=_("At most, in MB"),
        min_value=LEAST_MEGABYTES,
        max_value=MOST_MEGABYTES,
        help_text=_("The oldest days go first where a log grows beyond it."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)
