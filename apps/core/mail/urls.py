from django.urls import path

from apps.core.mail import views

urlpatterns = [
    path("mails", views.mails, name="mails"),
    path("mails/<str:mail_id>", views.mail, name="mail"),
]
