from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem


class TokenRefused(Problem):
    slug = "token-refused"
    status = 401
    title = _("This token doesn't let you in")
    advice = _("Make a new one on your account's page, and send it as: Authorization: Bearer imp_pat_…")


class ConfirmFirst(Problem):
    slug = "confirm-first"
    status = 403
    title = _("Say first that it's you")
    advice = _("Open /account/confirm in the same browser, give your password or code, and send the request again.")
