from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction
from django.template import Context, engines
from django.utils import translation

from apps.core import events
from apps.core.dispatch import dispatch
from apps.core.errors import Text
from apps.core.mail.models import TOPIC, OutgoingMail
from apps.core.mail.tasks import deliver_mail
from apps.core.names import tidy_name


@transaction.atomic
def send_mail(*, to: str, subject: Text, template: str, context: Mapping[str, Any], language: str) -> OutgoingMail:
    """Write a mail and have it sent, if and only if the caller's transaction commits.

    `template` is the name of `templates/mail/<template>.txt`. The subject is lazy, so that it's said in `language`
    too; `%(name)s` in it is filled from the context. A line that is nothing but an address becomes a link to click.
    """
    # A name that somebody chose is one line: it can't add a paragraph, or a header
    words = {name: tidy_name(value) if isinstance(value, str) else value for name, value in context.items()}
    if language not in dict(settings.LANGUAGES):
        language = settings.LANGUAGE_CODE
    with translation.override(language):
        said = " ".join((str(subject) % words).split())
        text = _rendered(f"mail/{template}.txt", words)
    longest = OutgoingMail._meta.get_field("subject").max_length or 0
    mail = OutgoingMail(to=to, subject=said[:longest], template=template, language=language, text=text)
    mail.save(force_insert=True)
    dispatch(deliver_mail, mail.pk)
    events.publish(TOPIC, "queued", mail.pk)
    return mail


def _rendered(name: str, context: Mapping[str, Any]) -> str:
    """Plain text: Django would escape names as for HTML, whatever the file is called."""
    template: Any = engines["django"].get_template(name)
    text: str = template.template.render(Context(dict(context), autoescape=False))
    return text.strip() + "\n"
