"""What nobody may learn, and what nobody may slip in, at every address of the URLconf.

A foreign object is a 404 that tells nothing; fields no form asked for and steps out of order
change nothing. Addresses and people come from the tables of `tests/test_access.py`.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, Final

import lxml.html
import pytest
from django.apps import apps
from django.db import connection, models, transaction
from django.test.utils import CaptureQueriesContext

from tests.test_access import (
    DESK,
    ROLES,
    TABLE,
    _clients,
    _model_rows,
    _move_rows,
    _names,
    demo,
    records,
    scene,
)
from tests.test_access import MODELS as DESK_MODELS

if TYPE_CHECKING:
    from django.test import Client

__all__ = ["demo", "records", "scene"]

NOWHERE: Final = {
    "draft": "00000000-0000-4000-8000-000000000000",
    "granted": "00000000-0000-4000-8000-000000000000",
    "letter": "00000000-0000-4000-8000-000000000000",
    "document": "00000000-0000-4000-8000-000000000000",
    "town": "06431999",
    "membership": 987654,
    "invitation": 987654,
}
"""Names in addresses, of what does not exist."""


def told(rows: list[Any]) -> str:
    """One line for each."""
    return "\n".join(map(str, rows))


# --- What is foreign ------------------------------------------------------------------------------


def _told(client: Client, method: str, address: str) -> tuple[Any, ...]:
    """All that somebody learns from the answer: its bytes, its headers, and the work it took."""
    with transaction.atomic():
        with CaptureQueriesContext(connection) as asked:
            answer = getattr(client, method)(address)
        transaction.set_rollback(True)
    _close(answer)
    tables = [
        re.findall(r'(?:FROM|INTO|UPDATE|JOIN) "(\w+)"', query["sql"])
        for query in asked.captured_queries
    ]
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    # The form's protection, and the second at which the page was made.
    body = re.sub(rb'value="[\w-]{64}"|data-now="\d+"', b"", answer.content)
    return answer.status_code, body, headers, tables


@pytest.mark.sweep
def test_a_foreign_object_is_told_like_one_that_does_not_exist(scene: dict[str, Any]) -> None:
    """Same status, bytes, headers (so no other ETag) and statements, for strangers and staff."""
    names, clients = _names(scene), _clients(scene)
    different, compared = [], 0
    for pattern, get, post in TABLE.values():
        inside = set(re.findall(r"\{(\w+)\}", pattern)) & set(NOWHERE)
        for role in ("stranger", "reviewer", "newcomer"):
            for method, table in (("get", get), ("post", post)):
                if not inside or table[role] != 404:
                    continue
                foreign = _told(clients[role], method, pattern.format(**names))
                missing = _told(clients[role], method, pattern.format(**names | NOWHERE))
                compared += 1
                if foreign != missing:
                    parts = ("status", "body", "headers", "statements")
                    what = [
                        (part, one, other) if part == "statements" else part
                        for part, one, other in zip(parts, foreign, missing, strict=True)
                        if one != other
                    ]
                    different.append((method, pattern, role, what))
    assert different == [], told(different)
    assert compared > 80


@pytest.mark.sweep
def test_a_draft_is_told_at_the_desk_like_a_case_that_does_not_exist(
    scene: dict[str, Any], demo: None
) -> None:
    names = {"letter": scene["letter"].pk, "document": scene["document"].pk}
    clients = _clients(scene)
    different, compared = [], 0
    for pattern, *_ in [*DESK.values(), *_move_rows().values()]:
        if "{case}" not in pattern:
            continue
        for role in ("reviewer", "auditor"):
            for method in ("get", "post"):
                draft, missing = (
                    _told(clients[role], method, pattern.format(case=pk, **names))
                    for pk in (scene["draft"].pk, 987654)
                )
                compared += 1
                if draft[:3] != missing[:3]:
                    different.append((method, pattern, role, draft[0], missing[0]))
    assert different == [], told(different)
    assert compared > 80


# --- What nobody asked for ------------------------------------------------------------------------

SMUGGLED: Final = {
    "status": "granted",
    "state": "granted",
    "amount_granted": "999999.00",
    "granted_amount": "999999.00",
    "cap": "999999.00",
    "owner": "1",
    "user": "1",
    "user_id": "1",
    "created_by": "1",
    "created_at": "2020-01-01 00:00",
    "by": "1",
    "at": "2020-01-01T00:00:00+00:00",
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "",
    "groups": "1",
    "user_permissions": "1",
    "version": "99",
    "live": "",
    "lead": "06431902",
    "municipality": "06431902",
    "municipality_id": "1",
    "call_id": "1",
    "reference": "KIV-0000",
    "file_number": "II 25 – 999",
    "submitted_at": "2020-01-01 00:00",
    "confirmed_at": "2020-01-01 00:00",
    "confirmed_by": "1",
    "may_sign": "on",
    "may_manage": "on",
    "published_at": "2020-01-01 00:00",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "id": "1",
    "pk": "1",
    "password": "ein anderes langes Passwort",
    "verified": "on",
    "primary": "on",
}
"""Fields of records that a form never asks everybody for."""

CHANCE: Final = (models.DateTimeField, models.UUIDField, models.FileField)
"""Kinds of fields that differ from one try to the next by themselves."""

CHANCE_NAMES: Final = {
    "body",
    "data",
    "expire_date",
    "hash",
    "key",
    "message_id",
    "payload_hash",
    "previous_hash",
    "request_id",
    "salt",
    "sealed",
    "session_data",
    "session_key",
    "token",
    "token_hash",
}


def _rows(tables: set[str]) -> dict[str, list[tuple[Any, ...]]]:
    """All that is stored in these tables, without what chance and clock decide."""
    found = {}
    for model in apps.get_models(include_auto_created=True):
        if model._meta.db_table not in tables:
            continue
        fields = [
            field.attname
            for field in model._meta.concrete_fields
            if not isinstance(field, CHANCE)
            and field.name not in CHANCE_NAMES
            and not isinstance(getattr(field, "target_field", field), models.UUIDField)
        ]
        found[model._meta.label] = sorted(model._base_manager.values_list(*fields), key=repr)
    return found


def _close(answer: Any) -> None:
    """Its file, without closing the test's connection to the database as well."""
    for close in answer._resource_closers:
        close()


