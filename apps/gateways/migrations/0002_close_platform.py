from django.db import migrations

# Roles of gateways may be on the same server. Whoever isn't the database's owner is told by the doctor what to do
CLOSE = """
DO $$
BEGIN
    EXECUTE format('REVOKE CONNECT, TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END $$;
"""
OPEN = CLOSE.replace("REVOKE", "GRANT").replace("FROM PUBLIC", "TO PUBLIC")


class Migration(migrations.Migration):
    dependencies = [("gateways", "0001_initial")]

    operations = [migrations.RunSQL(CLOSE, OPEN)]
