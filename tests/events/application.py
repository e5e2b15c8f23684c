"""What the tests' live process runs: the product's, and a few topics to listen to."""

from apps.core.events import register_topic
from portal.asgi import application

__all__ = ["application", "declare_topics"]


def declare_topics() -> None:
    register_topic("note", lambda person, ref: True)
    register_topic("operators", lambda person, ref: person.is_staff)
    register_topic("person", lambda person, ref: person.pk == ref)
    register_topic("broken", lambda person, ref: bool(1 / 0))


declare_topics()
