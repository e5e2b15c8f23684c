from django.utils.translation import gettext_lazy as _

from apps.core.errors import Unavailable


class SearchTookTooLong(Unavailable):
    slug = "log-search-too-long"
    title = _("The search took too long")
    advice = _("Search a shorter time, or name the function, the stage or the request id.")
