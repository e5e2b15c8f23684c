from django.conf import settings
from django.db import models

from apps.core import clock
from apps.core.crypto import SecretField
from apps.core.ids import IdField
from apps.core.versions import Versioned


class Note(Versioned):
    """The owner reads and writes it, its readers only read it, nobody else knows that it's there."""

    class Colour(models.TextChoices):
        YELLOW = "yellow"
        BLUE = "blue"

    id = IdField(prefix="nte")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notes")
    readers = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="shared_notes")
    title = models.CharField(max_length=120)
    text = models.TextField(blank=True, max_length=2000)
    colour = models.CharField(max_length=8, choices=Colour, default=Colour.YELLOW)
    rank = models.IntegerField(null=True)
    link_key = SecretField(null=True)
    archived_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        indexes = [models.Index(fields=["created_at", "id"], name="note_age")]

    def __str__(self) -> str:
        return self.title
