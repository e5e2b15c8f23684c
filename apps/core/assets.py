"""Which built file a name stands for: `imp.css` is served as `imp-UACO7HCV.css` and may be cached for ever."""

import json
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class Assets:
    """The manifests that the build wrote, read once; in development read again when the build has run."""

    def __init__(self, *manifests: Path) -> None:
        self.manifests = manifests
        self._files: dict[str, str] = {}
        self._read_at: list[int] = []

    def url(self, name: str) -> str:
        files = self.files()
        if name not in files:
            raise ImproperlyConfigured(
                f"No asset is called {name!r}. There are {', '.join(files)}; tools/assets.py lists what is built."
            )
        return f"{settings.STATIC_URL}{files[name]}"

    def files(self) -> dict[str, str]:
        if not self._files or settings.DEBUG:
            self._read_if_changed()
        return self._files

    def missing(self) -> list[str]:
        """What a manifest names and isn't there."""
        return [
            name
            for manifest in self.manifests
            for name in _read(manifest).values()
            if not (manifest.parent / name).exists()
        ]

    def _read_if_changed(self) -> None:
        written_at = [_written_at(manifest) for manifest in self.manifests]
        if written_at != self._read_at:
            self._files = {name: file for manifest in self.manifests for name, file in _read(manifest).items()}
            self._read_at = written_at


def _read(manifest: Path) -> dict[str, str]:
    files: dict[str, str] = json.loads(manifest.read_bytes())["files"]
    return files


def _written_at(manifest: Path) -> int:
    try:
        return manifest.stat().st_mtime_ns
    except FileNotFoundError:
        raise ImproperlyConfigured(
            f"{manifest} is missing: the styles and the scripts aren't built. Run `python tools/assets.py`."
        ) from None


assets = Assets(*settings.ASSET_MANIFESTS)
