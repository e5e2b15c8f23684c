"""Whether what was saved has reached the gateways that run it, and whether there is a compiler at all."""

from collections.abc import Iterator

from django.db.models import Count

from apps.core.doctor.findings import Finding, error, ok, warning
from apps.functions.compiling import CompilerFailed, compile_files, compiler_name
from apps.functions.models import Function
from apps.functions.publishing.wanting import WITHOUT_DATABASE

NAME = "functions"
# Of tries that failed: one alone may have met a database that was just starting
MANY = 2
MOST_NAMED = 5


def check_functions() -> Iterator[Finding]:
    yield from _compiler()
    yield from _overdue()


def _compiler() -> Iterator[Finding]:
    try:
        compile_files(files={"index.ts": "export default () => 1;"}, entrypoint="index.ts")
        yield ok(NAME, f"compiled by {compiler_name()}")
    except CompilerFailed as failure:
        why = failure.__cause__ or failure
        yield error(NAME, f"nothing can be compiled: {why}", "Run `python tools/assets.py --packages`.")


def _overdue() -> Iterator[Finding]:
    late = Function.objects.filter(publish_due_at__isnull=False, publish_attempts__gt=MANY)
    late = late.exclude(gateway__phase__in=WITHOUT_DATABASE)
    found = list(late.values_list("gateway__name").annotate(Count("pk")).order_by("gateway__name"))
    if found:
        names = ", ".join(name for name, _count in found[:MOST_NAMED]) + (
            " and others" if len(found) > MOST_NAMED else ""
        )
        said = late.exclude(publish_error="").values_list("publish_error", flat=True).first() or "nothing is said"
        yield warning(
            NAME,
            f"saved and not published, in {names}: {said}",
            "Look whether the gateways' databases can be reached; it's tried again each minute.",
        )
