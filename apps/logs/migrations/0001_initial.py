import django.db.models.deletion
from django.db import migrations, models

import apps.core.ids
from apps.core.walls.operations import WallOff


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("gateways", "0001_initial"),
        ("tenants", "0002_links"),
    ]

    operations = [
        migrations.CreateModel(
            name="LogRetention",
            fields=[
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("id", apps.core.ids.IdField(editable=False, prefix="lgr", primary_key=True, serialize=False)),
                ("days", models.PositiveSmallIntegerField(default=7, verbose_name="days")),
                ("megabytes", models.PositiveIntegerField(default=512, verbose_name="megabytes")),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "gateway",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="log_retention",
                        to="gateways.functiongateway",
                    ),
                ),
                (
                    "tenant",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="tenants.tenant",
                        verbose_name="workspace",
                    ),
                ),
            ],
            options={
                "verbose_name": "retention of a log",
                "verbose_name_plural": "retention of logs",
            },
        ),
        WallOff("logs_logretention"),
    ]
