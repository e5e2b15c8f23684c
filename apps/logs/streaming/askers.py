"""Who follows a log: by the console's session or by an access token, asked again as long as they do."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.core import signing

from apps.access.models import AccessToken
from apps.core.events.listeners import Claim, judge
from apps.logs.selectors import tenant_of_follower

TOPIC = "logs"
TICKET_SECONDS = 60
_SALT = "logs.follow"


@dataclass(frozen=True, slots=True)
class Asker:
    """One of the two."""

    session_key: str = ""
    token_id: str = ""


def make_ticket(token: AccessToken, gateway_id: str) -> str:
    """In an address to which a program is sent on: most take their Authorization header to no other one."""
    return signing.dumps([token.pk, gateway_id], salt=_SALT)


def read_ticket(ticket: str, gateway_id: str) -> Asker | None:
    try:
        token_id, of = signing.loads(ticket, salt=_SALT, max_age=TICKET_SECONDS)
    except (signing.BadSignature, ValueError):
        return None
    return Asker(token_id=token_id) if of == gateway_id else None


def still_allowed(asked: Sequence[tuple[Asker, str]]) -> list[str]:
    """The person behind each who may follow that gateway's log at this moment; empty where there is none."""
    sessions = [(asker, gateway_id) for asker, gateway_id in asked if asker.session_key]
    claims = [Claim(asker.session_key, frozenset({f"{TOPIC}:{gateway_id}"})) for asker, gateway_id in sessions]
    verdicts = judge(claims)
    found = {
        pair: "" if verdict.refused else verdict.person_id for pair, verdict in zip(sessions, verdicts, strict=True)
    }
    tokens = {asker.token_id for asker, _ in asked if asker.token_id}
    rows = AccessToken.objects.select_related("person").filter(pk__in=tokens)
    by_id = {token.pk: token for token in rows}
    for asker, gateway_id in asked:
        if asker.token_id:
            found[asker, gateway_id] = _person_of(by_id.get(asker.token_id), gateway_id)
    return [found[pair] for pair in asked]


def _person_of(token: AccessToken | None, gateway_id: str) -> str:
    if token is None or token.state != AccessToken.State.ACTIVE or not token.person.is_active:
        return ""
    tenant_id = tenant_of_follower(token.person, gateway_id, frozenset(token.scopes))
    if tenant_id is None or (token.tenant_id and token.tenant_id != tenant_id):
        return ""
    return str(token.person.pk)
