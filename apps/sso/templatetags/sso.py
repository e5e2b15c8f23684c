"""What the pages below this app show of it."""

from typing import Any

from django import template

from apps.sso import selectors

register = template.Library()


@register.inclusion_tag("sso/_buttons.html", takes_context=True)
def sign_in_buttons(context: dict[str, Any]) -> dict[str, Any]:
    """For the sign-in page: one for each provider that is enabled, and nothing where there is none."""
    return {"providers": selectors.list_enabled_providers(), "next": context.get("redirect_field_value", "")}
