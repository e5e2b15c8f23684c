"""What functions read from their environment: set, changed, removed, and of secrets nothing comes back."""

from typing import Any

import pytest

from apps.accounts.models import User
from apps.audit.models import AuditEvent
from apps.core.crypto import MASK
from apps.core.errors import InvalidInput
from apps.core.lifecycle.models import LifecycleEvent
from apps.core.walls import walled
from apps.fleet.models import Bundle
from apps.gateways.models import LONGEST_VALUE, FunctionGateway, Variable
from apps.gateways.services import Setting, set_variables, settings_from_env
from apps.gateways.services.variables import MOST_CHARACTERS, MOST_VARIABLES
from apps.tenants.member import Member
from apps.tenants.models import Tenant
from tests.gateways.contract import GatewayServiceContract, some_gateway
from tests.gateways.world import ObedientCluster, converge
from tests.tenants.world import member

pytestmark = pytest.mark.django_db
PIN = "s3cr3t-pin-of-the-carrier"


class TestSetVariables(GatewayServiceContract):
    verb = "gateway.variables_set"

    def act(self, actor: Member, row: FunctionGateway) -> Any:
        return set_variables(actor=actor, gateway=row, settings=[Setting("ZONE", "KR")])


@pytest.fixture
def owner(alice: User, tidewater: Tenant) -> Member:
    return member(alice, tidewater)


def there(gateway: FunctionGateway) -> dict[str, str]:
    """Each one's value; what is secret in brackets."""
    return {
        row.name: f"({row.secret.reveal()})" if row.is_secret else row.value
        for row in Variable.objects.filter(gateway=gateway).order_by("name")
    }


