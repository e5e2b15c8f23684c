from django.utils.translation import gettext_lazy as _

from apps.core.errors import Conflict


class DependenciesBusy(Conflict):
    slug = "dependencies-busy"
    title = _("Another change of the packages is under way")
    advice = _("Wait until it's done, or discard it, and then ask again.")
