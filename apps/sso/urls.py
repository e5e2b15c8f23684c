from django.urls import path

from apps.sso import views

app_name = "sso"
urlpatterns = [
    path("sign-out/provider", views.Leave.as_view(), name="leave"),
    path("sso/<slug:slug>", views.Begin.as_view(), name="begin"),
    path("sso/<slug:slug>/callback", views.Callback.as_view(), name="callback"),
    path("account/confirm/with/<slug:slug>", views.Confirm.as_view(), name="confirm"),
    path("account/identities/<slug:slug>/link", views.Link.as_view(), name="link"),
    path("account/identities/<str:pk>/unlink", views.Unlink.as_view(), name="unlink"),
]
