import django.db.models.functions.datetime
from django.db import migrations, models

import apps.core.events.models


class Migration(migrations.Migration):
    dependencies = [("core", "0001_queue")]
    operations: list[migrations.operations.base.Operation] = [
        migrations.CreateModel(
            name="Event",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("topic", models.CharField(db_collation="C", max_length=150)),
                ("kind", models.CharField(max_length=40)),
                ("ref", models.CharField(blank=True, max_length=200)),
                ("transaction", apps.core.events.models.TransactionField(db_default=apps.core.events.models.CurrentTransaction())),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                "indexes": [
                    models.Index(fields=["transaction"], name="event_transaction"),
                    models.Index(fields=["created_at"], name="event_created_at"),
                ],
            },
        ),
    ]
