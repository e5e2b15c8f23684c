from django.db import migrations, models

import apps.core.clock
import apps.core.ids


class Migration(migrations.Migration):
    dependencies = [("core", "0003_api")]

    operations = [
        migrations.CreateModel(
            name="ProcessHeartbeat",
            fields=[
                ("id", apps.core.ids.IdField(prefix="proc", serialize=False)),
                ("kind", models.CharField(max_length=40, verbose_name="kind")),
                ("host", models.CharField(max_length=255, verbose_name="host")),
                ("pid", models.PositiveIntegerField(verbose_name="process id")),
                ("version", models.CharField(max_length=40, verbose_name="version")),
                ("started_at", models.DateTimeField(default=apps.core.clock.now, verbose_name="started")),
                ("seen_at", models.DateTimeField(default=apps.core.clock.now, verbose_name="last seen")),
                ("detail", models.JSONField(blank=True, default=dict, verbose_name="detail")),
            ],
            options={
                "verbose_name": "process",
                "verbose_name_plural": "processes",
                "ordering": ["kind", "host", "pid"],
                "indexes": [models.Index(fields=["seen_at"], name="heartbeat_seen")],
                "constraints": [
                    models.UniqueConstraint(fields=("kind", "host", "pid"), name="one_heartbeat_a_process"),
                ],
            },
        ),
    ]
