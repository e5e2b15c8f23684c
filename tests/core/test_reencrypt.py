"""A new key reaches every stored secret, beside writers, and says what it can't reach."""

import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.core.crypto import key_id_of
from apps.core.crypto.stores import all_stores
from tests.core.keys import new_key
from tests.faults.product import wait_until
from tests.vault.models import Credential

OLD, NEW = new_key("old"), new_key("new")


@pytest.fixture(autouse=True)
def _old_key(settings):
    settings.ENCRYPTION_KEYS = OLD


def run(*arguments: str) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("reencrypt", *arguments, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def keys_in_use() -> set[str]:
    return {key_id_of(sealed.data) for sealed in Credential.objects.values_list("token", flat=True)}


@pytest.mark.django_db
def test_everything_moves_to_the_first_key_and_opens_without_the_old_one(settings):
    Credential.objects.bulk_create(Credential(name=str(n), token=f"t{n}") for n in range(25))
    Credential.objects.create(name="none")
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    out, _ = run("--batch-size", "4")
    assert "vault.Credential.token: 25 moved to the current key" in out
    settings.ENCRYPTION_KEYS = NEW
    for row in Credential.objects.exclude(name="none"):
        assert row.token.reveal() == f"t{row.name}"
    assert "25 under new" in run("--check")[0]


@pytest.mark.django_db
def test_a_second_run_reads_nothing_again(settings):
    Credential.objects.bulk_create(Credential(token="x") for _ in range(3))
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    run()
    store = next(store for store in all_stores() if store.name == "vault.Credential.token")
    assert list(store.values(only_stale=True, batch_size=10)) == []
    assert "vault.Credential.token: 0 moved" in run()[0]


@pytest.mark.django_db
def test_an_interrupted_run_goes_on_where_it_stopped(settings, monkeypatch):
    Credential.objects.bulk_create(Credential(token="x") for _ in range(10))
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    store = next(store for store in all_stores() if store.name == "vault.Credential.token")
    replace, done = type(store).replace, []

    def stops_after_six(self, value, new):
        if len(done) == 6:
            raise KeyboardInterrupt
        done.append(value.handle)
        return replace(self, value, new)

    monkeypatch.setattr(type(store), "replace", stops_after_six)
    with pytest.raises(KeyboardInterrupt):
        run("--batch-size", "4")
    monkeypatch.undo()
    assert keys_in_use() == {"old", "new"}
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    assert "vault.Credential.token: 4 moved" in run()[0]
    assert keys_in_use() == {"new"}


@pytest.mark.django_db
def test_the_check_changes_nothing_and_fails_while_an_old_key_is_in_use(settings):
    Credential.objects.create(token="x")
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    with pytest.raises(CommandError, match=r"under another key\. Run `manage.py reencrypt`"):
        run("--check")
    assert keys_in_use() == {"old"}
    run()
    assert "Everything is under the current key." in run("--check")[0]


@pytest.mark.django_db
def test_what_cannot_be_opened_is_named_and_left_and_the_rest_still_moves(settings):
    good, lost, swapped = (Credential.objects.create(name=name, token=name) for name in ("good", "lost", "swapped"))
    settings.ENCRYPTION_KEYS = new_key("gone")
    lost.token = "sealed under a key that is gone"
    lost.save()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE vault_credential SET token = (SELECT token FROM vault_credential WHERE id = %s) WHERE id = %s",
            [good.pk, swapped.pk],
        )
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    for arguments in ([], ["--check"]):
        err = StringIO()
        with pytest.raises(CommandError, match="2 stored secrets can't be opened"):
            call_command("reencrypt", *arguments, stdout=StringIO(), stderr=err)
        assert lost.pk in err.getvalue()
        assert "the key 'gone', which isn't configured" in err.getvalue()
        assert swapped.pk in err.getvalue()
        assert good.pk not in err.getvalue().replace(f"/{good.pk}", "")
    assert Credential.objects.get(name="good").token.reveal() == "good"
    assert key_id_of(Credential.objects.values_list("token", flat=True).get(name="good").data) == "new"


@pytest.mark.django_db
def test_a_value_that_changed_meanwhile_is_left_to_its_writer(settings):
    row = Credential.objects.create(token="before")
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    store = next(store for store in all_stores() if store.name == "vault.Credential.token")
    (read,) = store.values(only_stale=True, batch_size=10)
    row.token = "after"
    row.save()
    assert store.replace(read, b"what the rotation made of the old one") is False
    assert Credential.objects.get().token.reveal() == "after"


@pytest.mark.django_db
def test_a_save_of_a_row_that_was_read_before_does_not_bring_the_old_key_back(settings):
    Credential.objects.create(token="x")
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    row = Credential.objects.get()
    run()
    row.name = "renamed"
    row.save()
    assert keys_in_use() == {"new"}
    assert Credential.objects.get().token.reveal() == "x"


@pytest.mark.django_db(transaction=True)
def test_nothing_written_during_a_rotation_is_lost(settings):
    names = [str(n) for n in range(60)]
    Credential.objects.bulk_create(Credential(name=name, token="0") for name in names)
    settings.ENCRYPTION_KEYS = f"{NEW},{OLD}"
    last: dict[str, str] = {}
    stop = threading.Event()

    def write(own: list[str]) -> None:
        count = 0
        try:
            while not stop.is_set():
                for name in own:
                    count += 1
                    row = Credential.objects.get(name=name)
                    row.token = last[name] = str(count)
                    row.save()
        finally:
            connection.close()

    writers = [threading.Thread(target=write, args=[names[start:40:2]]) for start in (0, 1)]
    for writer in writers:
        writer.start()
    wait_until(lambda: len(last) >= 10, within=60, what="the first writes")
    for _ in range(3):
        run("--batch-size", "5")
    stop.set()
    for writer in writers:
        writer.join()
    assert last
    assert {row.name: row.token.reveal() for row in Credential.objects.all()} == dict.fromkeys(names, "0") | last
    assert keys_in_use() == {"new"}
    run("--check")
