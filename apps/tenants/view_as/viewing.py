from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.backends.base import SessionBase

from apps.core import clock

KEY = "view_as"
LASTS = timedelta(minutes=30)


@dataclass(frozen=True)
class Viewing:
    """What the operator's session keeps of it: when that ends, so does this."""

    id: str
    operator_id: str
    person_id: str
    reason: str
    started_at: datetime
    ends_at: datetime

    @property
    def is_over(self) -> bool:
        return clock.now() >= self.ends_at

    @property
    def lasted(self) -> timedelta:
        return min(clock.now(), self.ends_at) - self.started_at

    def keep(self, session: SessionBase) -> None:
        session[KEY] = {**asdict(self), "started_at": self.started_at.isoformat(), "ends_at": self.ends_at.isoformat()}

    @classmethod
    def of(cls, session: SessionBase) -> Viewing | None:
        kept: dict[str, Any] | None = session.get(KEY)
        if kept is None:
            return None
        moments = {name: datetime.fromisoformat(kept[name]) for name in ("started_at", "ends_at")}
        return cls(**{**kept, **moments})

    @staticmethod
    def forget(session: SessionBase) -> None:
        session.pop(KEY, None)
