"""Why an agent is refused. Their texts go to its log, so they say what to do there."""

from typing import ClassVar


class Refused(Exception):
    """`ends` says that asking again in the same way can't help."""

    reason: ClassVar[str] = "refused"
    ends: ClassVar[bool] = True


class BadToken(Refused):
    reason = "bad-token"


class TokenUsed(Refused):
    reason = "token-used"


class TokenExpired(Refused):
    reason = "token-expired"


class Revoked(Refused):
    reason = "revoked"


class Cloned(Refused):
    reason = "clone"


class Reused(Refused):
    reason = "refresh-reused"
