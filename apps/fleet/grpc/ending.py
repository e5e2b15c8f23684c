from agent.protocol import v1_pb2 as wire
from apps.fleet.problems import AnotherPlace, BadToken, Cloned, Outrun, Refused, Revoked, TokenExpired

Reason = wire.Goodbye


class Ended(Exception):
    """The portal says goodbye; with a reason, and after how many seconds to come back. 0 leaves that to the agent."""

    def __init__(self, reason: int, message: str, retry_after: int = 0) -> None:
        self.reason, self.message, self.retry_after = reason, message, retry_after
        super().__init__(message)


def ended_by(refusal: Refused) -> Ended:
    match refusal:
        case Revoked():
            reason = Reason.REVOKED
        case Cloned() | AnotherPlace():
            reason = Reason.CLONE
        case Outrun():
            reason = Reason.SUPERSEDED
        case TokenExpired() | BadToken():
            reason = Reason.TOKEN_EXPIRED
        case _:
            reason = Reason.PROTOCOL
    return Ended(reason, str(refusal))
