import apps.core.clock
import apps.core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_session'),
    ]

    operations = [
        migrations.CreateModel(
            name='SignUp',
            fields=[
                ('id', apps.core.ids.IdField(editable=False, prefix='sup', primary_key=True, serialize=False)),
                ('email', models.EmailField(max_length=254, verbose_name='e-mail')),
                ('name', models.CharField(blank=True, max_length=120, verbose_name='name')),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('workspace', models.CharField(blank=True, max_length=120, verbose_name='workspace')),
                ('language', models.CharField(choices=[('en', 'English'), ('ko', 'Korean')], default='en', max_length=8, verbose_name='language')),
                ('created_at', models.DateTimeField(default=apps.core.clock.now, editable=False, verbose_name='since')),
            ],
        ),
        migrations.CreateModel(
            name='MailedLink',
            fields=[
                ('id', apps.core.ids.IdField(editable=False, prefix='lnk', primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('sign-up', 'sign-up'), ('password', 'new password'), ('email', 'new address')], max_length=8, verbose_name='kind')),
                ('email', models.EmailField(max_length=254, verbose_name='e-mail')),
                ('language', models.CharField(choices=[('en', 'English'), ('ko', 'Korean')], default='en', max_length=8, verbose_name='language')),
                ('token_hash', models.CharField(db_collation='C', max_length=97, unique=True)),
                ('created_at', models.DateTimeField(default=apps.core.clock.now, verbose_name='sent')),
                ('expires_at', models.DateTimeField(verbose_name='ends')),
                ('used_at', models.DateTimeField(null=True, verbose_name='used')),
                ('person', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='mailed_links', to=settings.AUTH_USER_MODEL)),
                ('sign_up', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='links', to='accounts.signup')),
            ],
            options={
                'indexes': [
                    models.Index(fields=['email', 'kind', 'created_at'], name='mailed_link_address'),
                    models.Index(fields=['created_at'], name='mailed_link_age'),
                ],
            },
        ),
    ]
