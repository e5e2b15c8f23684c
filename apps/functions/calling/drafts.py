"""A draft that is to be called: compiled as it is, and put beside what is live for a while."""

from apps.functions.compiling import compile_files
from apps.functions.models import Draft
from apps.functions.publishing import publish_draft
from apps.functions.selectors import packages_of
from apps.functions.services.building import compile_error


def put_draft(draft: Draft) -> str:
    """The name that its runtime calls it by; only a run token reaches it."""
    packages = packages_of(draft.function.gateway).names
    compiled = compile_files(files=draft.files, entrypoint=draft.entrypoint, packages=packages)
    if compiled.errors:
        raise compile_error(compiled.errors)
    return publish_draft(draft, compiled)
