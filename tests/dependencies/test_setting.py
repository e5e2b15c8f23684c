"""A change of packages, from the wish to the functions that are built with it; and that a refusal changes nothing."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core import clock
from apps.core.errors import Conflict, InvalidInput, StaleVersion
from apps.functions.dependencies import applying, sweeps
from apps.functions.dependencies.problems import DependenciesBusy
from apps.functions.dependencies.services import discard_change, set_dependencies
from apps.functions.dependencies.shown import because_of
from apps.functions.ending import remove_functions
from apps.functions.models import Artifact, Dependencies, Function, FunctionVersion, Lock
from apps.functions.problems import CompileError
from apps.functions.services import save_function
from apps.gateways.models import FunctionGateway
from apps.tenants.member import Member
from apps.tenants.models import Membership, Tenant
from apps.tenants.problems import TenantSuspended
from apps.tenants.roles import Role
from tests.dependencies.registry import Registry
from tests.functions.contract import some_function
from tests.gateways.contract import GatewayServiceContract
from tests.tasks import run_due_tasks
from tests.tenants.world import make_member

pytestmark = pytest.mark.django_db
ESM = {"type": "module", "exports": {".": "./index.js", "./more": "./index.js"}}
State = Dependencies.State


class TestSet(GatewayServiceContract):
    watched = (Dependencies, Lock)
    verb = "dependencies.asked"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return set_dependencies(actor=actor, gateway=row, wanted={"zod": "3.23.8"})


class TestDiscard(GatewayServiceContract):
    watched = (Dependencies, Lock)
    verb = "dependencies.discarded"

    def make(self, alice: User, bob: User) -> FunctionGateway:
        gateway = super().make(alice, bob)
        Dependencies.objects.create(tenant=self.tidewater, gateway=gateway, state=State.FAILED, wanted={"zod": "9"})
        return gateway

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return discard_change(actor=actor, gateway=row)


@pytest.fixture(autouse=True)
def packages(registry: Registry) -> Registry:
    for version, value in (("1.0.0", "one"), ("1.1.0", "more"), ("2.0.0", "two")):
        registry.add("greet", {"index.js": f"export const said = '{value}'"}, version=version, **ESM)
    registry.add("aside", {"index.js": "export const x = 1"}, **ESM)
    return registry


def wish(actor: Member, gateway: FunctionGateway, **wanted: str) -> Dependencies:
    """As far as a worker brings it."""
    set_dependencies(actor=actor, gateway=gateway, wanted=wanted)
    run_due_tasks()
    return Dependencies.objects.select_related("lock").get(gateway=gateway)


def using(owner: Member, gateway: FunctionGateway, name: str = "dev/uses", of: str = "greet") -> Function:
    files = {"handler.ts": f'import {{ said }} from "{of}";\n\nexport default async () => said;\n'}
    return some_function(owner, gateway, name, files=files)


def again(function: Function) -> Function:
    return Function.objects.select_related("head", "head__artifact").get(pk=function.pk)


def head(function: Function) -> FunctionVersion:
    found = again(function).head
    assert found is not None
    return found


def test_packages_are_pinned_and_functions_may_import_them(owner: Member, gateway: FunctionGateway) -> None:
    with pytest.raises(CompileError):
        using(owner, gateway)
    row = wish(owner, gateway, greet="^1")
    assert (row.state, row.wanted, row.lock and row.lock.wanted) == (State.READY, {}, {"greet": "1.1.0"})
    function = using(owner, gateway)
    assert head(function).dependencies == {"greet": "1.1.0"}
    assert head(function).artifact.vendor == row.lock.digest  # type: ignore[union-attr]


def test_a_change_builds_those_anew_that_take_packages_and_touches_no_other(
    owner: Member, gateway: FunctionGateway
) -> None:
    wish(owner, gateway, greet="1.0.0")
    uses, plain = using(owner, gateway), some_function(owner, gateway)
    before, plain_before = head(uses), head(plain)
    row = wish(owner, gateway, greet="2", aside="")
    assert row.lock is not None
    assert row.lock.wanted == {"aside": "1.0.0", "greet": "2.0.0"}
    after = head(uses)
    assert (after.number, after.kind, after.note) == (2, "rebuilt", "+ aside 1.0.0, greet 1.0.0 → 2.0.0")
    assert after.artifact.vendor == row.lock.digest != before.artifact.vendor  # type: ignore[union-attr]
    assert (after.files, after.saved_by_id) == (before.files, owner.pk)
    # Its history keeps what each was built with, and the artifact of before is there to go back to
    before.refresh_from_db()
    assert (before.dependencies, after.dependencies) == ({"greet": "1.0.0"}, {"aside": "1.0.0", "greet": "2.0.0"})
    assert Lock.objects.filter(digest=before.artifact.vendor).exists()  # type: ignore[union-attr]
    assert again(uses).publish_due_at is not None
    assert head(plain).pk == plain_before.pk
    assert head(plain).artifact.vendor == ""


def test_the_audit_log_says_who_wanted_what_and_what_came_of_it(owner: Member, gateway: FunctionGateway) -> None:
    wish(owner, gateway, greet="^1")
    asked, changed = AuditEvent.objects.filter(verb__startswith="dependencies.").order_by("pk")
    assert (asked.verb, asked.after, asked.actor_id) == ("dependencies.asked", {"greet": "^1"}, owner.pk)
    assert (changed.verb, changed.after, changed.actor_id) == ("dependencies.changed", {"greet": "1.1.0"}, owner.pk)


def test_one_that_a_function_imports_isnt_removed_and_the_function_and_line_are_named(
    owner: Member, gateway: FunctionGateway
) -> None:
    wish(owner, gateway, greet="1.0.0", aside="1")
    uses = using(owner, gateway, "prod/uses")
    before = (head(uses).pk, Artifact.objects.count(), Lock.objects.count())
    row = wish(owner, gateway, aside="1")
    assert row.state == State.FAILED
    assert because_of(row).startswith("These functions don't compile with these packages: prod/uses.")
    (finding,) = row.findings
    assert (finding["function"], finding["file"], finding["line"]) == ("prod/uses", "handler.ts", 1)
    assert row.lock is not None
    assert row.lock.wanted == {"aside": "1.0.0", "greet": "1.0.0"}
    assert (head(uses).pk, Artifact.objects.count(), Lock.objects.count()) == before
    assert again(uses).version == 1


def test_a_path_that_the_new_version_no_longer_exports_is_found_too(
    owner: Member, gateway: FunctionGateway, packages: Registry
) -> None:
    wish(owner, gateway, greet="1.0.0")
    uses = using(owner, gateway, of="greet/more")
    packages.add("greet", {"index.js": "export const said = 3"}, version="3.0.0", type="module", exports="./index.js")
    row = wish(owner, gateway, greet="3")
    assert row.state == State.FAILED
    (finding,) = row.findings
    assert (finding["function"], finding["line"], finding["column"]) == ("dev/uses", 1, 22)
    assert again(uses).version == 1


def test_what_is_missing_is_said_and_everything_stays(owner: Member, gateway: FunctionGateway) -> None:
    wish(owner, gateway, greet="1.0.0")
    row = wish(owner, gateway, greet="1.0.0", nothing="1")
    assert (row.state, row.fault, because_of(row)) == (
        State.FAILED,
        "nothing",
        "There is no npm package nothing. Check how its name is spelled.",
    )
    assert row.lock is not None
    assert row.lock.wanted == {"greet": "1.0.0"}
    assert row.wanted == {"greet": "1.0.0", "nothing": "1"}
    discard_change(actor=owner, gateway=gateway)
    row.refresh_from_db()
    assert (row.state, row.wanted, row.because, row.fault) == (State.READY, {}, "", "")


def test_all_of_them_can_be_removed(owner: Member, gateway: FunctionGateway) -> None:
    wish(owner, gateway, greet="1.0.0")
    row = wish(owner, gateway)
    assert (row.state, row.lock) == (State.READY, None)


def test_a_second_change_waits_for_the_first_and_a_stale_one_is_refused(
    owner: Member, gateway: FunctionGateway
) -> None:
    row = set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1.0.0"})
    with pytest.raises(DependenciesBusy):
        set_dependencies(actor=owner, gateway=gateway, wanted={"aside": "1"})
    run_due_tasks()
    with pytest.raises(StaleVersion):
        set_dependencies(actor=owner, gateway=gateway, wanted={"aside": "1"}, version=row.version - 1)
    with pytest.raises(InvalidInput):
        set_dependencies(actor=owner, gateway=gateway, wanted={"../x": "1"})
    with pytest.raises(Conflict):
        discard_change(actor=owner, gateway=gateway)


def test_what_was_discarded_meanwhile_comes_to_nothing(owner: Member, gateway: FunctionGateway) -> None:
    set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1.0.0"})
    discard_change(actor=owner, gateway=gateway)
    run_due_tasks()
    row = Dependencies.objects.get(gateway=gateway)
    assert (row.state, row.lock_id) == (State.READY, None)
    assert not Lock.objects.exists()


def test_whoever_lost_the_role_meanwhile_changes_nothing(owner: Member, gateway: FunctionGateway) -> None:
    grace = make_member("grace", owner.tenant, Role.ADMIN)
    set_dependencies(actor=grace, gateway=gateway, wanted={"greet": "1.0.0"})
    Membership.objects.filter(person=grace.person).update(role=Role.VIEWER)
    run_due_tasks()
    row = Dependencies.objects.get(gateway=gateway)
    assert (row.state, row.lock_id) == (State.FAILED, None)
    assert because_of(row) == "Grace may no longer change dependencies here. Somebody who may has to ask for it."


def test_a_function_that_was_saved_meanwhile_is_built_as_it_is_now(
    owner: Member, gateway: FunctionGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(owner, gateway, greet="1.0.0")
    uses = using(owner, gateway)
    files = {"handler.ts": 'import { said } from "greet";\nexport default async () => said + "!";\n'}
    after_it(monkeypatch, lambda: save_function(actor=owner, function=again(uses), files=files, base_version=1))
    wish(owner, gateway, greet="2")
    after = head(uses)
    assert (after.number, after.kind, after.dependencies) == (3, "rebuilt", {"greet": "2.0.0"})
    assert '"!"' in after.artifact.code  # type: ignore[union-attr]


def test_a_function_that_came_meanwhile_is_built_with_them_too(
    owner: Member, gateway: FunctionGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish(owner, gateway, greet="1.0.0")
    after_it(monkeypatch, lambda: using(owner, gateway, "dev/new"))
    row = wish(owner, gateway, greet="2")
    after = head(Function.objects.get(base_name="new"))
    assert (row.state, after.kind, after.dependencies) == (State.READY, "rebuilt", {"greet": "2.0.0"})


def test_a_suspended_workspace_changes_nothing(owner: Member, gateway: FunctionGateway) -> None:
    set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1.0.0"})
    Tenant.objects.filter(pk=owner.tenant_id).update(suspended_at=clock.now(), suspended_because="Unpaid")
    with pytest.raises(TenantSuspended):
        discard_change(actor=owner, gateway=gateway)
    run_due_tasks()
    row = Dependencies.objects.get(gateway=gateway)
    assert (row.state, row.lock_id) == (State.FAILED, None)


def test_a_gateway_that_is_deleted_meanwhile_ends_it(
    owner: Member, gateway: FunctionGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    after_it(monkeypatch, lambda: (remove_functions(gateway), FunctionGateway.objects.filter(pk=gateway.pk).delete()))
    set_dependencies(actor=owner, gateway=gateway, wanted={"greet": "1.0.0"})
    run_due_tasks(may_fail=True)
    assert not Dependencies.objects.exists()
    assert not Lock.objects.exists()


def after_it(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> None:
    """Once the functions that are there have been tried, and before anything is changed."""
    tried = applying.try_functions

    def try_them(*arguments: Any) -> Any:
        found = tried(*arguments)
        monkeypatch.setattr(applying, "try_functions", tried)
        meanwhile()
        return found

    monkeypatch.setattr(applying, "try_functions", try_them)


def test_locks_that_nothing_needs_are_forgotten(owner: Member, gateway: FunctionGateway) -> None:
    wish(owner, gateway, greet="1.0.0")
    using(owner, gateway)
    for version in ("1.1.0", "2.0.0"):
        wish(owner, gateway, greet=version)
    wish(owner, gateway, greet="2.0.0", aside="1")
    # Nothing was ever built with this one: the one function is of each of the others
    Lock.objects.create(tenant=owner.tenant, gateway=gateway, digest="0" * 64)
    Lock.objects.update(made_at=clock.now() - timedelta(days=2))
    assert Lock.objects.count() == 5
    sweeps.forget_unused_locks()
    assert Lock.objects.count() == 4
