from django.db import migrations, models

import apps.core.clock
import apps.core.crypto.fields
import apps.core.ids


class Migration(migrations.Migration):
    dependencies = [("core", "0002_events")]

    operations = [
        migrations.CreateModel(
            name="IdempotencyKey",
            fields=[
                ("id", apps.core.ids.IdField(editable=False, prefix="idk", primary_key=True, serialize=False)),
                ("person_id", models.CharField(db_collation="C", max_length=40)),
                ("key", models.CharField(max_length=128)),
                ("fingerprint", models.BinaryField(max_length=32)),
                ("answer", apps.core.crypto.fields.SecretField(null=True)),
                ("created_at", models.DateTimeField(default=apps.core.clock.now)),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="idempotency_key_age")],
                "constraints": [models.UniqueConstraint(fields=("person_id", "key"), name="idempotency_key_once")],
            },
        ),
    ]
