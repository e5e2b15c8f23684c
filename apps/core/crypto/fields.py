"""A model field whose value is sealed in the database and masked in Python."""

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.core.exceptions import FieldError
from django.db import models
from django.db.models.query_utils import DeferredAttribute

from apps.core.crypto.envelope import Context, Sealed, open_sealed, rewrap, seal
from apps.core.crypto.secret import MASK, Secret


class SecretAttribute(DeferredAttribute):
    """What a row's attribute gives: a Secret, opened no earlier than it is revealed."""

    field: "SecretField"

    def __get__(self, instance: models.Model | None, owner: Any = None) -> Any:
        value = super().__get__(instance, owner)
        if instance is None or not isinstance(value, Sealed):
            return value
        context = self.field.context(instance)
        return Secret(lambda: open_sealed(value.data, context=context).decode())

    def __set__(self, instance: models.Model, value: object) -> None:
        if isinstance(value, str):
            value = Secret(value)
        if value is not None and not isinstance(value, Secret | Sealed):
            raise TypeError(f"{self.field} takes text or None, not {type(value).__name__}.")
        instance.__dict__[self.field.attname] = value


class SecretField(models.Field):  # type: ignore[type-arg]
    """Assign text, get a Secret. Bound to its table, column and row; never editable, serialised, or searched."""

    descriptor_class = SecretAttribute
    empty_strings_allowed = False

    def __init__(self, verbose_name: Any = None, **options: Any) -> None:
        options["editable"] = False
        options["serialize"] = False
        super().__init__(verbose_name, **options)

    def deconstruct(self) -> tuple[str, str, Sequence[Any], dict[str, Any]]:
        name, path, arguments, options = super().deconstruct()
        options.pop("editable", None)
        options.pop("serialize", None)
        return name, path, arguments, options

    def get_internal_type(self) -> str:
        return "BinaryField"

    def check(self, **options: Any) -> list[checks.CheckMessage]:
        found = super().check(**options)
        if isinstance(self.model._meta.pk, models.AutoField):
            found.append(
                checks.Error(
                    "A SecretField needs a primary key that is known before the row is saved.",
                    hint="Give the model an IdField.",
                    obj=self,
                    id="crypto.E001",
                )
            )
        return found

    def context(self, instance: models.Model) -> Context:
        return self.context_of_row(instance.pk)

    def context_of_row(self, pk: Any) -> Context:
        return (self.model._meta.db_table, self.attname, str(pk))

    def from_db_value(self, value: bytes | memoryview | None, *_: Any) -> Sealed | None:
        return None if value is None else Sealed(bytes(value))

    def pre_save(self, model_instance: models.Model, add: bool) -> Sealed | None:
        """Seal what was assigned. What came from the database stays, moved to the current key if it isn't there."""
        value = model_instance.__dict__.get(self.attname)
        if value is None:
            return None
        context = self.context(model_instance)
        if isinstance(value, Sealed):
            return Sealed(rewrap(value.data, context=context))
        sealed = Sealed(seal(value.reveal(), context=context))
        model_instance.__dict__[self.attname] = sealed
        return sealed

    def get_db_prep_value(self, value: object, connection: Any, prepared: bool = False) -> Any:
        if value is None:
            return None
        if not isinstance(value, Sealed):
            raise TypeError(f"{self} is sealed for its row: set it on the instance and save that, not by an update().")
        return connection.Database.Binary(value.data)

    def get_lookup(self, lookup_name: str) -> Any:
        if lookup_name != "isnull":
            raise FieldError(f"{self} is encrypted: it can be asked whether it's there, not compared.")
        return super().get_lookup(lookup_name)

    def value_to_string(self, obj: models.Model) -> str:
        return "" if self.value_from_object(obj) is None else MASK
