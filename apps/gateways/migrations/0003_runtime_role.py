from django.db import migrations, models

import apps.core.crypto.fields

# Those that run are started anew, one process after the other: before that their runtimes have no role
START_ANEW = """
UPDATE gateways_functiongateway SET generation = generation + 1, due_at = now()
WHERE phase = 'started' AND state = 'running' AND NOT has_stopped
"""


class Migration(migrations.Migration):
    dependencies = [("gateways", "0002_close_platform")]

    operations = [
        migrations.AddField("gatewaydatabase", "runtime_password", apps.core.crypto.fields.SecretField(null=True)),
        migrations.AddField("gatewaydatabase", "run_key", apps.core.crypto.fields.SecretField(null=True)),
        migrations.AddField("gatewaydatabase", "compared_at", models.DateTimeField(null=True)),
        migrations.RunSQL(START_ANEW, migrations.RunSQL.noop),
    ]
