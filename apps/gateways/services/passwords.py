import secrets


def new_password() -> str:
    return secrets.token_urlsafe(24)
