"""For migrations: the policies of tables that tenants own, and the role that they speak of."""

from typing import Any

from django.db import migrations

from apps.core.walls import ROLE, SETTING

TENANT = f"NULLIF(current_setting('{SETTING}', true), '')"
WHAT_TO_DO = (
    f"Let a database administrator run: CREATE ROLE {ROLE} NOLOGIN; GRANT {ROLE} TO %I WITH SET TRUE, INHERIT FALSE; "
    "then migrate again."
)

# Roles belong to the whole server: several databases may make it at the same moment, and then try again
MAKE_ROLE = f"""
DO $$
BEGIN
    FOR attempt IN 1..20 LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{ROLE}') THEN
                CREATE ROLE {ROLE} NOLOGIN;
            END IF;
            IF NOT EXISTS (
                SELECT FROM pg_auth_members
                WHERE roleid = '{ROLE}'::regrole AND member = current_user::regrole AND set_option
            ) THEN
                EXECUTE format('GRANT {ROLE} TO %I WITH SET TRUE, INHERIT FALSE', current_user);
            END IF;
            EXIT;
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'The role {ROLE} is missing, and this user may not make it.'
                    USING HINT = format('{WHAT_TO_DO}', current_user), ERRCODE = 'insufficient_privilege';
            WHEN duplicate_object OR unique_violation OR internal_error THEN
                PERFORM pg_sleep(0.05);
        END;
    END LOOP;
END $$;
"""  # noqa: S608

# Everything may be read and written by the role; which rows, the policies say. Later tables are granted as they're made
GRANT = f"""
GRANT USAGE ON SCHEMA public TO {ROLE};
DO $$
DECLARE
    mine text;
BEGIN
    -- One by one: extensions keep views here that belong to others and can't be granted
    FOR mine IN SELECT oid::regclass FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relowner = current_user::regrole
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO {ROLE}', mine);
    END LOOP;
END $$;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {ROLE};
"""  # noqa: S608
REVOKE = f"""
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE USAGE ON SEQUENCES FROM {ROLE};
ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT, INSERT, UPDATE, DELETE ON TABLES FROM {ROLE};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {ROLE};
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {ROLE};
REVOKE USAGE ON SCHEMA public FROM {ROLE};
"""


class WallOff(migrations.RunSQL):
    """Row-level security on a table: inside a wall, the tenant's own rows.

    With `nullable`, rows of no tenant may be added there, but not be seen.
    """

    def __init__(self, table: str, *, column: str = "tenant_id", nullable: bool = False) -> None:
        self.arguments: dict[str, Any] = {"column": column, "nullable": nullable}
        self.table = table
        mine = f'"{column}" = (SELECT {TENANT})'
        added = f"{mine} OR \"{column}\" = ''" if nullable else mine
        super().__init__(
            f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY;'
            f'CREATE POLICY tenant_wall ON "{table}" TO {ROLE} USING ({mine}) WITH CHECK ({added});',
            f'DROP POLICY tenant_wall ON "{table}"; ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY;',
        )

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table], self.arguments

    def describe(self) -> str:
        return f"Wall off the rows of {self.table} by tenant"
