"""Hands mails over to the mail server, with patience for one that is away."""

from datetime import timedelta
from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException

import structlog
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.utils import translation

from apps.core import clock, events
from apps.core.dispatch import dispatch
from apps.core.mail.html import as_html
from apps.core.mail.models import TOPIC, OutgoingMail
from apps.core.queue.tasks import task
from apps.core.secret_names import mask_text

log = structlog.get_logger(__name__)

# After the first try; together less than any link in a mail lasts, but for the shortest
WAITS = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=20))


@task(timeout=timedelta(seconds=30))
def deliver_mail(mail_id: str) -> None:
    """Send it once; try again later where that could help, else say why it failed.

    A worker that dies between the mail server's yes and ours sends it twice, which is better than never.
    """
    mail = OutgoingMail.objects.filter(pk=mail_id).first()
    if mail is None or mail.state != OutgoingMail.State.QUEUED:
        return
    mail.attempts += 1
    message = _message(mail)
    try:
        taken = message.send()
    except (SMTPException, OSError, ValueError) as error:
        _refused(mail, error)
        return
    mail.state = OutgoingMail.State.SENT if taken else OutgoingMail.State.KEPT
    mail.reason = ""
    mail.sent_at = clock.now()
    _settle(mail)


def _message(mail: OutgoingMail) -> EmailMultiAlternatives:
    text = mail.text.reveal()
    message = EmailMultiAlternatives(mail.subject, text, to=[mail.to], headers={"Auto-Submitted": "auto-generated"})
    with translation.override(mail.language):
        message.attach_alternative(as_html(mail.subject, text, language=mail.language), "text/html")
    return message


def _refused(mail: OutgoingMail, error: Exception) -> None:
    mail.reason = mask_text(_told(error))[:500]
    if _is_final(error) or mail.attempts > len(WAITS):
        mail.state = OutgoingMail.State.FAILED
        log.error("mail", mail=mail.pk, outcome="failed", error=mail.reason)
        _settle(mail)
        return
    log.warning("mail", mail=mail.pk, outcome="again", attempt=mail.attempts, error=mail.reason)
    _settle(mail, again_in=WAITS[mail.attempts - 1])


def _told(error: Exception) -> str:
    if isinstance(error, SMTPRecipientsRefused):
        return _answer(*next(iter(error.recipients.values())))
    if isinstance(error, SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"


def _answer(code: int, text: bytes | str) -> str:
    return f"{code} {text.decode(errors='replace') if isinstance(text, bytes) else text}"


def _is_final(error: Exception) -> bool:
    """The server knows the address and won't ever take mail for it; 4xx is "not now"."""
    if isinstance(error, ValueError):
        # What can't be written into the head of a mail
        return True
    if not isinstance(error, SMTPRecipientsRefused):
        return False
    return all(code >= 500 for code, _text in error.recipients.values())


@transaction.atomic
def _settle(mail: OutgoingMail, *, again_in: timedelta | None = None) -> None:
    OutgoingMail.objects.filter(pk=mail.pk).update(
        state=mail.state, reason=mail.reason, attempts=mail.attempts, sent_at=mail.sent_at
    )
    if again_in:
        dispatch(deliver_mail, mail.pk, delay=again_in)
    events.publish(TOPIC, mail.state, mail.pk)
