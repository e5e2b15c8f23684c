"""A secret is sealed in its row, masked in Python, and can't slip out by accident."""

import copy
import json
import logging
import pickle

import orjson
import pytest
from django.core.exceptions import FieldError
from django.core.serializers import serialize
from django.db import connection, models, transaction
from django.forms import modelform_factory
from rest_framework import serializers
from rest_framework.renderers import JSONRenderer

from apps.core.crypto import MASK, CantOpen, Sealed, Secret
from apps.core.crypto.fields import SecretField
from tests.vault.models import Credential

PLAIN = "tide-4vQm9TzKc2WnR8yL"

pytestmark = pytest.mark.django_db


@pytest.fixture
def credential() -> Credential:
    return Credential.objects.create(name="carrier", token=PLAIN)


def stored(credential: Credential) -> bytes:
    with connection.cursor() as cursor:
        cursor.execute("SELECT token FROM vault_credential WHERE id = %s", [credential.pk])
        return bytes(cursor.fetchone()[0])


def whole_database() -> bytes:
    """Every row of every table, as a dump would hold it."""
    dump = b""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            with cursor.copy(f'COPY "{table}" TO STDOUT') as rows:
                dump += b"".join(bytes(row) for row in rows)
    return dump


def test_it_comes_back_only_when_asked_by_name(credential):
    for each in (credential, Credential.objects.get()):
        assert isinstance(each.token, Secret)
        assert each.token.reveal() == PLAIN


def test_nothing_of_it_is_in_a_dump_of_the_database(credential):
    dump = whole_database()
    assert credential.pk.encode() in dump
    for trace in (PLAIN.encode(), PLAIN.encode().hex().encode(), PLAIN[:8].encode()):
        assert trace not in dump


def test_printing_formatting_and_logging_show_a_mask(credential, caplog):
    credential.refresh_from_db()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("x").warning("%s %r %s %s", credential.token, credential.token, vars(credential), credential)
        try:
            raise RuntimeError(f"no luck with {credential.token!r}")
        except RuntimeError:
            logging.getLogger("x").exception("failed")
    texts = [str(credential.token), repr(credential.token), f"{credential.token:>40}", repr([credential.token])]
    texts += [
        repr(vars(credential)),
        caplog.text,
        repr(Credential(token=PLAIN).token),
        repr(vars(Credential(token=PLAIN))),
    ]
    for text in texts:
        assert PLAIN not in text
    assert MASK in str(credential.token)


def test_json_refuses_it_or_gets_a_mask(credential):
    for attempt in (json.dumps, orjson.dumps):
        with pytest.raises(TypeError):
            attempt({"token": credential.token})
    assert PLAIN not in json.dumps({"token": credential.token}, default=str)


def test_it_is_never_pickled(credential):
    with pytest.raises(TypeError, match="Pass the id of its row"):
        pickle.dumps(credential.token)


def test_a_row_from_the_database_can_be_copied_and_pickled_sealed(credential):
    row = Credential.objects.get()
    assert copy.deepcopy(row).token.reveal() == PLAIN
    assert PLAIN.encode() not in pickle.dumps(row)
    assert copy.deepcopy(credential.token) is not None


def test_secrets_are_compared_by_their_value_and_have_no_hash(credential):
    assert credential.token == Secret(PLAIN)
    assert credential.token != Secret("other")
    assert credential.token != PLAIN
    with pytest.raises(TypeError):
        hash(credential.token)


def test_values_and_raw_reads_give_the_sealed_value(credential):
    for found in (
        Credential.objects.values().get()["token"],
        Credential.objects.values_list("token", flat=True).get(),
        Credential.objects.values("token").get()["token"],
    ):
        assert isinstance(found, Sealed)
        assert PLAIN not in repr(found)
        assert PLAIN.encode() not in found.data


def test_forms_and_serializers_leave_it_out(credential):
    class Everything(serializers.ModelSerializer):
        class Meta:
            model = Credential
            fields = "__all__"

    assert "token" not in modelform_factory(Credential, fields="__all__")().fields
    assert "token" not in serialize("json", [credential])
    assert "token" not in Everything(credential).data


