from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.core.dispatch import dispatch
from tests.chaos.tasks import finish


@csrf_exempt
@require_POST
def write(request: HttpRequest, number: int) -> HttpResponse:
    """A row and its task in one transaction; the answer is the acknowledgement."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO chaos_write (number) VALUES (%s)", [number])
        task_id = dispatch(finish, number, float(request.GET.get("seconds", "0")))
    return HttpResponse(task_id)
