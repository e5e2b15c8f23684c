"""Which file of static/dist a name stands for: `imp.css` is served as `imp-UACO7HCV.css` and may be cached for ever."""

import json
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class Assets:
    """The manifest that the build wrote, read once; in development read again when the build has run."""

    def __init__(self, manifest: Path) -> None:
        self.manifest = manifest
        self._files: dict[str, str] = {}
        self._read_at = 0

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

    def _read_if_changed(self) -> None:
        try:
            written_at = self.manifest.stat().st_mtime_ns
            if written_at != self._read_at:
                self._files = json.loads(self.manifest.read_bytes())["files"]
                self._read_at = written_at
        except FileNotFoundError:
            raise ImproperlyConfigured(
                f"{self.manifest} is missing: the styles and the script aren't built. Run `python tools/assets.py`."
            ) from None


assets = Assets(settings.ASSET_MANIFEST)
