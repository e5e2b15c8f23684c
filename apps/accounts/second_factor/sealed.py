"""The second factor's secrets, which allauth keeps in a JSON column, for the rotation of keys."""

import base64
from collections.abc import Iterator

from allauth.mfa.models import Authenticator
from django.db import transaction

from apps.accounts.second_factor.adapter import second_factor_context
from apps.core.crypto.envelope import current_header
from apps.core.crypto.stores import SealedValue

# Where allauth puts what it has encrypted, by the authenticator's type
SEALED_NAME = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}


class SecondFactorStore:
    name = "Second factors"

    def values(self, *, only_stale: bool, batch_size: int) -> Iterator[SealedValue]:
        header, last = current_header(), 0
        rows = Authenticator.objects.filter(type__in=SEALED_NAME).order_by("pk")
        while batch := list(rows.filter(pk__gt=last)[:batch_size]):
            for row in batch:
                data = base64.b64decode(row.data[SEALED_NAME[row.type]])
                if not (only_stale and data.startswith(header)):
                    place = f"the {row.get_type_display()} of {row.user_id}"
                    yield SealedValue(place, row.pk, data, second_factor_context(row.user_id))
            last = batch[-1].pk

    def replace(self, value: SealedValue, new: bytes) -> bool:
        """Under the row's lock, as using a recovery code writes the same column."""
        with transaction.atomic():
            row = Authenticator.objects.select_for_update().filter(pk=value.handle).first()
            name = SEALED_NAME[row.type] if row else ""
            if row is None or row.data[name] != base64.b64encode(value.data).decode():
                return False
            row.data[name] = base64.b64encode(new).decode()
            row.save(update_fields=["data"])
        return True
