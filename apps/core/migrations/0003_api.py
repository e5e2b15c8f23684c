from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0002_events")]
    operations: list[migrations.operations.base.Operation] = []
