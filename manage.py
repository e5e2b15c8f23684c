#!/usr/bin/env python
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
    if sys.argv[1:2] == ["doctor"]:
        # Before Django is loaded: a broken installation is what the doctor is for
        from apps.core.doctor.main import main as doctor

        sys.exit(doctor(sys.argv[2:]))
    try:
        from django.core.exceptions import ImproperlyConfigured
        from django.core.management import execute_from_command_line
    except ImportError as error:
        sys.exit(f"{error}: `make run` sets everything up; `python manage.py doctor` says what is missing.")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"The settings can't be used: {error}")


if __name__ == "__main__":
    main()
