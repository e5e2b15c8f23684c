"""What the live process says about itself."""

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.core.errors import NotFound
from apps.core.events.hub import hub
from apps.core.problems import problem_response


async def healthz(request: HttpRequest) -> HttpResponse:
    """Alive, also while the database is away: a restart wouldn't bring it back."""
    await hub.start(patience=0)
    return JsonResponse({"status": "ok", "listening": hub.is_listening, "streams": hub.size, "told": hub.told})


async def missing(request: HttpRequest) -> HttpResponse:
    return await sync_to_async(problem_response)(NotFound(), request)
