"""No service without its audit event, and none that isn't tried by everybody who may and who may not."""

import importlib
import inspect
import pkgutil

import tests
from tests.contracts.service import ServiceContract
from tests.contracts.services import Service, all_services, called_by_test, writes_audit

# Parts of services, in a transaction of their own for whoever needs only the part
STEPS = {
    "apps.accounts.services.sessions.end_sessions": "whoever changes how somebody signs in writes that down",
    "apps.fleet.services.bundles.put_bundle": "whoever wants it writes down why",
    "apps.fleet.services.bundles.remove_bundle": "whoever wants it gone writes down why",
}
# What nobody else ever sees, and somebody writes every few seconds
OWN = {"apps.functions.services.drafts.save_draft", "apps.functions.services.drafts.discard_draft"}
# Somebody acts here who is no person, so there are no roles to try
NO_PERSON = {"apps.tenants.services.groups.follow_groups": "an identity provider"}


def test_every_service_writes_audit() -> None:
    silent = [
        name for name, service in all_services().items() if name not in (*STEPS, *OWN) and not writes_audit(service)
    ]
    assert not silent, f"These change something, and the audit log doesn't say it: {silent}"


def test_every_service_of_somebody_keeps_the_contract() -> None:
    tried = _tried()
    services = {name: each for name, each in all_services().items() if "actor" in inspect.signature(each).parameters}
    untried = [name for name, each in services.items() if name not in NO_PERSON and each not in tried]
    assert not untried, f"Each of these wants a ServiceContract whose call() runs it: {untried}"


def test_nothing_is_excepted_that_is_gone_or_keeps_the_rule() -> None:
    services = all_services()
    assert {*STEPS, *OWN, *NO_PERSON} <= set(services)
    assert not [name for name in (*STEPS, *OWN) if writes_audit(services[name])]


def test_the_walk_finds_services_and_tells_those_that_record_from_those_that_do_not() -> None:
    services = all_services()
    assert "apps.tenants.services.members.change_role" in services
    assert "apps.accounts.services.preferences.set_theme" in services
    assert "apps.tenants.selectors.list_members" not in services
    assert "apps.tenants.mails.tell_removed" not in services
    from apps.tenants.mails import tell_removed

    assert not writes_audit(tell_removed)


def _tried() -> set[Service]:
    """What the contracts of all tests call, whether this run collects them or not."""
    for info in pkgutil.walk_packages(tests.__path__, "tests."):
        if info.name.rpartition(".")[2].startswith("test_"):
            importlib.import_module(info.name)
    found: set[Service] = set()
    for contract in _subclasses(ServiceContract):
        for name in ("call", "act"):
            if name in vars(contract):
                found.update(called_by_test(vars(contract)[name]))
    return found


def _subclasses(contract: type[ServiceContract]) -> set[type[ServiceContract]]:
    found = set(contract.__subclasses__())
    return found.union(*(_subclasses(each) for each in found))
