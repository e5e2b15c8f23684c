from django.utils.translation import gettext_lazy as _

from apps.core.errors import Conflict


class TooManyTriggers(Conflict):
    slug = "too-many-triggers"
    title = _("The gateway has as many triggers as it may")
    advice = _("Delete one that isn't needed any more, or let one function do the work of several.")


class TooManyWaiting(Conflict):
    slug = "too-many-waiting"
    title = _("Too many runs of this trigger wait already")
    advice = _("Wait until some have ended. If none ends, look at the function's log.")


class FunctionGone(Conflict):
    slug = "function-gone"
    title = _("The trigger's function isn't there any more")
    advice = _("Restore the function from the recycle bin, or delete the trigger.")
