"""The tests' settings with other parts to run."""

from portal.settings.test import *  # noqa: F403

UP_DECLARATION = "tests.up.parts"
