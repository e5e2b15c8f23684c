"""Is it alive, is it ready, and if not, which part isn't."""

from django.http import HttpRequest, HttpResponse


def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers. Asks nothing else, so it stays right while the database is away."""
    return HttpResponse("ok\n", content_type="text/plain")
