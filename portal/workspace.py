"""A workspace's first page: what to do first by what is there, what just happened, what is worth doing soon."""

from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.access.selectors import list_tokens
from apps.accounts.selectors import has_second_factor
from apps.core.errors import Text
from apps.core.web import htmx
from apps.core.web.addresses import address
from apps.gateways.models import FunctionGateway
from apps.gateways.selectors import address_of, hosts_of, list_gateways
from apps.gateways.sizes import StageName
from apps.gateways.views.shown import statephase_of
from apps.tenants.history.selectors import list_own_tenant_events, list_tenant_events
from apps.tenants.member import Member
from apps.tenants.requests import member_of
from apps.tenants.roles import MEANING, Role
from apps.tenants.selectors import list_invitations, list_members

RECENT = 8
GATEWAYS = 5
# Whoever hides the first steps does so for themselves, in this browser and this workspace
HIDDEN_STEPS = "first-steps"
A_YEAR = 365 * 24 * 3600


@dataclass(frozen=True)
class Step:
    """`is_done` is None for what can't be done with, such as reading what one's role means."""

    title: Text
    text: Text
    points: tuple[Text, ...]
    url: str
    action: Text
    is_done: bool | None = None
    overlay: str = ""
    is_next: bool = False


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """A part that refreshes itself is asked for by its id, and costs only what it shows."""
    member = member_of(request)
    part = htmx.target(request)
    if part == "activity":
        return htmx.fresh(request, "tenants/overview.html#activity", activity_context(member))
    if part == "steps":
        return htmx.fresh(request, "tenants/overview.html#steps", steps_context(request, member))
    if part == "gateways":
        return htmx.fresh(request, "tenants/overview.html#gateways", gateways_context(member))
    context = {
        **steps_context(request, member),
        **gateways_context(member),
        **activity_context(member),
        "meaning": MEANING[member.role],
    }
    return htmx.vary(render(request, "tenants/overview.html", context))


@require_POST
def show_steps(request: HttpRequest) -> HttpResponse:
    """Hides the first steps, or brings them back."""
    response = htmx.redirect(request, address("workspace:overview"))
    path = address("workspace:overview")
    if request.POST.get("show") == "no":
        response.set_cookie(
            HIDDEN_STEPS, "hidden", max_age=A_YEAR, path=path, httponly=True, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(HIDDEN_STEPS, path=path)
    return response


def activity_context(member: Member) -> dict[str, Any]:
    """What everybody did, for those who may read the log; for the others what they did themselves."""
    reads_log = member.may("audit.read")
    events = list_tenant_events(actor=member) if reads_log else list_own_tenant_events(actor=member)
    topic = f"audit:{member.tenant.pk if reads_log else member.pk}"
    return {"member": member, "events": list(events[:RECENT]), "reads_log": reads_log, "live_topic": topic}


def gateways_context(member: Member) -> dict[str, Any]:
    """Those that moved last."""
    if not member.may("gateways.read"):
        return {"member": member}
    found = list_gateways(actor=member).select_related("cluster", "tenant").order_by("-phase_at", "pk")
    return {"member": member, "gateways": [_shown(row) for row in found[:GATEWAYS]], "gateway_count": found.count()}


def _shown(row: FunctionGateway) -> dict[str, Any]:
    hosts = [(stage, address_of(row, hosts_of(row, stage)[0])) for stage in StageName]
    return {"row": row, "shown": statephase_of(row), "hosts": hosts}


def steps_context(request: HttpRequest, member: Member) -> dict[str, Any]:
    is_protected = has_second_factor(member.person)
    people = list(list_members(actor=member).values_list("role", flat=True))
    is_hidden = request.COOKIES.get(HIDDEN_STEPS) == "hidden"
    steps = _with_next(first_steps(member, is_protected=is_protected, is_alone=len(people) == 1))
    countable = [step for step in steps if step.is_done is not None]
    done = [step for step in countable if step.is_done]
    return {
        "member": member,
        "steps": steps,
        "steps_done": len(done),
        "steps_of": len(countable),
        "show_steps": not is_hidden and len(done) < len(countable),
        "can_bring_back": is_hidden and len(done) < len(countable),
        "count": len(people),
        "is_protected": is_protected,
        "is_only_owner": member.role == Role.OWNER and people.count(Role.OWNER) == 1,
        "may_manage": member.may("members.manage"),
    }


def first_steps(member: Member, *, is_protected: bool, is_alone: bool) -> list[Step]:
    """For somebody who just arrived: where things run, with whom, safely, and from a program."""
    steps = [_people_step(member, is_alone=is_alone), _second_factor_step(is_protected), _token_step(member)]
    return [_gateway_step(member), *steps] if member.may("gateways.create") else steps


def _gateway_step(member: Member) -> Step:
    return Step(
        _("Create a gateway"),
        _("It runs your functions, and brings three stages, a database of its own and a host name for each stage."),
        (_("dev to write, staging to test, prod to serve"), _("Ready in a few seconds, changed in place")),
        address("gateways:new"),
        _("Create a gateway"),
        is_done=list_gateways(actor=member).exists(),
    )


def _people_step(member: Member, *, is_alone: bool) -> Step:
    if not member.may("members.manage"):
        return Step(
            _("Know your role"),
            MEANING[member.role],
            (_("One table says who may do what"), _("A refusal names the role that was missing")),
            address("members:roles"),
            _("See all roles"),
        )
    return Step(
        _("Invite people"),
        _("Each gets a role, and with it what they may do. An invitation is a link by e-mail that works once."),
        (_("Several addresses at once"), _("A second owner, so that nobody is locked out")),
        address("members:invite"),
        _("Invite people"),
        is_done=not is_alone or list_invitations(actor=member).exists(),
        overlay="dialog",
    )


def _second_factor_step(is_protected: bool) -> Step:
    return Step(
        _("Add a second factor"),
        _("A password alone is thin. An app on your phone shows a new code every 30 s."),
        (_("Any authenticator app will do"), _("Recovery codes help when the phone is gone")),
        f"{reverse('account')}#second-factor",
        _("Look at it") if is_protected else _("Turn it on"),
        is_done=is_protected,
    )


def _token_step(member: Member) -> Step:
    return Step(
        _("Call the API"),
        _("Whatever a page can do, a program can do too, with a token for this workspace."),
        (_("With the scopes that you choose"), _("Shown once, and ends when you say")),
        reverse("access:list"),
        _("Make a token"),
        is_done=list_tokens(actor=member.person).filter(tenant=member.tenant).exists(),
    )


def _with_next(steps: list[Step]) -> list[Step]:
    """The first that isn't done is the one to start with."""
    first = next((step for step in steps if step.is_done is False), None)
    return [replace(step, is_next=step is first) for step in steps]
