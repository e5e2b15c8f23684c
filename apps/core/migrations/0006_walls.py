from django.db import migrations

from apps.core.walls.operations import GRANT, MAKE_ROLE, REVOKE


class Migration(migrations.Migration):
    """The role stays when this is taken back: other databases of the server may use it."""

    dependencies = [
        ("core", "0005_cache"),
    ]

    operations = [
        migrations.RunSQL(MAKE_ROLE, migrations.RunSQL.noop),
        migrations.RunSQL(GRANT, REVOKE),
    ]
