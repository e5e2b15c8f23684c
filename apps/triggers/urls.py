"""The pages of triggers, below /t/{workspace}/."""

from django.urls import path

from apps.triggers.views import changes, detail, list, new

GATEWAY = "gateways/<str:gateway_id>/triggers"
TRIGGER = f"{GATEWAY}/<str:trigger_id>"

app_name = "triggers"
urlpatterns = [
    path("triggers", list.AllTriggers.as_view(), name="all"),
    path(GATEWAY, list.TriggerList.as_view(), name="list"),
    path(f"{GATEWAY}/new", new.New.as_view(), name="new"),
    path(f"{GATEWAY}/preview", new.Preview.as_view(), name="preview"),
    path(TRIGGER, detail.Detail.as_view(), name="detail"),
    path(f"{TRIGGER}/change", changes.Change.as_view(), name="change"),
    path(f"{TRIGGER}/run", changes.Run.as_view(), name="run"),
    path(f"{TRIGGER}/pause", changes.Pause.as_view(), name="pause"),
    path(f"{TRIGGER}/resume", changes.Resume.as_view(), name="resume"),
    path(f"{TRIGGER}/delete", changes.Delete.as_view(), name="delete"),
]
