"""The pages of people who aren't in a workspace yet, or in several."""

from django.urls import path

from apps.tenants.views import joining, workspaces

urlpatterns = [
    path("workspaces", workspaces.Workspaces.as_view(), name="workspaces"),
    path("workspaces/new", workspaces.New.as_view(), name="new_workspace"),
    path("workspaces/invitations/<str:invitation_id>", workspaces.Answer.as_view(), name="answer_invitation"),
    path("invitations/<str:token>", joining.Join.as_view(), name="invitation"),
]
