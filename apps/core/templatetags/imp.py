"""What templates of the console need beyond includes: {% load imp %}."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache

from django import template
from django.contrib import messages
from django.contrib.messages.storage.base import Message
from django.template.defaultfilters import date as format_date
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, pgettext

from apps.core import clock
from apps.core.assets import assets
from apps.core.charts import Spark
from apps.core.durations import roughly

register = template.Library()


@register.simple_tag
def asset(name: str) -> str:
    """`{% asset "imp.css" %}`: the address of a built file."""
    return assets.url(name)


@register.simple_tag
def icon(name: str, modifiers: str = "", label: str = "") -> SafeString:
    """`{% icon "ok" "is-sm is-ok" %}`: a symbol of the sprite, hidden from screen readers unless it has a label."""
    classes = f"icon {modifiers}".strip()
    address = f"{assets.url('icons.svg')}#i-{name}"
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, address)
    return _decoration(classes, address)


@lru_cache(maxsize=1_024)
def _decoration(classes: str, address: str) -> SafeString:
    """A list draws the same few in every row."""
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, address)


@register.filter
def initials(name: str) -> str:
    """Two letters for an avatar: SP for Soo-jin Park, 박 for 박수진, a for an e-mail address."""
    words = [word for word in name.split("@")[0].split() if word[0].isalnum()]
    if not words:
        return "?"
    if len(words) == 1 or not words[0].isascii():
        return words[0][0].upper()
    return (words[0][0] + words[-1][0]).upper()


@register.simple_tag
def when(moment: datetime | None, empty: str = "–") -> SafeString | str:
    """`{% when gateway.created_at %}`: relative up to a week, then the date; the full time on hover."""
    if moment is None:
        return empty
    local = timezone.localtime(moment)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        local.isoformat(timespec="seconds"),
        f"{_spoken(local.date(), get_language())}, {local:%H:%M:%S} {local.tzname()}",
        relative(moment),
    )


@lru_cache(maxsize=1_024)
def _spoken(day: date, language: str | None) -> str:
    """In the language that's active: the rows of a page share few days."""
    return format_date(day, "DATE_FORMAT")


def relative(moment: datetime) -> str:
    now = clock.now()
    distance = abs(now - moment)
    if distance >= timedelta(days=7):
        # How a date is written, in the letters of Django's date filter
        pattern = pgettext("date", "j M") if moment.year == now.year else pgettext("date", "j M Y")
        return format_date(timezone.localtime(moment), pattern)
    text = roughly(distance)
    if not text:
        return gettext("now")
    return gettext("%(span)s ago") % {"span": text} if moment <= now else gettext("in %(span)s") % {"span": text}


@register.filter
def message_tone(message: Message) -> str:
    """The tone of a toast for a message that was left for this page."""
    return {messages.ERROR: "bad", messages.WARNING: "warn"}.get(message.level, "ok")


@register.simple_tag
def spark(values: Sequence[float], label: str, modifiers: str = "s1") -> SafeString:
    """`{% spark points "rising" "is-inline s1" %}`: a small line; the label says in words what it shows."""
    drawn = Spark(values)
    return format_html(
        '<svg class="spark {}" viewBox="0 0 100 32" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<path class="area" d="{}"/><path d="{}"/></svg>',
        modifiers,
        label,
        drawn.area,
        drawn.line,
    )
