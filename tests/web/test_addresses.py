"""Addresses that fragments and strangers ask for, and where they lead."""

from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from tests.web.htmx import HTMX


@pytest.mark.django_db
def test_fragment_of_a_person_whose_session_ended_moves_the_page_to_the_sign_in(client: Client) -> None:
    response = client.get("/audit", headers={**HTMX, "HX-Current-URL": "http://testserver/audit?q=x"})
    assert (response.status_code, response["HX-Redirect"]) == (204, "/sign-in?next=/audit%3Fq%3Dx")
    assert client.get("/audit")["Location"] == "/sign-in?next=/audit"


def test_address_with_a_nul_in_it_leads_nowhere(page_client: Client) -> None:
    assert page_client.get("/audit/%00").status_code == 404


def test_nul_in_what_the_admin_filters_by_is_said_to_be_wrong(client: Client, operator: User) -> None:
    client.force_login(operator)
    assert client.get("/admin/tenants/membership/?role=%00").status_code == 400


def test_heads_and_pager_of_the_components_page_find_their_table(client: Client, alice: User, settings: Any) -> None:
    settings.DEBUG = True
    client.force_login(alice)
    table = client.get("/components/rows")
    assert table.status_code == 200
    assert 'id="example-table"' in table.content.decode()
