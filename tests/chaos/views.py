from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.core.dispatch import dispatch
from apps.fleet.services.local_cluster import make_local_cluster
from apps.functions.models import Function
from apps.functions.services import create_function, delete_function, save_function
from apps.gateways.lifecycle.table import Phase
from apps.gateways.models import FunctionGateway
from apps.gateways.services.creating import create_gateway
from apps.gateways.services.states import delete_gateway, start_gateway, stop_gateway
from apps.tenants.member import Member
from apps.tenants.models import Membership
from tests.chaos.tasks import finish

VERBS = {"stop": stop_gateway, "start": start_gateway, "delete": delete_gateway}


@csrf_exempt
@require_POST
def write(request: HttpRequest, number: int) -> HttpResponse:
    """A row and its task in one transaction; the answer is the acknowledgement."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO chaos_write (number) VALUES (%s)", [number])
        task_id = dispatch(finish, number, float(request.GET.get("seconds", "0")))
    return HttpResponse(task_id)


def somebody() -> Member:
    """Of the demo, who may do all of it."""
    membership = Membership.objects.select_related("tenant", "person").get(
        tenant__slug="tidewater", person__email="soojin@tidewater.example"
    )
    return Member.of(membership)


@csrf_exempt
@require_POST
def save(request: HttpRequest, gateway: str, name: str) -> HttpResponse:
    """Answers with the version that it made, which is the acknowledgement."""
    actor = somebody()
    place = FunctionGateway.objects.get(tenant=actor.tenant, name=gateway)
    number = int(request.GET["number"])
    files = {"index.ts": f"export default () => ({{ number: {number} }});"}
    function = Function.objects.filter(gateway=place, stage="dev", base_name=name, deleted_at=None).first()
    if function is None:
        made = create_function(actor=actor, gateway=place, name=f"dev/{name}", files=files)
    else:
        made = save_function(actor=actor, function=function, files=files, base_version=function.version, override=True)
    return HttpResponse(str(made.version))


@csrf_exempt
@require_POST
def unsave(request: HttpRequest, gateway: str, name: str) -> HttpResponse:
    """May be said again: an answer can get lost."""
    actor = somebody()
    rows = Function.objects.filter(gateway__name=gateway, gateway__tenant=actor.tenant, base_name=name, deleted_at=None)
    if (function := rows.first()) is not None:
        delete_function(actor=actor, function=function)
    return HttpResponse()


@csrf_exempt
@require_POST
def wish(request: HttpRequest, name: str, verb: str) -> HttpResponse:
    """Something that somebody of the demo wants of a gateway. May be said again: an answer can get lost."""
    actor = somebody()
    gateway = FunctionGateway.objects.filter(tenant=actor.tenant, name=name).first()
    if verb != "create":
        assert gateway is not None
        if gateway.phase != Phase.DELETED:
            VERBS[verb](actor=actor, gateway=gateway)
    elif gateway is None:
        create_gateway(actor=actor, name=name, cluster=make_local_cluster(), layout=request.GET["layout"])
    return HttpResponse()
