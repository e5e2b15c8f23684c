import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0004_account"),
    ]

    operations = [
        migrations.CreateModel(
            name="SessionKey",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("session_data", models.TextField(blank=True)),
                ("ends_at", models.DateTimeField(db_index=True, null=True)),
                (
                    "session",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="other_keys", to="accounts.session"
                    ),
                ),
            ],
        ),
    ]
