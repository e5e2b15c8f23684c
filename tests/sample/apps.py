from django.apps import AppConfig


class SampleConfig(AppConfig):
    """A small app that exists only here, so that the floor can be tested without any of the product's apps."""

    name = "tests.sample"
    label = "sample"

    def ready(self) -> None:
        from apps.audit.verbs import declare

        declare(
            {
                "note.created": "Wrote the note %(target)s",
                "note.changed": "Changed the note %(target)s",
                "note.archived": "Archived the note %(target)s",
                "note.deleted": "Deleted the note %(target)s",
            }
        )
