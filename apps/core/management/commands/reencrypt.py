from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.core.crypto import rotation
from apps.core.crypto.hashing import count_hashes
from apps.core.crypto.keys import keyring

SHOWN_FAILURES = 10


class Command(BaseCommand):
    help = (
        "Brings every stored secret under the current encryption key (the first in IMP_ENCRYPTION_KEYS). "
        "Runs beside a working installation; if it is interrupted, run it again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="only open everything and say which keys are in use; changes nothing"
        )
        parser.add_argument("--batch-size", type=int, default=rotation.BATCH, help="rows read at a time")

    def handle(self, *args: Any, check: bool, batch_size: int, **options: Any) -> None:
        if batch_size < 1:
            raise CommandError("--batch-size needs a number above 0.")
        ring = keyring()
        self.stdout.write(f"Current key: {ring.current_id}. Others that still open: {', '.join(_others()) or 'none'}.")
        reports = rotation.check(batch_size=batch_size) if check else rotation.reencrypt(batch_size=batch_size)
        failed, outdated = 0, False
        for report in reports:
            self._tell(report, check)
            failed += len(report.failures)
            outdated |= check and not report.is_current
        if failed:
            raise CommandError(
                f"{failed} stored secrets can't be opened; they are named above and were left as they are."
            )
        if check:
            self._count_hashes()
        if outdated:
            raise CommandError("Some stored secrets are under another key. Run `manage.py reencrypt`.")
        self.stdout.write("Everything is under the current key." if check else "Done.")

    def _tell(self, report: rotation.Report, check: bool) -> None:
        if check:
            counted = ", ".join(f"{count} under {key_id}" for key_id, count in sorted(report.by_key.items()))
            self.stdout.write(f"  {report.store}: {counted or 'nothing stored'}")
        else:
            self.stdout.write(f"  {report.store}: {report.rewrapped} moved to the current key")
        for failure in report.failures[:SHOWN_FAILURES]:
            self.stderr.write(f"    {failure}")
        if len(report.failures) > SHOWN_FAILURES:
            self.stderr.write(f"    and {len(report.failures) - SHOWN_FAILURES} more")

    def _count_hashes(self) -> None:
        """They move by themselves, when what they're of comes by again; so they aren't a failure, but to be known."""
        rests = 0
        for name, by_key in count_hashes():
            counted = ", ".join(f"{count} under {key_id}" for key_id, count in sorted(by_key.items()))
            self.stdout.write(f"  {name}, hashed: {counted or 'nothing stored'}")
            rests += sum(count for key_id, count in by_key.items() if key_id != keyring().current_id)
        if rests:
            self.stdout.write(f"{rests} hashes move to the current key when next used; dropping their key ends them.")


def _others() -> list[str]:
    ring = keyring()
    return [key_id for key_id in ring.keys if key_id != ring.current_id]
