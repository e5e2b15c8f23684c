"""What people do with their own account, and system administrators with others'. Page, API and admin call these."""

from apps.accounts.services.emails import ask_to_change_email, cancel_email_change, confirm_email
from apps.accounts.services.leaving import delete_account, list_reasons_to_stay, take_data
from apps.accounts.services.passwords import ask_for_password_link, reset_password, settle_new_password
from apps.accounts.services.people import (
    change_person,
    create_person,
    deactivate_person,
    reactivate_person,
    reset_second_factor,
)
from apps.accounts.services.preferences import change_preferences, set_language, set_theme
from apps.accounts.services.resend import send_link_again
from apps.accounts.services.second_factor import (
    disable_second_factor,
    enable_second_factor,
    make_recovery_codes,
    note_recovery_code,
    note_refused_code,
    note_trusted_browser,
)
from apps.accounts.services.sessions import end_sessions, revoke_other_sessions, revoke_session
from apps.accounts.services.sign_up import finish_sign_up, register_person, start_sign_up

__all__ = [
    "ask_for_password_link",
    "ask_to_change_email",
    "cancel_email_change",
    "change_person",
    "change_preferences",
    "confirm_email",
    "create_person",
    "deactivate_person",
    "delete_account",
    "disable_second_factor",
    "enable_second_factor",
    "end_sessions",
    "finish_sign_up",
    "list_reasons_to_stay",
    "make_recovery_codes",
    "note_recovery_code",
    "note_refused_code",
    "note_trusted_browser",
    "reactivate_person",
    "register_person",
    "reset_password",
    "reset_second_factor",
    "revoke_other_sessions",
    "revoke_session",
    "send_link_again",
    "set_language",
    "set_theme",
    "settle_new_password",
    "start_sign_up",
    "take_data",
]
