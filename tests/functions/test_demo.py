"""The functions of the demo, and the templates: what people see first has to run, and to satisfy its types."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from django.conf import settings

from agent.engine.instances import deno_program
from apps.accounts import demo as people
from apps.audit.models import AuditEvent
from apps.functions import demo
from apps.functions.models import Function
from apps.functions.selectors import artifact_of
from apps.functions.sweeping import remove_for_good
from apps.functions.templates import TEMPLATES
from apps.gateways import demo as of_gateways
from apps.gateways.lifecycle.table import State
from apps.gateways.models import FunctionGateway
from apps.tenants import demo as of_tenants

TYPES = sorted((settings.BASE_DIR / "runtime" / "types").glob("*.d.ts"))


@pytest.mark.django_db
def test_they_are_made_by_whom_the_gateway_belongs_to() -> None:
    assert "7 functions made." in people.load_all()
    found = {f"{row.gateway.name}:{row}": row for row in Function.objects.select_related("gateway", "head__artifact")}
    dev, prod = (found[f"parcel-tracking:{stage}/shipments/estimate"] for stage in ("dev", "prod"))
    assert artifact_of(dev) == artifact_of(prod)
    assert dev.methods == ["GET"]
    assert set(dev.head.files) > {"handler.ts", "carriers/pick.ts", "fixtures/jeju.json"}
    event = AuditEvent.objects.filter(verb="function.created", target_id=dev.pk).get()
    assert (event.actor_label, event.after["gateway"]) == ("박수진", dev.gateway_id)


@pytest.mark.django_db
def test_what_was_deleted_is_not_made_again() -> None:
    people.load_all()
    assert people.load_all() == []
    remove_for_good(list(Function.objects.all()))
    assert people.load_all() == []


@pytest.mark.django_db
def test_a_gateway_that_is_on_its_way_out_gets_none() -> None:
    people.load()
    of_tenants.load()
    of_gateways.load()
    FunctionGateway.objects.filter(name="parcel-tracking").update(state=State.DELETED)
    assert demo.load() == "2 functions made."
    assert not Function.objects.filter(gateway__name="parcel-tracking").exists()


def _sources() -> dict[str, dict[str, str]]:
    of_templates = {f"template-{each.slug}": dict(each.files) for each in TEMPLATES.values()}
    return {**of_templates, **{f"demo-{each.source}": each.files for each in demo.FUNCTIONS}}


def test_all_of_them_satisfy_the_types_that_the_editor_has(tmp_path: Path) -> None:
    entries = []
    for name, files in _sources().items():
        for path, text in files.items():
            target = tmp_path / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            # The editor's resolution knows files without their endings and JSON as it is; Deno wants both spelt out
            target.write_text(_spelt_out(text) if path.endswith(".ts") else text)
            if path.endswith(".ts"):
                entries.append(str(target))
    compiler = {"lib": ["deno.window"], "types": [str(path) for path in TYPES], "strict": True}
    config = tmp_path / "deno.json"
    config.write_text(json.dumps({"compilerOptions": compiler, "unstable": ["sloppy-imports"]}))
    done = subprocess.run(
        [deno_program(), "check", "--config", config, "--no-lock", "--no-remote", *entries],
        capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "DENO_DIR": str(tmp_path / "deno"), "DENO_NO_UPDATE_CHECK": "1", "NO_COLOR": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def _spelt_out(text: str) -> str:
    return text.replace('.json";', '.json" with { type: "json" };')
