from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem


class TokenRefused(Problem):
    slug = "token-refused"
    status = 401
    title = _("This token doesn't let you in")
    advice = _("Make a new one on your account's page, and send it as: Authorization: Bearer imp_pat_…")
