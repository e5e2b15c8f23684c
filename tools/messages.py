"""Compiles the translations that have changed: `python tools/messages.py`. Gettext needn't be installed."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"


def outdated(locale: Path = LOCALE) -> list[Path]:
    """The sources whose compiled catalogue is older, or isn't there."""
    return [
        source for source in sorted(locale.glob("*/LC_MESSAGES/*.po")) if _changed_at(source) > _changed_at(_mo(source))
    ]


def compile_messages(locale: Path = LOCALE) -> list[Path]:
    """What was written."""
    # Late, so that the set-up can ask what is outdated before the packages are installed
    import polib

    sources = outdated(locale)
    for source in sources:
        unfinished = _mo(source).with_suffix(".mo.unfinished")
        polib.pofile(str(source), encoding="utf-8").save_as_mofile(str(unfinished))
        unfinished.replace(_mo(source))
    return [_mo(source) for source in sources]


def _mo(source: Path) -> Path:
    return source.with_suffix(".mo")


def _changed_at(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


if __name__ == "__main__":
    for path in compile_messages():
        print(path.relative_to(ROOT))
