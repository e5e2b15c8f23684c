from django.urls import include, path

from tests.sample import api, views

# The sample's endpoints come first: below /v1/ the product answers for everything
urlpatterns = [
    path("notes", views.NoteList.as_view(), name="notes"),
    path("v1/", include(api.urlpatterns)),
]
