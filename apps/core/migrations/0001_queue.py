import django.db.models.deletion
from django.db import migrations, models

import apps.core.clock

# django-q2 gives its queue no index but the primary key, and that as int4, which 400 tasks a second use up in 62
# days. Rows of both tables live for milliseconds: room for updates in place, and vacuum by count, not by share.
FIT_QUEUE = """
ALTER TABLE django_q_ormq ALTER COLUMN id TYPE bigint;
ALTER SEQUENCE django_q_ormq_id_seq AS bigint;
ALTER TABLE core_queuedtask ALTER COLUMN queue_id TYPE bigint;
CREATE INDEX django_q_ormq_key_lock ON django_q_ormq (key, lock);
ALTER TABLE django_q_ormq SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
ALTER TABLE core_queuedtask SET (
    fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000
);
"""
UNFIT_QUEUE = """
ALTER TABLE django_q_ormq RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);
DROP INDEX django_q_ormq_key_lock;
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("django_q", "0019_alter_task_options_alter_ormq_key_alter_ormq_lock_and_more")]

    operations = [
        migrations.CreateModel(
            name="QueuedTask",
            fields=[
                ("queue", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="described", serialize=False, to="django_q.ormq")),
                ("task_id", models.CharField(db_collation="C", max_length=40, verbose_name="task")),
                ("function", models.CharField(max_length=200, verbose_name="function")),
                ("arguments", models.JSONField(default=dict, verbose_name="arguments")),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="request")),
                ("attempts", models.PositiveIntegerField(default=0, verbose_name="attempts")),
                ("error", models.TextField(blank=True, verbose_name="last error")),
                ("worker", models.CharField(blank=True, max_length=200, verbose_name="worker")),
                ("claimed_at", models.DateTimeField(null=True, verbose_name="claimed")),
                ("created_at", models.DateTimeField(default=apps.core.clock.now, verbose_name="queued")),
            ],
            options={"verbose_name": "task", "verbose_name_plural": "tasks"},
        ),
        migrations.CreateModel(
            name="Sweep",
            fields=[
                ("name", models.CharField(max_length=200, primary_key=True, serialize=False, verbose_name="function")),
                ("every", models.DurationField(verbose_name="every")),
                ("timeout", models.DurationField(verbose_name="timeout")),
                ("due_at", models.DateTimeField(default=apps.core.clock.now, verbose_name="due")),
                ("worker", models.CharField(blank=True, max_length=200, verbose_name="worker")),
                ("running_until", models.DateTimeField(null=True, verbose_name="must end by")),
                ("started_at", models.DateTimeField(null=True, verbose_name="started")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended")),
                ("error", models.TextField(blank=True, verbose_name="error")),
            ],
            options={"verbose_name": "sweep", "verbose_name_plural": "sweeps"},
        ),
        migrations.CreateModel(
            name="TaskFailure",
            fields=[
                ("task_id", models.CharField(db_collation="C", max_length=40, primary_key=True, serialize=False, verbose_name="task")),
                ("function", models.CharField(max_length=200, verbose_name="function")),
                ("arguments", models.JSONField(default=dict, verbose_name="arguments")),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="request")),
                ("attempts", models.PositiveIntegerField(verbose_name="attempts")),
                ("error", models.TextField(verbose_name="error")),
                ("traceback", models.TextField(blank=True, verbose_name="traceback")),
                ("payload", models.TextField(editable=False)),
                ("created_at", models.DateTimeField(verbose_name="queued")),
                ("failed_at", models.DateTimeField(db_index=True, default=apps.core.clock.now, verbose_name="failed")),
            ],
            options={"verbose_name": "failed task", "verbose_name_plural": "failed tasks"},
        ),
        migrations.CreateModel(
            name="WaitingTask",
            fields=[],
            options={"verbose_name": "queued task", "verbose_name_plural": "queued tasks", "proxy": True, "indexes": [], "constraints": []},
            bases=("core.queuedtask",),
        ),
        migrations.CreateModel(
            name="RunningTask",
            fields=[],
            options={"verbose_name": "running task", "verbose_name_plural": "running tasks", "proxy": True, "indexes": [], "constraints": []},
            bases=("core.queuedtask",),
        ),
        migrations.CreateModel(
            name="DelayedTask",
            fields=[],
            options={"verbose_name": "delayed task", "verbose_name_plural": "delayed tasks", "proxy": True, "indexes": [], "constraints": []},
            bases=("core.queuedtask",),
        ),
        migrations.RunSQL(FIT_QUEUE, UNFIT_QUEUE),
    ]
