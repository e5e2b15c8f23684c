"""The page of roles is the table that the code asks."""

import re

import pytest

from apps.accounts.models import User
from apps.tenants.models import Tenant
from apps.tenants.roles import GROUPS, ROLES_OF, Kind, Role, may
from apps.tenants.roles_table import STAGES, reach_of, table_of
from tests.people import make_person
from tests.tenants.pages import as_
from tests.tenants.world import join, make_tenant


@pytest.mark.parametrize("kind", [*Kind.values, ""])
def test_every_cell_says_what_the_code_would_answer(kind: str) -> None:
    table = table_of(kind)
    shown = {line.permission.key for part in table.parts for line in part.lines}
    assert shown == {each.key for group in GROUPS if kind in (group.kinds or {""}) for each in group.permissions}
    for part in table.parts:
        for line in part.lines:
            for role, cell in zip(table.roles, line.cells, strict=True):
                for stage in STAGES:
                    allowed = may(role, line.permission.key, kind=kind, stage=stage, is_own=True)
                    drawn = cell.grant is not None and (not cell.stages or stage in cell.stages)
                    assert drawn is allowed, (role, line.permission.key, stage)


def test_a_role_writes_where_the_code_lets_it_save() -> None:
    for role in ROLES_OF[Kind.PROVIDER]:
        stages = tuple(stage for stage in STAGES if may(role, "functions.save", kind=Kind.PROVIDER, stage=stage))
        assert reach_of(role, Kind.PROVIDER).stages == stages, role
    assert not reach_of(Role.VIEWER, Kind.PROVIDER).parts
    assert reach_of(Role.OWNER, Kind.CUSTOMER).is_everything
    assert not reach_of(Role.CONSUMER, Kind.CUSTOMER).is_everything


def test_ones_own_column_is_marked(bob: User, tidewater: Tenant) -> None:
    page = as_(bob).get("/t/tidewater/members/roles").content.decode()
    marked = re.findall(r'<th scope="col" class="is-mine"><span>([a-z-]+)</span>', page)
    assert marked == ["viewer"]
    assert "Customer workspace" in page


def test_a_customer_sees_the_roles_of_customers(db: None) -> None:
    person = make_person("henrike")
    join(person, make_tenant("Greenmarket", Kind.CUSTOMER), Role.CONSUMER)
    page = as_(person).get("/t/greenmarket/members/roles").content.decode()
    assert "Subscribe, change plan, cancel" in page
    assert "Save a function" not in page
    assert "api-developer" not in page
