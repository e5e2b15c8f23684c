"""What callers of a gateway can be told instead of an answer. Said by Envoy and the runtime, explained by our pages.

Their `type` is the address of such a page where the manifests name the portal's; what Envoy says by itself, for hosts
and processes that aren't there, can't know it and gives the path alone.
"""

from django.utils.translation import gettext_lazy as _

from apps.core.errors import Problem


class NoSuchFunction(Problem):
    slug = "no-such-function"
    status = 404
    title = _("There is no function here")
    advice = _(
        "The gateway runs and its stage has no function for this method and path. If you call it, compare the address "
        "with its documentation. If it's yours, save a function in the console; it answers a moment later."
    )


class RunUsed(Problem):
    slug = "run-used"
    status = 409
    title = _("This run was begun before")
    advice = _(
        "The console or a trigger asked for it twice, because it didn't hear what came of it the first time. The "
        "function was called then, and isn't called again; the gateway's log tells what it did."
    )


class NoSuchStage(Problem):
    slug = "no-such-stage"
    status = 404
    title = _("There is no such stage here")
    advice = _(
        "The process that was called serves other stages, which can be so for a second while a gateway's layout "
        "changes. Try again, then check the stage in the host name."
    )


class NoSuchHost(Problem):
    slug = "no-such-host"
    status = 404
    title = _("No gateway answers here")
    advice = _(
        "No gateway has this host name, or it has been stopped or deleted. If you call it, check the host name. If "
        "it's yours, its page in the console shows its addresses; start it there."
    )


class StageInactive(Problem):
    slug = "stage-inactive"
    status = 503
    title = _("This stage is switched off")
    advice = _(
        "Its provider has switched it off and may have written why in the answer. If you call it, ask them. If it's "
        "yours, switch the stage on again on the gateway's page."
    )


class RuntimeAway(Problem):
    slug = "runtime-away"
    status = 503
    title = _("The gateway is not running")
    advice = _(
        "It is being started, or its process can't be. If you call it, try again in some seconds. If it's yours, the "
        "timeline on its page says what it waits for."
    )


class RuntimeEnded(Problem):
    slug = "runtime-ended"
    status = 503
    title = _("The gateway ended the call")
    advice = _(
        "Its process ended before it had answered, and what the call was to do may be done in part. If you call it, "
        "try again where that does no harm. If it's yours, look at its log, and whether it needs more memory."
    )


class TooManyCalls(Problem):
    slug = "too-many-calls"
    status = 503
    title = _("The gateway has too many calls at once")
    advice = _(
        "More calls wait for it than it may hold. If you call it, try again in a moment, and less often. If it's "
        "yours, make its calls shorter or give it a larger bundle."
    )


class TimedOut(Problem):
    slug = "timed-out"
    status = 504
    title = _("The gateway took too long")
    advice = _(
        "The call or its answer didn't go on for longer than is waited for. If you call it, send less in one call. If "
        "it's yours, make the function faster, or let it answer first and work later."
    )


class FunctionFailed(Problem):
    slug = "function-failed"
    status = 500
    title = _("The function failed")
    advice = _(
        "It threw an error before it had answered. If you call it, tell its provider the request id. If it's yours, "
        "the gateway's log has the error with that id, and the line of the source where it happened."
    )


class FunctionTimedOut(Problem):
    slug = "function-timeout"
    status = 504
    title = _("The function took too long")
    advice = _(
        "It hadn't answered within its time limit. If you call it, try again where that does no harm. If it's yours, "
        "make it faster, or give it more time in its settings."
    )


class FunctionInterrupted(Problem):
    slug = "function-interrupted"
    status = 503
    title = _("The function was interrupted")
    advice = _(
        "What ran it had to be stopped, because a function of the same stage didn't yield for too long; it may have "
        "done a part of its work. If you call it, try again where that does no harm. If it's yours, the gateway's log "
        "says which function was answered with 504 at that time."
    )


class FunctionNotLoaded(Problem):
    slug = "function-not-loaded"
    status = 503
    title = _("The function can't be loaded")
    advice = _(
        "Its code fails before it can be called. If you call it, tell its provider. If it's yours, the gateway's log "
        "says at which line; save a version that loads."
    )


class MalformedBody(Problem):
    slug = "malformed-body"
    status = 400
    title = _("The body can't be read")
    advice = _("It isn't what its content-type says. Send valid JSON or a valid form, or say another content-type.")


class AnswerTooLarge(Problem):
    slug = "answer-too-large"
    status = 500
    title = _("The answer is too large")
    advice = _(
        "A function may answer with 10 MiB in one piece. If you call it, ask for less. If it's yours, send the answer "
        "as a stream, or in pages."
    )
