from django.urls import path

from apps.access import views

app_name = "access"
urlpatterns = [
    path("account/tokens", views.TokenList.as_view(), name="list"),
    path("account/tokens/new", views.NewToken.as_view(), name="new"),
    path("account/tokens/<str:pk>/revoke", views.RevokeToken.as_view(), name="revoke"),
    path("account/tokens/<str:pk>/remove", views.RemoveToken.as_view(), name="remove"),
]
