from typing import Any

from django.utils.translation import gettext as _
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apps.tenants.problems import TokenTooNarrow


class WithinScopes(BasePermission):
    """A token comes in where the endpoint's scope is among its own; an endpoint that names none is closed to tokens."""

    def has_permission(self, request: Request, view: Any) -> bool:
        token: Any = request.auth
        if token is None:
            return True
        needed = view.needed_scope()
        if needed is None:
            raise TokenTooNarrow(_("No token may do this. Do it in the console."))
        if needed and needed not in token.scopes:
            raise TokenTooNarrow(scope=needed)
        return True
