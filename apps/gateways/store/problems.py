from django.utils.translation import gettext_lazy as _

from apps.core.errors import Unavailable


class Away(Unavailable):
    slug = "gateway-database-away"
    title = _("The gateway's database can't be reached")
    advice = _("Try again shortly. What was saved is kept, and goes live once the database is back.")
