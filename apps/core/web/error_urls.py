from django.urls import path

from apps.core.web import error_types

app_name = "errors"
urlpatterns = [
    path("", error_types.index, name="index"),
    path("<slug:slug>", error_types.error_type, name="type"),
]
