from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Of one stream. Times in seconds, sizes in bytes."""

    hello_within: float = 10.0
    # What was sent has to be read, and acknowledged, within this time
    ack_within: float = 20.0
    heartbeat_seconds: int = 10
    # Three heartbeats that didn't come
    silence: float = 30.0
    status_interval_ms: int = 100
    # What agents send is small; what they're sent is split into messages, none larger than LARGEST_BUNDLE and a bit
    largest_message: int = 1024 * 1024
    # How many of an agent's messages are read ahead of their being written down
    unread_messages: int = 64
    # Everything isn't sent more often than this to one that keeps asking for it
    whole_every: float = 2.0
    # A goodbye to an agent that doesn't read isn't waited for
    goodbye_within: float = 0.3
    look_every: float = 0.5
