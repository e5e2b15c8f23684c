from datetime import timedelta

from apps.accounts.models import MailedLink, SessionKey, SignUp
from apps.core import clock
from apps.core.queue.sweeper import sweep

# As long as the page of an ended link offers another
UNFINISHED_FOR = timedelta(days=7)
LINKS_FOR = timedelta(days=30)


@sweep(every=timedelta(hours=1))
def forget_links_and_unfinished_sign_ups() -> None:
    """Of somebody who never finished nothing stays; a link stays as long as its mail, to say what became of it."""
    SignUp.objects.filter(created_at__lt=clock.now() - UNFINISHED_FOR).delete()
    MailedLink.objects.filter(created_at__lt=clock.now() - LINKS_FOR).delete()


@sweep(every=timedelta(hours=1))
def forget_session_keys_of_before() -> None:
    SessionKey.objects.filter(ends_at__lt=clock.now()).delete()