def test_a_serializer_that_asks_for_it_gets_it_masked_and_cannot_send_it(credential):
    class Named(serializers.ModelSerializer):
        class Meta:
            model = Credential
            fields = ["token"]

    shown = Named(credential).data
    assert str(shown["token"]) == MASK
    with pytest.raises(TypeError):
        JSONRenderer().render(shown)
    assert Named().get_fields()["token"].read_only


def test_it_cannot_be_searched(credential):
    for lookup in ("token", "token__contains", "token__in", "token__gt"):
        with pytest.raises(FieldError, match="can be asked whether it's there, not compared"):
            Credential.objects.filter(**{lookup: PLAIN}).exists()
    assert Credential.objects.filter(token__isnull=False).count() == 1


def test_it_is_opened_only_when_revealed(credential, monkeypatch):
    opened = []
    monkeypatch.setattr("apps.core.crypto.fields.open_sealed", lambda *a, **k: opened.append(1) or b"x")
    row = Credential.objects.get()
    assert isinstance(row.token, Secret)
    assert not opened
    row.token.reveal()
    assert opened


def test_a_deferred_secret_is_read_when_needed(credential, django_assert_num_queries):
    row = Credential.objects.defer("token").get()
    with django_assert_num_queries(1):
        assert row.token.reveal() == PLAIN


def test_two_rows_cannot_swap_their_secrets(credential):
    other = Credential.objects.create(name="other", token="another")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE vault_credential SET token = %s WHERE id = %s", [stored(credential), other.pk])
    other.refresh_from_db()
    with pytest.raises(CantOpen, match=f"vault_credential/token/{other.pk}"):
        other.token.reveal()


def test_assigning_another_rows_secret_seals_it_anew(credential):
    row = Credential.objects.get()
    other = Credential(name="other")
    other.token = row.token
    other.save()
    assert Credential.objects.get(pk=other.pk).token.reveal() == PLAIN
    assert stored(other) != stored(row)


def test_saving_an_untouched_row_leaves_the_sealed_value(credential):
    before = stored(credential)
    row = Credential.objects.get()
    row.name = "renamed"
    row.save()
    assert stored(credential) == before


def test_it_can_be_changed_and_removed(credential):
    credential.token = "next"
    credential.save(update_fields=["token"])
    assert Credential.objects.get().token.reveal() == "next"
    credential.token = None
    credential.save()
    assert Credential.objects.get().token is None


def test_an_empty_text_is_a_secret_too():
    row = Credential.objects.create(token="")
    assert Credential.objects.get(pk=row.pk).token.reveal() == ""


def test_bulk_create_seals_each_for_its_row():
    Credential.objects.bulk_create(Credential(name=str(n), token=f"t{n}") for n in range(3))
    assert {row.name: row.token.reveal() for row in Credential.objects.all()} == {"0": "t0", "1": "t1", "2": "t2"}


def test_an_update_of_many_rows_is_refused(credential):
    before = stored(credential)
    for value in ("plain", Secret("plain"), credential.token):
        with pytest.raises(TypeError, match="set it on the instance and save that"), transaction.atomic():
            Credential.objects.update(token=value)
    with pytest.raises(TypeError, match="set it on the instance and save that"), transaction.atomic():
        Credential.objects.bulk_update([Credential(pk=credential.pk, token="plain")], ["token"])
    assert stored(credential) == before


def test_only_text_can_be_assigned(credential):
    with pytest.raises(TypeError, match="takes text or None, not bytes"):
        credential.token = b"bytes"


def test_a_model_whose_key_is_not_known_before_saving_is_refused_by_the_system_check():
    class Numbered(models.Model):  # noqa: DJ008
        token = SecretField()

        class Meta:
            app_label = "vault_check"

    found = Numbered._meta.get_field("token").check()
    assert [message.id for message in found] == ["crypto.E001"]
    assert not Credential._meta.get_field("token").check()


def test_the_field_writes_itself_into_migrations():
    _name, path, arguments, options = SecretField(null=True).deconstruct()
    assert (path, list(arguments), options) == ("apps.core.crypto.fields.SecretField", [], {"null": True})
