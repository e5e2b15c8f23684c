from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("core", "0001_queue")]
    operations: list[migrations.operations.base.Operation] = []
