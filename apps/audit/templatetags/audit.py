from django import template
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.audit.models import AuditEvent
from apps.audit.verbs import text_of

register = template.Library()


@register.simple_tag
def sentence(event: AuditEvent) -> SafeString:
    """What was done, the object's name in bold."""
    text = conditional_escape(str(text_of(event.verb)))
    return mark_safe(text % {"target": format_html("<b>{}</b>", event.target_label)})  # noqa: S308
