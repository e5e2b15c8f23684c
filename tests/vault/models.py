from django.db import models

from apps.core.crypto import SecretField
from apps.core.ids import IdField


class Credential(models.Model):
    id = IdField(prefix="crd")
    name = models.CharField(max_length=50, blank=True)
    token = SecretField(null=True)

    def __str__(self) -> str:
        return self.name
