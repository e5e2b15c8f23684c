from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.core.dispatch import dispatch
from apps.fleet.services.local_cluster import make_local_cluster
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


@csrf_exempt
@require_POST
def wish(request: HttpRequest, name: str, verb: str) -> HttpResponse:
    """Something that somebody of the demo wants of a gateway. May be said again: an answer can get lost."""
    membership = Membership.objects.select_related("tenant", "person").get(
        tenant__slug="tidewater", person__email="soojin@tidewater.example"
    )
    actor = Member.of(membership)
    gateway = FunctionGateway.objects.filter(tenant=actor.tenant, name=name).first()
    if verb != "create":
        assert gateway is not None
        if gateway.phase != Phase.DELETED:
            VERBS[verb](actor=actor, gateway=gateway)
    elif gateway is None:
        create_gateway(actor=actor, name=name, cluster=make_local_cluster(), layout=request.GET["layout"])
    return HttpResponse()