def _form(client: Client, address: str) -> tuple[dict[str, list[str]], set[str]]:
    """The form its page would send back to this address as it is, and the names it asks for."""
    with transaction.atomic():
        answer = client.get(address)
        transaction.set_rollback(True)
    _close(answer)
    if answer.status_code != 200 or "html" not in answer.headers["Content-Type"]:
        return {}, set()
    for form in lxml.html.fromstring(answer.content.decode()).forms:
        action = (form.get("action") or address).partition("?")[0]
        if form.method == "POST" and action in (".", address) and form.get("id") != "logout-form":
            sent: dict[str, list[str]] = {}
            for name, value in form.form_values():
                sent.setdefault(name, []).append(value)
            return sent, set(form.inputs.keys())
    return {}, set()


def _after(
    client: Client, address: str, data: dict[str, Any]
) -> tuple[int, dict[str, list[tuple[Any, ...]]]]:
    """What this POST has written; then it is undone, in the browser as well."""
    cookies = copy.deepcopy(client.cookies)
    with transaction.atomic():
        with CaptureQueriesContext(connection) as asked:
            answer = client.post(address, data)
        written = {
            table
            for query in asked.captured_queries
            for table in re.findall(
                r'^(?:INSERT INTO|INSERT OR IGNORE INTO|UPDATE|DELETE FROM) "(\w+)"', query["sql"]
            )
        }
        found = _rows(written - {"django_session", "usersessions_usersession"})
        transaction.set_rollback(True)
    _close(answer)
    client.cookies = cookies
    return answer.status_code, found


def _posts(scene: dict[str, Any], records: dict[str, Any]) -> list[tuple[str, str]]:
    """Every address that takes a form from somebody, with one who may send it."""
    names = _names(scene) | {
        "case": scene["granted"].pk,
        "job": records["portal.job"],
        "mail": records["portal.outboxmail"],
        "user": scene["people"]["clerk"].pk,
        "grant": records["municipalities.rolegrant"],
        "reset": records["municipalities.factorreset"],
    }
    desk_rows = [*DESK.values(), *_move_rows().values()]
    for label, rights in DESK_MODELS.items():
        desk_rows += _model_rows(label, rights, records[label]).values()
    found = []
    order = ("signatory", "manager", *(role for role in ROLES if role != "anonymous"), "anonymous")
    for rows, own in (
        (TABLE.values(), {}),
        (desk_rows, {"membership": records["municipalities.membership"]}),
    ):
        for pattern, _, post in rows:
            able = [role for role in order if post[role] in (200, 409, 422)]
            able += [role for role in order if post[role] == 302 and role != "anonymous"]
            if able:
                found.append((pattern.format(**names | own), able[0]))
    return found


@pytest.mark.skipif(
    connection.vendor == "postgresql",
    reason="numbers of new rows go on after a rollback; what a form does is the same on both",
)
@pytest.mark.sweep
def test_fields_nobody_asked_for_change_nothing(
    scene: dict[str, Any], records: dict[str, Any]
) -> None:
    """Each form as its page would send it, and once more with all that does not belong there."""
    assert len(SMUGGLED) >= 30
    clients, changed, stored = _clients(scene), [], 0
    for address, role in _posts(scene, records):
        client = clients[role]
        sent, asked = _form(client, address)
        honest = _after(client, address, sent)
        smuggled = {name: value for name, value in SMUGGLED.items() if name not in asked}
        found = _after(client, address, smuggled | sent)
        stored += bool(honest[1])
        if found != honest:
            what = [label for label, rows in found[1].items() if rows != honest[1].get(label)]
            changed.append((address, role, honest[0], found[0], what))
    assert changed == [], told(changed)
    assert stored >= 15  # honest forms that do something, so that the comparison is worth its name


# --- Out of order ---------------------------------------------------------------------------------


@pytest.mark.sweep
def test_steps_out_of_order_change_nothing(scene: dict[str, Any], records: dict[str, Any]) -> None:
    """What belongs to a draft, sent for a granted case; what belongs to the desk, for a draft."""
    names, clients = _names(scene), _clients(scene)
    granted, draft = scene["granted"], scene["draft"]
    tried = []
    for pattern, _, post in TABLE.values():
        if "{draft}" in pattern and post["signatory"] in (200, 302):
            sent, _ = _form(clients["signatory"], pattern.format(**names))
            tried.append(("signatory", pattern.format(**names | {"draft": granted.uuid}), sent))
    for address, *_, post in _move_rows().values():
        role = next(role for role in ("reviewer", "signer") if post[role] != 403)
        tried.append((role, address.format(case=draft.pk), SMUGGLED))
        if post[role] == 409:
            tried.append((role, address.format(case=granted.pk), SMUGGLED))
    changed = []
    for role, address, sent in tried:
        status, written = _after(clients[role], address, sent)
        if written:
            changed.append((role, address, status, sorted(written)))
    assert changed == [], told(changed)
    assert len(tried) > 30
