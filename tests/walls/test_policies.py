"""Every table that a tenant owns rows of has its wall in the database."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey, Model

from apps.core.walls import ROLE, SETTING
from apps.tenants.models import Tenant

#: What names a tenant and yet belongs to a person or the platform
NOT_A_TENANTS_OWN = {
    "access.AccessToken": "A person's, who comes with it before it's known in which tenant.",
}
#: What hangs on a tenant's row without naming the tenant itself
SEEN_THROUGH_ITS_OWNER: dict[str, str] = {}

HOW_TO = (
    "Add `WallOff('{table}')` from apps.core.walls.operations to the migration that makes it, or give the reason why "
    "it needs none in tests/walls/test_policies.py."
)


def our_models() -> Iterator[type[Model]]:
    for model in apps.get_models(include_auto_created=True):
        if model.__module__.startswith(("apps.", "portal.")) and model._meta.managed and not model._meta.proxy:
            yield model


def names_a_tenant(model: type[Model]) -> bool:
    return model is Tenant or any(
        getattr(field, "attname", "") == "tenant_id" or (field.is_relation and field.related_model is Tenant)
        for field in model._meta.concrete_fields
    )


WALLED = [model for model in our_models() if names_a_tenant(model) and model._meta.label not in NOT_A_TENANTS_OWN]


def test_there_are_models_to_walk() -> None:
    labels = {model._meta.label for model in WALLED}
    assert {"tenants.Tenant", "tenants.Membership", "tenants.Invitation", "audit.AuditEvent", "core.Event"} <= labels


@pytest.mark.parametrize("model", WALLED, ids=lambda model: model._meta.label)
def test_the_tenants_rows_are_walled_off(model: type[Model], db: None) -> None:
    table = model._meta.db_table
    column = "id" if model is Tenant else "tenant_id"
    policies = _policies(table)
    assert _is_enabled(table), f"{model._meta.label} has no wall. {HOW_TO.format(table=table)}"
    assert [name for name, *_ in policies] == ["tenant_wall"], policies
    ((_, roles, command, seen, added),) = policies
    assert (roles, command) == ([ROLE], "ALL")
    # Both what is seen and what is written
    for rule in (seen, added):
        assert f"(({column})::text = ( SELECT NULLIF(current_setting('{SETTING}'::text, true), ''::text)" in rule, rule


@pytest.mark.parametrize("model", list(our_models()), ids=lambda model: model._meta.label)
def test_what_hangs_on_a_tenants_row_is_behind_the_wall_too(model: type[Model]) -> None:
    """A row without a tenant of its own would be seen by all, whatever wall its parent stands behind."""
    owners = {
        field.related_model._meta.label
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and field.related_model in WALLED
    }
    if model in WALLED or model._meta.label in {*NOT_A_TENANTS_OWN, *SEEN_THROUGH_ITS_OWNER}:
        return
    assert not owners, f"{model._meta.label} belongs to {owners}: let it be TenantOwned. " + HOW_TO.format(
        table=model._meta.db_table
    )


def test_no_exception_is_kept_for_what_is_gone() -> None:
    labels = {model._meta.label for model in our_models()}
    assert {*NOT_A_TENANTS_OWN, *SEEN_THROUGH_ITS_OWNER} <= labels


def test_every_table_with_a_tenants_column_is_known(db: None) -> None:
    """Also those that no model knows of, such as a migration's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name FROM information_schema.columns"
            " WHERE table_schema = 'public' AND column_name = 'tenant_id'"
        )
        found = {str(table) for (table,) in cursor.fetchall()}
    excepted = {apps.get_model(label)._meta.db_table for label in NOT_A_TENANTS_OWN}
    assert found - excepted == {model._meta.db_table for model in WALLED} - {Tenant._meta.db_table}


def test_the_role_inside_can_not_look_over_the_wall(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper, rolbypassrls, rolcanlogin, rolcreaterole FROM pg_roles WHERE rolname = %s", [ROLE]
        )
        assert cursor.fetchall() == [(False, False, False, False)]
        # An owner of a table isn't held by its policies
        cursor.execute("SELECT tablename FROM pg_tables WHERE tableowner = %s", [ROLE])
        assert cursor.fetchall() == []


def _is_enabled(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT relrowsecurity FROM pg_class WHERE oid = %s::regclass", [table])
        return bool(cursor.fetchone()[0])


def _policies(table: str) -> list[tuple[str, list[str], str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT policyname, roles::text[], cmd, qual, with_check FROM pg_policies"
            " WHERE schemaname = 'public' AND tablename = %s",
            [table],
        )
        return list(cursor.fetchall())
