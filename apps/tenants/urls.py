"""The pages about a workspace and its people, below /t/{workspace}/."""

from django.urls import include, path

from apps.tenants.views import invitations, members, settings

member_pages = [
    path("members", members.MemberList.as_view(), name="list"),
    path("members/invite", members.Invite.as_view(), name="invite"),
    path("members/leave", members.Leave.as_view(), name="leave"),
    path("members/roles", members.roles, name="roles"),
    path("members/<str:membership_id>/role", members.ChangeRole.as_view(), name="role"),
    path("members/<str:membership_id>/remove", members.Remove.as_view(), name="remove"),
    path("members/<str:membership_id>/hand-over", members.HandOver.as_view(), name="hand_over"),
]

invitation_pages = [
    path("members/invitations", invitations.InvitationList.as_view(), name="list"),
    path("members/invitations/<str:invitation_id>/send-again", invitations.SendAgain.as_view(), name="send_again"),
    path("members/invitations/<str:invitation_id>/address", invitations.ChangeAddress.as_view(), name="address"),
    path("members/invitations/<str:invitation_id>/revoke", invitations.Revoke.as_view(), name="revoke"),
]

settings_pages = [
    path("settings", settings.Settings.as_view(), name="workspace"),
    path("settings/delete", settings.Delete.as_view(), name="delete"),
]

urlpatterns = [
    path("", include((invitation_pages, "invitations"))),
    path("", include((member_pages, "members"))),
    path("", include((settings_pages, "settings"))),
]
