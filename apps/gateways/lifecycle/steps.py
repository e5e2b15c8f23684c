"""What each phase of a gateway does, one step after the other. Each observes first, and may run twice."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import psycopg
from django.db import transaction
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from apps.core import clock
from apps.core.errors import Text
from apps.core.lifecycle import Awaited, Retry, wake
from apps.core.lifecycle.holding import require_held, while_held
from apps.gateways import databases, store
from apps.gateways.lifecycle.belongings import remove_belongings
from apps.gateways.lifecycle.contents import fill_contents
from apps.gateways.lifecycle.parts import want, want_no
from apps.gateways.lifecycle.table import Phase, State
from apps.gateways.models import CustomDomain, FunctionGateway, GatewayDatabase, RuntimeDomain, Stage
from apps.gateways.rendering.local import Manifest, render_configuration, render_namespace, render_runtime
from apps.gateways.rendering.spec import GatewaySpec
from apps.gateways.selectors import processes_of, spec_of
from apps.gateways.sizes import StageName

DOMAIN_NOT_THERE = gettext_noop("Waits for the domain, which is %(phase)s and wanted %(state)s.")
DATABASE_BUSY = gettext_noop("Waits for PostgreSQL, which is still at what it was told of the database.")
DATABASE_AWAY = gettext_noop("Waits for the gateway's database, which can't be reached: %(message)s")


@dataclass(frozen=True)
class Step:
    name: str
    label: Text
    act: Callable[[FunctionGateway], None]
    # What the row says once it's done, from the row that the step was done for
    then: Callable[[FunctionGateway], Mapping[str, Any]] = lambda gateway: {}


def make_namespace(gateway: FunctionGateway) -> None:
    want(gateway, "namespace", render_namespace(spec_of(gateway)))


def make_stages(gateway: FunctionGateway) -> None:
    with while_held(gateway):
        for name in StageName:
            Stage.objects.get_or_create(gateway=gateway, name=name, defaults={"tenant_id": gateway.tenant_id})
        RuntimeDomain.objects.get_or_create(gateway=gateway, defaults={"tenant_id": gateway.tenant_id})


def make_database(gateway: FunctionGateway) -> None:
    row = _database_row(gateway)
    require_held(gateway)
    with _unless_busy():
        databases.make_database(row.name, row.password.reveal())
        _prepare(row)
    if row.made_at is None:
        GatewayDatabase.objects.filter(pk=row.pk).update(made_at=clock.now())


def publish_functions(gateway: FunctionGateway) -> None:
    """Before the processes that read them; in a database that was made before, or brought back, all that's missing."""
    row = _database_row(gateway)
    require_held(gateway)
    try:
        with _unless_busy():
            databases.renew_role(row.name, row.password.reveal())
            _prepare(row)
        fill_contents(gateway)
    except (store.Away, psycopg.OperationalError) as error:
        raise Retry(DATABASE_AWAY, message=" ".join(str(error.__cause__ or error).split())) from error


def _database_row(gateway: FunctionGateway) -> GatewayDatabase:
    """Passwords are kept before they're used, so a crash between the two loses nothing."""
    with while_held(gateway):
        row, _new = GatewayDatabase.objects.get_or_create(
            gateway=gateway,
            defaults={
                "tenant_id": gateway.tenant_id,
                "name": databases.name_of(gateway.pk),
                "password": databases.new_password(),
            },
        )
        missing = [name for name in ("runtime_password", "run_key") if getattr(row, name) is None]
        for name in missing:
            setattr(row, name, databases.new_password())
        if missing:
            row.save(update_fields=missing)
    return row


def _prepare(row: GatewayDatabase) -> None:
    assert row.runtime_password is not None
    store.prepare(row.name, row.runtime_password.reveal())


def put_configuration(gateway: FunctionGateway) -> None:
    """With the processes that it's for: they wait for it where they start, and not for a way there and back."""
    spec = spec_of(gateway)
    want(gateway, "configuration", render_configuration(spec), along={"runtime": _processes(gateway, spec)})


def start_runtime(gateway: FunctionGateway) -> None:
    want(gateway, "runtime", _processes(gateway, spec_of(gateway)))


def _processes(gateway: FunctionGateway, spec: GatewaySpec) -> list[Manifest]:
    """While the layout changes, beside the processes that routes still lead to."""
    domain = RuntimeDomain.objects.filter(gateway=gateway).first()
    routed = spec.routed if domain and domain.phase in (Phase.STARTING, Phase.STARTED, Phase.STOPPING) else ()
    processes = {process.name: process for process in (*spec.processes, *routed)}
    return render_runtime(spec, tuple(processes.values()))


def open_routes(gateway: FunctionGateway) -> None:
    _want_domain(gateway, State.RUNNING, Phase.STARTED, layout=gateway.runtime_layout)
    # Nothing leads to any others now
    want(gateway, "runtime", render_runtime(spec_of(gateway), processes_of(gateway.runtime_layout)))


def close_routes(gateway: FunctionGateway) -> None:
    _want_domain(gateway, State.STOPPED, Phase.STOPPED)


def stop_runtime(gateway: FunctionGateway) -> None:
    want_no(gateway, "runtime")


