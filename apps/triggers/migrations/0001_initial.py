import apps.core.clock
import apps.core.ids
import django.db.models.deletion
from django.db import migrations, models

from apps.core.walls.operations import WallOff


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('gateways', '0004_egress'),
        ('tenants', '0002_links'),
    ]

    operations = [
        migrations.CreateModel(
            name='Trigger',
            fields=[
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('id', apps.core.ids.IdField(editable=False, prefix='trg', primary_key=True, serialize=False)),
                ('stage', models.CharField(choices=[('dev', 'dev'), ('staging', 'staging'), ('prod', 'prod')], max_length=16, verbose_name='stage')),
                ('base_name', models.CharField(max_length=160, verbose_name='function')),
                ('expression', models.CharField(max_length=120, verbose_name='when')),
                ('zone', models.CharField(default='UTC', max_length=64, verbose_name='time zone')),
                ('method', models.CharField(default='POST', max_length=16, verbose_name='method')),
                ('path', models.CharField(max_length=500, verbose_name='path')),
                ('query', models.CharField(blank=True, max_length=1000, verbose_name='query')),
                ('payload', models.JSONField(null=True, verbose_name='payload')),
                ('overlap', models.CharField(choices=[('skip', 'Leave it out'), ('queue', 'Wait for its end'), ('parallel', 'Run beside it')], default='skip', max_length=16, verbose_name='while one runs')),
                ('missed', models.CharField(choices=[('skip', 'Leave them out'), ('once', 'Run once')], default='skip', max_length=16, verbose_name='missed runs')),
                ('note', models.CharField(blank=True, max_length=200, verbose_name='note')),
                ('is_enabled', models.BooleanField(default=True, verbose_name='on')),
                ('paused_because', models.CharField(blank=True, editable=False, max_length=300)),
                ('next_at', models.DateTimeField(editable=False, null=True, verbose_name='next run')),
                ('held_at', models.DateTimeField(editable=False, null=True)),
                ('created_by', models.CharField(blank=True, editable=False, max_length=200)),
                ('created_at', models.DateTimeField(default=apps.core.clock.now, editable=False, verbose_name='since')),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('gateway', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='triggers', to='gateways.functiongateway', verbose_name='gateway')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant', verbose_name='workspace')),
            ],
            options={
                'verbose_name': 'cron trigger',
                'verbose_name_plural': 'cron triggers',
            },
        ),
        migrations.CreateModel(
            name='TriggerRun',
            fields=[
                ('id', apps.core.ids.IdField(editable=False, prefix='trr', primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('due', 'due'), ('catch-up', 'catching up'), ('manual', 'by hand')], default='due', max_length=16, verbose_name='kind')),
                ('due_at', models.DateTimeField(verbose_name='due')),
                ('missed_count', models.PositiveIntegerField(default=0)),
                ('outcome', models.CharField(choices=[('waiting', 'waiting'), ('running', 'running'), ('succeeded', 'succeeded'), ('failed', 'failed'), ('skipped', 'left out'), ('missed', 'missed'), ('lost', 'not known')], default='waiting', max_length=16, verbose_name='outcome')),
                ('by', models.CharField(blank=True, max_length=200, verbose_name='by')),
                ('started_at', models.DateTimeField(null=True, verbose_name='started')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended')),
                ('status', models.PositiveIntegerField(null=True, verbose_name='status')),
                ('error', models.CharField(blank=True, max_length=300, verbose_name='error')),
                ('request_id', models.CharField(blank=True, max_length=128)),
                ('leased_until', models.DateTimeField(null=True)),
                ('attempts', models.PositiveIntegerField(default=0)),
                ('not_before', models.DateTimeField(default=apps.core.clock.now)),
                ('gateway', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='gateways.functiongateway')),
                ('tenant', models.ForeignKey(editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant', verbose_name='workspace')),
                ('trigger', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='runs', to='triggers.trigger')),
            ],
            options={
                'verbose_name': 'run of a trigger',
                'verbose_name_plural': 'runs of triggers',
            },
        ),
        migrations.AddIndex(
            model_name='trigger',
            index=models.Index(fields=['tenant', 'created_at', 'id'], name='trigger_age'),
        ),
        migrations.AddIndex(
            model_name='trigger',
            index=models.Index(fields=['gateway', 'stage', 'base_name'], name='trigger_function'),
        ),
        migrations.AddIndex(
            model_name='trigger',
            index=models.Index(condition=models.Q(('next_at__isnull', False)), fields=['next_at'], name='trigger_due'),
        ),
        migrations.AddIndex(
            model_name='trigger',
            index=models.Index(condition=models.Q(('held_at__isnull', False)), fields=['gateway'], name='trigger_held'),
        ),
        migrations.AddIndex(
            model_name='triggerrun',
            index=models.Index(condition=models.Q(('outcome__in', ['waiting', 'running'])), fields=['not_before', 'due_at'], name='trigger_run_open'),
        ),
        migrations.AddConstraint(
            model_name='triggerrun',
            constraint=models.UniqueConstraint(fields=('trigger', 'due_at'), name='trigger_run_once'),
        ),
        WallOff("triggers_trigger"),
        WallOff("triggers_triggerrun"),
    ]
