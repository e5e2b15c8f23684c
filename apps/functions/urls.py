"""The pages of functions, below /t/{workspace}/."""

from django.urls import path

from apps.functions import editor_urls
from apps.functions.views import changes, list, new, versions

GATEWAY = "gateways/<str:gateway_id>"
FUNCTION = f"{GATEWAY}/functions/<str:function_id>"

app_name = "functions"
urlpatterns = [
    path(f"{GATEWAY}/functions", list.FunctionList.as_view(), name="list"),
    path(f"{GATEWAY}/functions/new", new.New.as_view(), name="new"),
    path(f"{GATEWAY}/recycle-bin", list.RecycleBin.as_view(), name="bin"),
    path(f"{GATEWAY}/recycle-bin/<str:function_id>/restore", changes.Restore.as_view(), name="restore"),
    *editor_urls.urlpatterns,
    path(f"{FUNCTION}/settings", changes.Change.as_view(), name="change"),
    path(f"{FUNCTION}/rename", changes.Rename.as_view(), name="rename"),
    path(f"{FUNCTION}/copy", changes.Copy.as_view(), name="copy"),
    path(f"{FUNCTION}/delete", changes.Delete.as_view(), name="delete"),
    path(f"{FUNCTION}/versions", versions.Versions.as_view(), name="versions"),
    path(f"{FUNCTION}/versions/<int:number>/restore", versions.RestoreVersion.as_view(), name="restore_version"),
    path(f"{FUNCTION}/versions/<int:number>/pin", versions.Pin.as_view(), name="pin"),
]
