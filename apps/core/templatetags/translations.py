"""Stands for Django's `{% load i18n %}` (TEMPLATES' libraries). All of it is Django's; words that never differ within a
language are looked up once in each, as a list says the same ones in every row.
"""

from typing import Any

from django import template
from django.templatetags import i18n
from django.utils.translation import get_language

register = template.Library()
register.tags.update(i18n.register.tags)
register.filters.update(i18n.register.filters)


class ConstantNode(template.Node):
    """`{% translate "Role" %}`: a literal without filters."""

    child_nodelists = ()

    def __init__(self, node: i18n.TranslateNode) -> None:
        self.node = node
        self.asvar, node.asvar = node.asvar, None
        self.found: dict[str | None, str] = {}

    def render(self, context: template.Context) -> str:
        language = get_language()
        words = self.found.get(language)
        if words is None:
            words = self.found[language] = self.node.render(context)
        if self.asvar:
            context[self.asvar] = words
            return ""
        return words


@register.tag("trans")
@register.tag("translate")
def translate(parser: Any, token: Any) -> template.Node:
    """Django's, with the same grammar."""
    node = i18n.do_translate(parser, token)
    is_constant = _is_literal(node.filter_expression) and _is_literal(node.message_context)
    return ConstantNode(node) if is_constant else node


def _is_literal(expression: Any) -> bool:
    if expression is None:
        return True
    return not expression.filters and getattr(expression.var, "literal", expression.var) is not None