def test_some_are_set_changed_and_removed_at_once(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    set_variables(actor=owner, gateway=gateway, settings=[Setting("A", "1"), Setting("B", "2"), Setting("C", "3")])
    with walled(owner.tenant_id):
        changed = set_variables(
            actor=owner, gateway=gateway, settings=[Setting("B", "9"), Setting("D", "4")], remove=["A", "NOT_THERE"]
        )
    assert there(gateway) == {"B": "9", "C": "3", "D": "4"}
    assert changed.generation == 3
    event = AuditEvent.objects.order_by("-pk")[0]
    assert (event.before, event.after) == ({"A": "1", "B": "2"}, {"B": "9", "D": "4"})


def test_whole_means_exactly_these(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    set_variables(actor=owner, gateway=gateway, settings=[Setting("A", "1"), Setting("PIN", PIN, is_secret=True)])
    set_variables(actor=owner, gateway=gateway, settings=[Setting("PIN", is_secret=True), Setting("B", "")], whole=True)
    assert there(gateway) == {"B": "", "PIN": f"({PIN})"}
    set_variables(actor=owner, gateway=gateway, whole=True)
    assert there(gateway) == {}


def test_the_same_again_changes_nothing(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    settings = [Setting("A", "1"), Setting("PIN", PIN, is_secret=True)]
    set_variables(actor=owner, gateway=gateway, settings=settings)
    counted = AuditEvent.objects.count(), LifecycleEvent.objects.count()
    same = set_variables(actor=owner, gateway=gateway, settings=settings, remove=["NOT_THERE"])
    assert (same.generation, same.version) == (2, 2)
    assert (AuditEvent.objects.count(), LifecycleEvent.objects.count()) == counted


def test_a_secret_stands_nowhere_but_in_its_own_row(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    set_variables(actor=owner, gateway=gateway, settings=[Setting("PIN", PIN, is_secret=True)])
    set_variables(actor=owner, gateway=gateway, settings=[Setting("PIN", f"{PIN}2", is_secret=True)])
    set_variables(actor=owner, gateway=gateway, remove=["PIN"])
    events = list(AuditEvent.objects.order_by("pk"))
    assert [(event.before, event.after) for event in events] == [
        ({}, {"PIN": MASK}),
        ({"PIN": MASK}, {"PIN": MASK}),
        ({"PIN": MASK}, {}),
    ]
    rows: list[Any] = [*events, *LifecycleEvent.objects.all(), *Variable.objects.all()]
    assert not [row for row in rows if PIN in str(vars(row))]
    assert PIN not in repr(Setting("PIN", PIN, is_secret=True))


def test_a_plain_one_becomes_secret_and_keeps_its_value_but_never_the_other_way(owner: Member) -> None:
    gateway = some_gateway(owner.tenant)
    set_variables(actor=owner, gateway=gateway, settings=[Setting("PIN", PIN)])
    set_variables(actor=owner, gateway=gateway, settings=[Setting("PIN", is_secret=True)])
    assert there(gateway) == {"PIN": f"({PIN})"}
    assert Variable.objects.get().value == ""
    with pytest.raises(InvalidInput) as refused:
        set_variables(actor=owner, gateway=gateway, settings=[Setting("PIN")])
    assert "isn't shown to anybody" in refused.value.fields["/variables/0/value"][0]
    set_variables(actor=owner, gateway=gateway, settings=[Setting("PIN", "1234")])
    assert there(gateway) == {"PIN": "1234"}


@pytest.mark.parametrize(
    ("settings", "path", "reason"),
    [
        ([Setting("", "1")], "/variables/0/name", "Give it a name"),
        ([Setting("OK", "1"), Setting("9A", "1")], "/variables/1/name", "begin with no digit"),
        ([Setting("A-B", "1")], "/variables/0/name", "letters, digits and _"),
        ([Setting("IMP_TOKEN", "1")], "/variables/0/name", "begin with IMP_"),
        ([Setting("imp_token", "1")], "/variables/0/name", "begin with IMP_"),
        ([Setting("A" * 129, "1")], "/variables/0/name", "128 characters"),
        ([Setting("A", "x" * (LONGEST_VALUE + 1))], "/variables/0/value", "characters or fewer"),
        ([Setting("A", "a\0b")], "/variables/0/value", "no NUL"),
        ([Setting("A", "1"), Setting("A", "2")], "/variables/1/name", "there twice"),
        ([Setting("A")], "/variables/0/value", "Give it a value"),
        ([Setting(f"A{n}", "1") for n in range(MOST_VARIABLES + 1)], "variables", "200 at most"),
        ([Setting(f"A{n}", "x" * LONGEST_VALUE) for n in range(8)], "variables", f"more than {MOST_CHARACTERS}"),
    ],
)
def test_what_will_not_do_is_refused_at_its_place(
    owner: Member, settings: list[Setting], path: str, reason: str
) -> None:
    gateway = some_gateway(owner.tenant)
    set_variables(actor=owner, gateway=gateway, settings=[Setting("KEPT", "1")])
    with pytest.raises(InvalidInput) as refused:
        set_variables(actor=owner, gateway=gateway, settings=settings)
    assert reason in refused.value.fields[path][0]
    assert there(gateway) == {"KEPT": "1"}


def test_none_is_set_and_removed_at_once(owner: Member) -> None:
    with pytest.raises(InvalidInput) as refused:
        set_variables(actor=owner, gateway=some_gateway(owner.tenant), settings=[Setting("A", "1")], remove=["A"])
    assert list(refused.value.fields) == ["remove"]


@pytest.mark.django_db(transaction=True)
def test_a_change_reaches_the_runtime_and_touches_no_route(owner: Member) -> None:
    gateway, cluster = some_gateway(owner.tenant), ObedientCluster()
    converge(cluster)
    told = len(cluster.log)
    set_variables(actor=owner, gateway=gateway, settings=[Setting("PIN", PIN, is_secret=True), Setting("ZONE", "KR")])
    converge(cluster)
    assert cluster.log[told:] == ["apply configuration", "apply runtime"]
    gateway.refresh_from_db()
    assert not gateway.is_changed
    configuration = Bundle.objects.get(key=f"gateway/{gateway.pk}/configuration")
    assert PIN in configuration.manifests.reveal()
    assert not [row for row in Bundle.objects.all() if PIN in str(vars(row))]


# --- A pasted file ---------------------------------------------------------------------------------


def test_a_pasted_file_becomes_settings() -> None:
    assert settings_from_env("ZONE=KR\n# no\nPIN='1 2'\n") == [Setting("ZONE", "KR", True), Setting("PIN", "1 2", True)]
    assert settings_from_env("ZONE=KR", are_secret=False) == [Setting("ZONE", "KR", False)]


def test_each_wrong_line_is_told_by_its_number_and_no_value_is_repeated() -> None:
    with pytest.raises(InvalidInput) as refused:
        settings_from_env(f"OK=1\nnonsense {PIN}\nIMP_X={PIN}\n9={PIN}\nOK={PIN}\nQ='{PIN}\n", field="pasted")
    told = refused.value.fields["pasted"]
    assert [line.partition(":")[0] for line in told] == ["Line 2", "Line 3", "Line 4", "Line 5", "Line 6"]
    assert PIN not in str(told)
