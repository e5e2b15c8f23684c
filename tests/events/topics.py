"""Topics of the tests, with a rule of each sort."""

from apps.core.events import register_topic


def declare_topics() -> None:
    register_topic("note", lambda person, ref: True)
    register_topic("operators", lambda person, ref: person.is_staff)
    register_topic("person", lambda person, ref: person.pk == ref)
    register_topic("broken", lambda person, ref: bool(1 / 0))
