from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem


class ChooseTenant(Problem):
    slug = "choose-tenant"
    status = 400
    title = _("Say which workspace you mean")
    advice = _("Send the header Imp-Tenant with the workspace's address or id; you are in several.")


class TenantSuspended(Problem):
    slug = "tenant-suspended"
    status = 403
    title = _("This workspace is suspended")
    advice = _("Nothing of it can be read or changed until the platform's operators resume it.")


class TokenTooNarrow(Problem):
    slug = "token-too-narrow"
    status = 403
    title = _("This token may not do that")
    advice = _("Make a token with the scope that the answer names, and use that one.")
