import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import apps.core.clock
import apps.core.ids


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0003_email"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="time_zone",
            field=models.CharField(default="UTC", max_length=64, verbose_name="time zone"),
        ),
        # The keys that were kept can't be told from hashes, so whoever was signed in signs in once more
        migrations.DeleteModel(name="Session"),
        migrations.CreateModel(
            name="Session",
            fields=[
                ("session_data", models.TextField(verbose_name="session data")),
                ("expire_date", models.DateTimeField(db_index=True, verbose_name="expire date")),
                ("id", apps.core.ids.IdField(editable=False, prefix="ses", primary_key=True, serialize=False)),
                ("session_key", models.CharField(editable=False, max_length=64, unique=True)),
                ("user_agent", models.CharField(blank=True, editable=False, max_length=400, verbose_name="browser")),
                ("address", models.CharField(blank=True, editable=False, max_length=45, verbose_name="address")),
                (
                    "signed_in_at",
                    models.DateTimeField(default=apps.core.clock.now, editable=False, verbose_name="since"),
                ),
                (
                    "last_seen_at",
                    models.DateTimeField(default=apps.core.clock.now, editable=False, verbose_name="last seen"),
                ),
                ("is_unfamiliar", models.BooleanField(default=False, editable=False)),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="sessions",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "session",
                "verbose_name_plural": "sessions",
                "abstract": False,
            },
        ),
    ]
