import apps.core.clock
import apps.core.crypto.fields
import apps.core.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('core', '0006_walls'),
    ]

    operations = [
        migrations.CreateModel(
            name='OutgoingMail',
            fields=[
                ('id', apps.core.ids.IdField(editable=False, prefix='mail', primary_key=True, serialize=False)),
                ('to', models.EmailField(max_length=254, verbose_name='to')),
                ('subject', models.CharField(max_length=200, verbose_name='subject')),
                ('template', models.CharField(max_length=80, verbose_name='kind')),
                ('language', models.CharField(max_length=8, verbose_name='language')),
                ('text', apps.core.crypto.fields.SecretField(verbose_name='text')),
                ('state', models.CharField(choices=[('queued', 'on its way'), ('sent', 'sent'), ('kept', 'kept here'), ('failed', 'failed')], default='queued', max_length=8, verbose_name='state')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
                ('attempts', models.PositiveSmallIntegerField(default=0, verbose_name='attempts')),
                ('created_at', models.DateTimeField(default=apps.core.clock.now, verbose_name='written')),
                ('sent_at', models.DateTimeField(null=True, verbose_name='sent')),
            ],
            options={
                'verbose_name': 'mail',
                'verbose_name_plural': 'mails',
                'indexes': [models.Index(fields=['created_at', 'id'], name='mail_age')],
            },
        ),
    ]
