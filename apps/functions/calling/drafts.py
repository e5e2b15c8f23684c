"""A draft that is to be called: compiled as it is."""

from apps.functions.compiling import Compiled, compile_files
from apps.functions.models import Draft
from apps.functions.selectors import packages_of
from apps.functions.services.building import compile_error


def compile_draft(draft: Draft) -> Compiled:
    """What can be put beside what is live."""
    packages = packages_of(draft.function.gateway).names
    compiled = compile_files(files=draft.files, entrypoint=draft.entrypoint, packages=packages)
    if compiled.errors:
        raise compile_error(compiled.errors)
    return compiled
