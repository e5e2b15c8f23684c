from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Conflict, Text, TooManyRequests, Unavailable
from apps.gateways.call_problems import TimedOut


class GatewayStopped(Conflict):
    slug = "gateway-stopped"
    title = _("The gateway is stopped")
    advice = _("Start it on its page; then its functions can be called.")


class GatewayNotReady(Unavailable):
    slug = "gateway-not-ready"
    title = _("The gateway isn't there yet")
    advice = _("Wait until it's started, which its page shows, and call again.")


class GatewayOutOfReach(Unavailable):
    slug = "gateway-out-of-reach"
    title = _("The gateway can't be reached")
    advice = _(
        "Nothing was called. The agent of its cluster may be away, or its port closed to the platform: the timeline "
        "on the gateway's page and the cluster's page tell more. Try again once it's back."
    )


class TooManyRuns(TooManyRequests):
    slug = "too-many-runs"
    title = _("Too many functions are being called from the console")
    advice = _("Try again in a moment, or call the gateway's own address, which has no such limit.")


class TooManyQuestions(TooManyRequests):
    slug = "too-many-questions"
    title = _("Too much is being asked of this gateway's data")
    advice = _("What was asked before still takes its time. Try again in a moment.")


class Unanswered(Exception):
    """No answer came. Says by its slug and detail what is known of it."""

    slug: ClassVar[str] = ""
    detail: ClassVar[Text] = ""


class NotReached(Unanswered):
    """Nothing was sent: the call may be made again."""

    slug = GatewayOutOfReach.slug
    detail = GatewayOutOfReach.title


class NoAnswer(Unanswered):
    """It was sent, and what came of it isn't known."""

    slug = "no-answer"
    detail = _("The connection ended before the answer. What the function was to do may be done in part.")


class TookTooLong(NoAnswer):
    slug = TimedOut.slug
    detail = _("No answer came in time. The function may go on, until its own limit.")
