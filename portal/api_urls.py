"""Everything under /v1/. An app's endpoints are in its api.py; the last line answers for what isn't there."""

from django.urls import path, re_path

from apps.access.api import urlpatterns as access
from apps.accounts.api import urlpatterns as accounts
from apps.core.api.root import OpenApiDocument, Root, reference_group
from apps.core.api.views import NothingHere
from apps.documents.api import urlpatterns as documents
from apps.fleet.api import urlpatterns as fleet
from apps.functions.api import urlpatterns as functions
from apps.functions.dependencies.api import urlpatterns as dependencies
from apps.gateways.api import urlpatterns as gateways
from apps.logs.api import urlpatterns as logs
from apps.tenants.api import urlpatterns as tenants
from apps.tenants.history.api import urlpatterns as history
from apps.triggers.api import urlpatterns as triggers

app_name = "api"
urlpatterns = [
    path("", Root.as_view(), name="root"),
    path("openapi.json", OpenApiDocument.as_view(), name="openapi"),
    path("reference/<slug:group>", reference_group, name="reference"),
    *accounts,
    *access,
    *history,
    *tenants,
    *logs,
    *documents,
    *gateways,
    *triggers,
    *dependencies,
    *functions,
    *fleet,
    re_path("", NothingHere.as_view()),
]
