import apps.core.clock
import apps.core.ids
from apps.core.walls.operations import WallOff
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('tenants', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AccessToken',
            fields=[
                ('id', apps.core.ids.IdField(editable=False, prefix='pat', primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=80, verbose_name='name')),
                ('start', models.CharField(db_collation='C', max_length=16, verbose_name='begins with')),
                ('token_hash', models.CharField(editable=False, max_length=97)),
                ('scopes', models.JSONField(default=list, verbose_name='may')),
                ('created_at', models.DateTimeField(default=apps.core.clock.now, editable=False, verbose_name='made')),
                ('expires_at', models.DateTimeField(verbose_name='ends')),
                ('last_used_at', models.DateTimeField(editable=False, null=True, verbose_name='last used')),
                ('last_used_address', models.CharField(blank=True, editable=False, max_length=64, verbose_name='from')),
                ('told_at', models.DateTimeField(editable=False, null=True)),
                ('revoked_at', models.DateTimeField(editable=False, null=True, verbose_name='revoked')),
                ('person', models.ForeignKey(db_index=False, editable=False, on_delete=django.db.models.deletion.CASCADE, related_name='access_tokens', to=settings.AUTH_USER_MODEL)),
                ('tenant', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='tenants.tenant')),
            ],
            options={
                'verbose_name': 'access token',
                'verbose_name_plural': 'access tokens',
                'indexes': [models.Index(fields=['start'], name='token_start'), models.Index(fields=['person', 'id'], name='token_person'), models.Index(condition=models.Q(('revoked_at', None)), fields=['expires_at'], name='token_end')],
            },
        ),
        WallOff("access_accesstoken"),
    ]
