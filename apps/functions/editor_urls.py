"""The editor's addresses. A function's own page names its stage and its path; what is done there names its id."""

from django.urls import path, re_path

from apps.functions.views import conflict, drafts, editor, running, saving, standing, types

GATEWAY = "gateways/<str:gateway_id>/functions"
FUNCTION = f"{GATEWAY}/<str:function_id>"

urlpatterns = [
    path(f"{GATEWAY}/types", types.Types.as_view(), name="types"),
    # First of all: a function may be called save, or user/draft
    re_path(
        r"^gateways/(?P<gateway_id>[^/]+)/functions/(?P<stage>dev|staging|prod)/(?P<base_name>.+)$",
        editor.Editor.as_view(),
        name="edit",
    ),
    path(f"{FUNCTION}/standing", standing.Standing.as_view(), name="standing"),
    path(f"{FUNCTION}/save", saving.Save.as_view(), name="save"),
    path(f"{FUNCTION}/draft", drafts.DraftOfFunction.as_view(), name="draft"),
    path(f"{FUNCTION}/run", running.Run.as_view(), name="run"),
    path(f"{FUNCTION}/conflict", conflict.Conflict.as_view(), name="conflict"),
]
