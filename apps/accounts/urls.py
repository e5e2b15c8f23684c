"""allauth looks its pages up by these names; the addresses are ours."""

from django.urls import path

from apps.accounts import account_pages, leaving_pages, second_factor, session_pages, views
from apps.accounts.email_pages import ChangeEmail, ConfirmEmail, settle_change
from apps.accounts.link_pages import Sent, open_link, send_again
from apps.accounts.links import Kind
from apps.accounts.password_pages import Forgot, Reset
from apps.accounts.sign_up_pages import ConfirmSignUp, SignUp

urlpatterns = [
    path("sign-in", views.SignIn.as_view(), name="account_login"),
    path("sign-in/code", views.SignInCode.as_view(), name="mfa_authenticate"),
    path("sign-in/inactive", views.Inactive.as_view(), name="account_inactive"),
    path("sign-in/demo", views.DemoSignIn.as_view(), name="account_demo"),
    path("sign-in/forgot", Forgot.as_view(), name="account_forgot"),
    path("sign-in/forgot/sent", Sent.as_view(kind=Kind.PASSWORD), name="account_forgot_sent"),
    path("sign-in/reset", Reset.as_view(), name="account_reset"),
    path("sign-up", SignUp.as_view(), name="account_signup"),
    path("sign-up/sent", Sent.as_view(kind=Kind.SIGN_UP), name="account_signup_sent"),
    path("sign-up/confirm", ConfirmSignUp.as_view(), name="account_signup_confirm"),
    path("link/again", send_again, name="account_link_again"),
    path("link/<str:token>", open_link, name="account_link"),
    path("account/email", ChangeEmail.as_view(), name="account_email"),
    path("account/email/pending", settle_change, name="account_email_pending"),
    path("account/email/confirm", ConfirmEmail.as_view(), name="account_email_confirm"),
    path("sign-out", views.SignOut.as_view(), name="account_logout"),
    path("language", views.switch_language, name="account_language"),
    path("account", account_pages.Account.as_view(), name="account"),
    path("account/preferences", account_pages.ChangePreferences.as_view(), name="account_preferences"),
    path("account/theme", views.switch_theme, name="account_theme"),
    path("account/password", account_pages.ChangePassword.as_view(), name="account_change_password"),
    path("account/confirm", views.Confirm.as_view(), name="account_reauthenticate"),
    path("account/confirm/code", views.ConfirmByCode.as_view(), name="mfa_reauthenticate"),
    path("account/sessions", session_pages.Sessions.as_view(), name="account_sessions"),
    path("account/sessions/others/revoke", session_pages.RevokeOthers.as_view(), name="account_sessions_others"),
    path("account/sessions/<str:pk>/revoke", session_pages.RevokeSession.as_view(), name="account_session_revoke"),
    path("account/alive", session_pages.Alive.as_view(), name="account_alive"),
    path("account/data", leaving_pages.TakeData.as_view(), name="account_data"),
    path("account/delete", leaving_pages.DeleteAccount.as_view(), name="account_delete"),
    path("account/second-factor", second_factor.SecondFactor.as_view(), name="mfa_index"),
    path("account/second-factor/on", second_factor.Enable.as_view(), name="mfa_activate_totp"),
    path("account/second-factor/off", second_factor.Disable.as_view(), name="mfa_deactivate_totp"),
    path("account/recovery-codes", second_factor.RecoveryCodes.as_view(), name="mfa_view_recovery_codes"),
    path("account/recovery-codes/new", second_factor.NewRecoveryCodes.as_view(), name="mfa_generate_recovery_codes"),
]
