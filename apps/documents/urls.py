"""The pages of functions' data, below /t/{workspace}/. A document's id can be any text, so it's in the query."""

from django.urls import path

from apps.documents.views import changes, pages

DATA = "gateways/<str:gateway_id>/data"
COLLECTION = f"{DATA}/collections/<str:collection>"

app_name = "documents"
urlpatterns = [
    path(DATA, pages.CollectionList.as_view(), name="list"),
    path(f"{DATA}/new", changes.NewCollection.as_view(), name="new"),
    path(COLLECTION, pages.CollectionPage.as_view(), name="collection"),
    path(f"{COLLECTION}/drop", changes.DropCollection.as_view(), name="drop"),
    path(f"{COLLECTION}/insert", changes.InsertDocument.as_view(), name="insert"),
    path(f"{COLLECTION}/change", changes.ChangeDocument.as_view(), name="change"),
    path(f"{COLLECTION}/delete", changes.DeleteDocument.as_view(), name="delete"),
    path(f"{COLLECTION}/indexes/new", changes.NewIndex.as_view(), name="new_index"),
    path(f"{COLLECTION}/indexes/drop", changes.DropIndex.as_view(), name="drop_index"),
]
