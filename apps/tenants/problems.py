from django.utils.translation import gettext_lazy as _

from apps.core.errors import Conflict, NotAllowed, Problem


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


class TenantInUse(Conflict):
    slug = "tenant-in-use"
    title = _("Something of this workspace still runs")
    advice = _("Delete what the answer names first, and wait until it's gone.")


class LastOwner(Conflict):
    slug = "last-owner"
    title = _("The last owner stays")
    advice = _("Make someone else an owner first, or delete the workspace.")


class InvitationForSomeoneElse(NotAllowed):
    slug = "invitation-for-someone-else"
    title = _("This invitation is for another address")
    advice = _("Sign in with the account of the address that was invited, or ask for an invitation to yours.")


class InvitationEnded(Problem):
    slug = "invitation-ended"
    status = 410
    title = _("This invitation doesn't work any more")
    advice = _("Each link works once and for 7 days. Ask whoever invited you to send it again.")
