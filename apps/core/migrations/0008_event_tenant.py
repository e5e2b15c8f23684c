from django.db import migrations, models

from apps.core.walls.operations import WallOff


class Migration(migrations.Migration):
    """Events are no tenant's property, but those of a tenant stay in it: inside a wall none is written as another's."""

    dependencies = [
        ("core", "0007_mail"),
    ]

    operations = [
        migrations.AddField(
            model_name="event",
            name="tenant_id",
            field=models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        WallOff("core_event", nullable=True),
    ]
