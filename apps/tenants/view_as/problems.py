from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem


class OnlyLooking(Problem):
    slug = "only-looking"
    status = 403
    title = _("You are only looking")
    advice = _("You see the console as somebody else. End that first; then you act as yourself again.")
