"""Forms in which somebody writes as many variables as they want."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.core.errors import InvalidInput
from apps.core.web import htmx
from apps.core.web.forms import FormView
from apps.gateways.forms import Row, edited, filled, rows_in, with_errors
from apps.gateways.services.variables import Setting

# Asks for the rows as they are, such as after a value became a secret
REDRAW = "redraw"
PREFIX = "/variables/"


class WithRows(FormView):
    """The buttons beside the rows change what is shown, and save nothing."""

    rows: Sequence[Row] = ()
    unread: Sequence[str] = ()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.rows = rows_in(request.POST)
        change = edited(request.POST)
        if change is None and REDRAW not in request.POST:
            return super().post(request, *args, **kwargs)
        # Whoever may not save is refused here too
        form = self.get_form()
        if change is not None:
            self.rows, self.unread = change
        if htmx.target(request) == "variables":
            return htmx.vary(render(request, "gateways/_variables.html", self.rows_context()))
        # Without script all of it comes again, with what was typed and nothing said about it yet
        form.initial = {**form.initial, **{name: request.POST.get(name, "") for name in form.fields}}
        return self._show(form)

    def rows_context(self) -> dict[str, Any]:
        return {"rows": self.rows, "unread": self.unread, "rows_url": self.request.path}

    @property
    def settings(self) -> list[Setting]:
        return [Setting(row.name, row.value, row.is_secret) for row in filled(self.rows)]

    @contextmanager
    def errors_at_rows(self) -> Iterator[None]:
        """What the service finds wrong with a variable stands beside it."""
        self.rows = filled(self.rows)
        try:
            yield
        except InvalidInput as problem:
            self.rows = with_errors(self.rows, problem.fields)
            # The same kind of problem goes on, with what the form itself can show
            problem.fields = _of_form(problem.fields)
            raise


def _of_form(fields: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
    found = {path: errors for path, errors in fields.items() if not path.startswith(PREFIX)}
    of_all = found.pop("variables", [])
    if len(found) < len(fields) - bool(of_all):
        of_all = [*of_all, _("Mend the variables that are marked below.")]
    return {**found, "__all__": of_all} if of_all else found
