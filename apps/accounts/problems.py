from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem


class LinkEnded(Problem):
    slug = "link-ended"
    status = 410
    title = _("This link doesn't work any more")
    advice = _("Each link works once and for a while. Ask for a new one; it goes to the same address.")


class ConfirmFirst(Problem):
    slug = "confirm-first"
    status = 403
    title = _("Confirm that it's you")
    advice = _("Type your password or a code at /account/confirm in this browser, then send it again.")


class SecondFactorFirst(Problem):
    """For operators, who have their rights only with one."""

    slug = "second-factor-first"
    status = 403
    title = _("Set up a second factor first")
    advice = _(
        "Operators have their rights only with a second factor. Set one up at /account/second-factor/on, then do this "
        "again."
    )
    mended_at = ("mfa_activate_totp", _("Set up a second factor"))