def delete_triggers(gateway: FunctionGateway) -> None:
    remove_belongings(gateway, "triggers")


def delete_functions(gateway: FunctionGateway) -> None:
    remove_belongings(gateway, "functions")


def delete_domain(gateway: FunctionGateway) -> None:
    _want_domain(gateway, State.DELETED, Phase.DELETED)
    # Its domain has removed them; where that one was gone before, nobody has
    want_no(gateway, "routes")
    with transaction.atomic():
        # Nobody else may have their hosts before the routes are gone
        list(CustomDomain.objects.select_for_update().filter(gateway=gateway))
        list(RuntimeDomain.objects.select_for_update().filter(gateway=gateway))
        require_held(gateway)
        CustomDomain.objects.filter(gateway=gateway).delete()
        RuntimeDomain.objects.filter(gateway=gateway).delete()


def delete_stages(gateway: FunctionGateway) -> None:
    with while_held(gateway):
        Stage.objects.filter(gateway=gateway).delete()


def delete_database(gateway: FunctionGateway) -> None:
    require_held(gateway)
    with _unless_busy():
        databases.drop_database(databases.name_of(gateway.pk))
    with while_held(gateway):
        GatewayDatabase.objects.filter(gateway=gateway).delete()


def delete_configuration(gateway: FunctionGateway) -> None:
    want_no(gateway, "configuration")
    with while_held(gateway):
        gateway.variables.all().delete()


def delete_namespace(gateway: FunctionGateway) -> None:
    want_no(gateway, "namespace")


@contextmanager
def _unless_busy() -> Iterator[None]:
    try:
        yield
    except databases.Busy:
        raise Retry(DATABASE_BUSY) from None


def _want_domain(gateway: FunctionGateway, state: State, until: Phase, *, layout: str = "") -> None:
    """The domain has a life of its own: say what is wanted of it, and wait until it is so."""
    with transaction.atomic():
        domain = RuntimeDomain.objects.select_for_update().filter(gateway=gateway).first()
        require_held(gateway)
        if domain is not None and domain.phase == Phase.DELETED and state != State.DELETED:
            # What was deleted isn't brought back: a gateway that stays gets a new one
            domain.delete()
            domain = None
        if domain is None:
            if state == State.DELETED:
                return
            domain = RuntimeDomain(gateway=gateway, tenant_id=gateway.tenant_id, layout=layout or gateway.layout)
        _tell_domain(domain, state, layout)
    if domain.phase != until or (until == Phase.STARTED and domain.is_changed):
        raise Awaited(DOMAIN_NOT_THERE, phase=domain.phase, state=domain.state)


def _tell_domain(domain: RuntimeDomain, state: State, layout: str) -> None:
    from apps.gateways.lifecycle.machines import DOMAIN, decide_domain

    is_other_layout = layout not in ("", domain.layout)
    # One that is being deleted goes first
    if domain.state != State.DELETED and (domain._state.adding or is_other_layout or domain.state != state):
        if is_other_layout:
            domain.layout, domain.generation = layout, domain.generation + 1
        domain.state = state
        domain.save()
        wake(DOMAIN, domain.pk)
    elif domain.due_at is None and not domain.has_stopped and decide_domain(domain) is not None:
        # Somebody wanted it and didn't say so
        wake(DOMAIN, domain.pk)


def _starting(gateway: FunctionGateway) -> Mapping[str, Any]:
    return {"starting_generation": gateway.generation}


def _started(gateway: FunctionGateway) -> Mapping[str, Any]:
    return {"runtime_layout": gateway.layout}


STEPS: Mapping[Phase, tuple[Step, ...]] = MappingProxyType(
    {
        Phase.CREATING: (
            Step("namespace", _("Namespace"), make_namespace),
            Step("stages", _("Stages"), make_stages),
            Step("database", _("Database"), make_database),
        ),
        Phase.STARTING: (
            Step("functions", _("Functions"), publish_functions, _starting),
            Step("configuration", _("Configuration"), put_configuration),
            Step("runtime", _("Runtime"), start_runtime, _started),
            # Last, so that nobody meets a runtime that isn't there
            Step("routes", _("Routes"), open_routes),
        ),
        Phase.STOPPING: (
            Step("routes", _("Routes"), close_routes),
            Step("runtime", _("Runtime"), stop_runtime),
        ),
        # Calls can't come any more before what answers them goes, and that before what it uses
        Phase.DELETING: (
            Step("triggers", _("Triggers"), delete_triggers),
            Step("functions", _("Functions"), delete_functions),
            Step("domain", _("Domain and routes"), delete_domain),
            Step("stages", _("Stages"), delete_stages),
            Step("runtime", _("Runtime"), stop_runtime),
            Step("database", _("Database"), delete_database),
            Step("configuration", _("Configuration"), delete_configuration),
            Step("namespace", _("Namespace"), delete_namespace),
        ),
    }
)


def next_step(phase: str, checkpoint: str) -> Step | None:
    """After the one that was done last; None after the last of them."""
    steps = STEPS[Phase(phase)]
    names = [step.name for step in steps]
    done = names.index(checkpoint) + 1 if checkpoint in names else 0
    return steps[done] if done < len(steps) else None
