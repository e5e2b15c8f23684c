"""Which portal the agent talks to: on this machine whoever answers there, elsewhere who has the certificate."""

from pathlib import Path

import grpc

from agent.begin import CannotBegin, address_of, is_loopback

REFUSED = "CERTIFICATE_VERIFY_FAILED: "
# What OpenSSL says, and what somebody can do about it; its own words stand before it
ADVICE = {
    "unable to get": "Name the authority that signed it with --ca",
    "self": "Name the authority that signed it with --ca",
    "has expired": "Renew it at the portal, or look whether this machine's clock is right",
    "not yet valid": "Look whether this machine's clock is right, and the portal's",
}
# gRPC's words about a certificate that is in order but another's
OTHER_NAME = ("Hostname Verification", "not in peer certificate")


def credentials_for(portal: str, authority: Path | None) -> grpc.ChannelCredentials | None:
    """TLS, but for a portal on this machine."""
    host, _ = address_of(portal, option="--portal")
    if authority is None:
        return None if is_loopback(host) else grpc.ssl_channel_credentials()
    try:
        return grpc.ssl_channel_credentials(authority.read_bytes())
    except OSError as error:
        raise CannotBegin(f"--ca {authority} can't be read: {error.strerror}.") from None


def distrust(details: str) -> str:
    """Why the portal's certificate isn't trusted, where that is what the details of a failure say."""
    if any(words in details for words in OTHER_NAME):
        return "The portal's certificate isn't trusted: it's for another name than --portal gives."
    _, found, rest = details.partition(REFUSED)
    if not found:
        return ""
    said = rest.partition(":")[0].strip()
    advice = next((advice for words, advice in ADVICE.items() if words in said), "See the portal's certificate")
    return f"The portal's certificate isn't trusted: {said}. {advice}."
