"""From sources to an artifact, which is kept by its digest: the same code is stored once, and never compiled again."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.functions.compiling import Compiled, Finding, compile_files, compiler_name
from apps.functions.dependencies.using import imports_of
from apps.functions.files import field_of
from apps.functions.models import Artifact
from apps.functions.problems import CompileError
from apps.functions.publishing import note_compiled
from apps.functions.selectors import Packages
from apps.functions.services.wishes import Wish
from apps.gateways.models import FunctionGateway

# In one answer
MOST_FINDINGS = 100


def compiled(wish: Wish, packages: Packages) -> Compiled:
    """Before anything is locked, as it's what takes longest. Errors are told by file, line and column."""
    found = compile_files(files=wish.files, entrypoint=wish.entrypoint, packages=packages.names)
    if found.errors:
        raise compile_error(found.errors)
    note_compiled(found.ms)
    return found


def compile_error(findings: Sequence[Finding]) -> CompileError:
    fields: dict[str, list[str]] = {}
    for each in findings[:MOST_FINDINGS]:
        told = _("Line %(line)d, column %(column)d: %(text)s") % {
            "line": each.line,
            "column": each.column,
            "text": each.text,
        }
        fields.setdefault(field_of(each.file) if each.file else "files", []).append(told if each.line else each.text)
    count = len(findings)
    detail = ngettext("%(count)d error. Nothing was changed.", "%(count)d errors. Nothing was changed.", count)
    return CompileError(
        detail % {"count": count}, fields=fields, findings=[told_finding(each) for each in findings[:MOST_FINDINGS]]
    )


def told_finding(finding: Finding) -> dict[str, object]:
    """As programs read it; line and column count from 1."""
    return {
        "file": finding.file,
        "line": finding.line,
        "column": finding.column,
        "length": finding.length,
        "text": finding.text,
        "line_text": finding.line_text,
        "notes": list(finding.notes),
    }


def keep_artifact(gateway: FunctionGateway, found: Compiled, packages: Packages) -> Artifact:
    """The gateway's one of that digest. Two that make it at once get the same."""
    vendor = packages.digest if imports_of(found.code, packages.names) else ""
    artifact = Artifact(
        tenant_id=gateway.tenant_id,
        gateway=gateway,
        digest=found.digest_with(vendor),
        code=found.code,
        source_map=found.source_map,
        vendor=vendor,
        compiler=compiler_name(),
    )
    Artifact.objects.bulk_create([artifact], ignore_conflicts=True)
    artifact.pk = Artifact.objects.values_list("pk", flat=True).get(gateway=gateway, digest=artifact.digest)
    return artifact
