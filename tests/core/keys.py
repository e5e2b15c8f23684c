"""Encryption keys made for a test."""

import base64
import os


def new_key(key_id: str) -> str:
    return f"{key_id}:{base64.b64encode(os.urandom(32)).decode()}"
