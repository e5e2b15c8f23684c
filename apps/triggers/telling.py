"""What there is to say of triggers and their runs, in the reader's language."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.triggers.cron import MOST_COUNTED, BadExpression, parse
from apps.triggers.models import Trigger, TriggerRun
from apps.triggers.words import in_words


def words_of(trigger: Trigger) -> str:
    try:
        return in_words(parse(trigger.expression))
    except BadExpression as error:
        return str(error)


def detail_of(run: TriggerRun) -> str:
    """Why, and what else there is to say."""
    parts = [_(run.error)] if run.error else []
    if run.missed_count:
        counted = ngettext("%(count)s was missed.", "%(count)s were missed.", run.missed_count)
        more = _("More than %(count)d") if run.missed_count >= MOST_COUNTED else "%(count)d"
        parts.append(counted % {"count": more % {"count": run.missed_count}})
    if run.by:
        parts.append(_("By %(person)s.") % {"person": run.by})
    return " ".join(parts)
