"""The pages of a gateway's packages, below /t/{workspace}/."""

from django.urls import path

from apps.functions.dependencies import views

GATEWAY = "gateways/<str:gateway_id>/dependencies"

app_name = "dependencies"
urlpatterns = [
    path(GATEWAY, views.Packages.as_view(), name="list"),
    path(f"{GATEWAY}/add", views.Add.as_view(), name="add"),
    path(f"{GATEWAY}/again", views.Again.as_view(), name="again"),
    path(f"{GATEWAY}/discard", views.Discard.as_view(), name="discard"),
    # A scope has a slash
    path(f"{GATEWAY}/update/<path:name>", views.Update.as_view(), name="update"),
    path(f"{GATEWAY}/remove/<path:name>", views.Remove.as_view(), name="remove"),
]
