"""Whether the functions that are there go on with other packages: compiled before anything is changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.functions.compiling import Compiled, Finding, compile_files
from apps.functions.dependencies.refusing import FUNCTIONS_BREAK, Refused
from apps.functions.dependencies.using import imports_of
from apps.functions.models import Function, FunctionVersion
from apps.functions.services.building import told_finding
from apps.gateways.models import FunctionGateway

MOST_NAMED, MOST_FINDINGS = 10, 50


@dataclass(frozen=True)
class Tried:
    """A function that takes packages, compiled anew: of the version that it was."""

    function_id: str
    head_id: str
    compiled: Compiled


def try_functions(
    gateway: FunctionGateway, packages: Collection[str], exports: Mapping[str, Sequence[str]]
) -> list[Tried]:
    """Refused names those that break, and at which line."""
    tried: list[Tried] = []
    findings: list[dict[str, Any]] = []
    names: list[str] = []
    for function in using_packages(gateway).select_related("head").order_by("stage", "base_name"):
        assert function.head is not None
        found = compile_head(function.head, packages)
        errors = found.errors or not_exported(found.code, packages, exports, function.head)
        if errors:
            names.append(function.name)
            findings.extend({"function": function.name, **told_finding(each)} for each in errors)
            continue
        tried.append(Tried(function.pk, function.head.pk, found))
    if names:
        told = ", ".join(names[:MOST_NAMED]) + (" …" if len(names) > MOST_NAMED else "")
        raise Refused(FUNCTIONS_BREAK, {"names": told}, findings=findings[:MOST_FINDINGS])
    return tried


def using_packages(gateway: FunctionGateway) -> "QuerySet[Function]":
    """What takes no package goes on whatever they are."""
    rows = Function.objects.filter(gateway=gateway, deleted_at=None).exclude(head=None)
    return rows.exclude(head__artifact__vendor="")


def compile_head(head: FunctionVersion, packages: Collection[str]) -> Compiled:
    return compile_files(files=head.files, entrypoint=head.entrypoint, packages=packages)


def not_exported(
    code: str, packages: Collection[str], exports: Mapping[str, Sequence[str]], head: FunctionVersion
) -> tuple[Finding, ...]:
    """What the bundle hasn't: it would be an error of each call."""
    known = {path for paths in exports.values() for path in paths}
    missing = sorted(imports_of(code, packages) - known)
    return tuple(_finding(name, head) for name in missing)


def _finding(name: str, head: FunctionVersion) -> Finding:
    text = _("%(name)s isn't there: no package exports that path.") % {"name": f'"{name}"'}
    for file, source in sorted(head.files.items()):
        for number, line in enumerate(source.splitlines(), 1):
            for quoted in (f'"{name}"', f"'{name}'"):
                if (at := line.find(quoted)) >= 0:
                    return Finding(text, file, number, at + 1, len(quoted), line[:500])
    return Finding(text)
