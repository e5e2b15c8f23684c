"""Why an agent is refused. Their texts go to its log, so they say what to do there."""

from typing import ClassVar


class Refused(Exception):
    """`reason` is for programs."""

    reason: ClassVar[str] = "refused"


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


class AnotherPlace(Refused):
    reason = "another-place"


class Reused(Refused):
    reason = "refresh-reused"


class Outrun(Refused):
    reason = "outrun"


class BundleTooLarge(Exception):
    """More than an agent takes in one message."""
