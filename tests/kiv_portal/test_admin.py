"""The portal's own records at the desk, and what stands at the desk at all."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from kiv_portal.models import Authority, Download, Job, OutboxMail, WorkState
from kiv_portal.outbox import enqueue_job, enqueue_mail
from municipalities.admin import HistoryAdmin
from municipalities.permissions import (
    ADMINISTER,
    AUDIT,
    DESK_RIGHTS,
    PEOPLE,
    READ,
    REVIEW,
    SIGN,
    may_use_model,
)
from tests.factories import NOW, StaffFactory, UserFactory
from tests.rights import TABLE, VERBS

pytestmark = pytest.mark.django_db

MAILS = "/admin/portal/outboxmail/"
JOBS = "/admin/portal/job/"
ROLES = (READ, AUDIT, REVIEW, SIGN, ADMINISTER, PEOPLE)


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings):
    """What a second factor protects is tested elsewhere; here somebody is signed in."""
    settings.PORTAL_DEMO = True


def mail(**changes: Any) -> OutboxMail:
    number = OutboxMail.objects.count()
    values = {"recipient": "a@kommune.example", "subject": "Betreff", "body": "Inhalt"}
    enqueue_mail(key=f"mail:{number}", at=NOW, **values | changes)
    return OutboxMail.objects.get(key=f"mail:{number}")


def failed(row: Any) -> Any:
    row.state, row.attempts, row.last_error = WorkState.FAILED, 8, "SMTPException: nein"
    row.save()
    return row


# --- What stands at the desk ----------------------------------------------------------------------


def test_exactly_these_models_stand_at_the_desk() -> None:
    labels = {model._meta.label_lower for model in admin.site._registry}
    assert labels == {
        "applications.application",
        "applications.archiveoffer",
        "applications.fundingcall",
        "applications.letterblock",
        "applications.retentionhold",
        "municipalities.accountevent",
        "municipalities.district",
        "municipalities.factorreset",
        "municipalities.invitation",
        "municipalities.membership",
        "municipalities.municipality",
        "municipalities.registerimport",
        "municipalities.rolegrant",
        "municipalities.user",
        "portal.authority",
        "portal.download",
        "portal.erasure",
        "portal.erasurerun",
        "portal.job",
        "portal.outboxmail",
        "projects.contact",
        "projects.fundinground",
        "projects.project",
    }


def test_the_rights_are_these_and_no_others() -> None:
    assert set(DESK_RIGHTS) == set(TABLE)
    for role in ROLES:
        user = StaffFactory(roles=[role])
        for model, verbs in TABLE.items():
            assert {verb for verb in VERBS if may_use_model(user, model, verb)} == {
                verb for verb in VERBS if role in verbs.get(verb, set())
            }, (role, model)


@pytest.mark.parametrize("verb", VERBS)
def test_no_rights_without_a_role_and_none_on_unknown_models(verb: str) -> None:
    nobody = [
        UserFactory(),
        StaffFactory(roles=[]),
        StaffFactory(roles=[ADMINISTER], is_active=False),
    ]
    assert [may_use_model(u, m, verb) for u in nobody for m in TABLE] == [False] * 3 * len(TABLE)
    assert may_use_model(StaffFactory(is_superuser=True), "auth.group", verb) is False


@pytest.mark.parametrize("role", ROLES)
def test_lists_open_as_the_table_says(role: str, client: Client) -> None:
    client.force_login(StaffFactory(roles=[role]))
    for model in admin.site._registry:
        label = model._meta.label_lower
        address = f"/admin/{label.replace('.', '/')}/"
        expected = 200 if role in TABLE[label]["view"] else 403
        assert client.get(address).status_code == expected, address


# --- Lists are no oracle --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    [
        "portal/outboxmail/?body__contains=geheim",
        "portal/outboxmail/?private__exact=1",
        "portal/outboxmail/?state__regex=[",
        "municipalities/user/?password__startswith=argon2",
        "municipalities/municipality/?application_members__isnull=0",
        "municipalities/municipality/?district__name__startswith=A",
        "applications/application/?goals__contains=a",
        "applications/application/?id__exact=1",
        "applications/fundingcall/?opens_at__year=99999999",
        "applications/fundingcall/?title__regex=[",
        "projects/project/?search_key__contains=a",
        "projects/project/?round__id__in=1,2",
        "projects/contact/?confirmed_on__year__gt=1",
        "projects/contact/?confirmed_on__year=9999",
        "projects/contact/?confirmed_on__month=99999999999999999999",
        "portal/download/?nichts=1",
    ],
)
def test_a_list_answers_only_its_own_filters(query: str, client: Client) -> None:
    client.force_login(StaffFactory(roles=list(ROLES)))
    assert client.get(f"/admin/{query}").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "portal/outboxmail/?state__exact=failed",
        "municipalities/user/?is_staff__exact=1&groups__id__exact=1",
        "municipalities/municipality/?district__id__exact=1&kind__exact=town&p=1&o=1",
        "municipalities/district/?court=Darmstadt",
        "applications/application/?status=submitted&aufruf=1&q=a",
        "applications/fundingcall/?is_demo__exact=0",
        "applications/letterblock/?key=x&kind__exact=grant",
        "projects/project/?stand=public&round__id__exact=1&amif__exact=1&q=%00",
        "projects/project/?round__id__exact=99999999999999999999",
        "projects/contact/?confirmed_on__year=2026&confirmed_on__month=2&confirmed_on__day=3",
        "projects/contact/?confirmed_on__month=2&hidden__exact=0&basis=x",
        # What nobody sees is cleaned away before: nothing is asked for.
        "portal/job/?state__exact=%00",
        "projects/project/?stand=%00",
        "municipalities/district/?court=%00",
    ],
)
def test_the_filters_of_the_lists_work(query: str, client: Client) -> None:
    client.force_login(StaffFactory(roles=list(ROLES)))
    assert client.get(f"/admin/{query}").status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "projects/contact/?confirmed_on__year=2026&confirmed_on__month=2&confirmed_on__day=31",
        "projects/contact/?confirmed_on__year=0",
        "projects/project/?round__id__exact=abc",
        "municipalities/user/?is_staff__exact=x",
    ],
)
def test_a_filter_without_sense_leads_back_to_the_list(query: str, client: Client) -> None:
    client.force_login(StaffFactory(roles=list(ROLES)))
    assert client.get(f"/admin/{query}").status_code in (200, 302)


# --- History --------------------------------------------------------------------------------------

WITH_HISTORY = [
    model._meta.label_lower.replace(".", "/")
    for model, desk in admin.site._registry.items()
    if isinstance(desk, HistoryAdmin)
]


@pytest.mark.parametrize("model", WITH_HISTORY)
@pytest.mark.parametrize("key", ["abc", "99999999999999999999", "_00"])
def test_the_history_of_what_cannot_be_is_not_found(key: str, model: str, client: Client) -> None:
    client.force_login(StaffFactory(roles=list(ROLES)))
    assert client.get(f"/admin/{model}/{key}/history/").status_code == 404
    assert client.get(f"/admin/{model}/1/history/{key}/").status_code == 404
    assert client.get(f"/admin/{model}/{key}/history/1/").status_code == 404


def test_an_earlier_state_is_read_and_never_saved(client: Client) -> None:
    authority = Authority.objects.create(pk=1, name="Alt")
    earlier = authority.history.get()
    client.force_login(StaffFactory(roles=[READ]))
    address = f"/admin/portal/authority/1/history/{earlier.pk}/"
    assert client.get(address).status_code == 200
    assert client.post(address, {"name": "Fremd"}).status_code == 403
    assert Authority.objects.get().name == "Alt"


# --- Outgoing mail --------------------------------------------------------------------------------


@pytest.fixture
def keeper(client: Client) -> Any:
    user = StaffFactory(roles=[ADMINISTER])
    client.force_login(user)
    return user


def test_a_mail_can_be_read_but_not_written(keeper: Any, client: Client) -> None:
    row = mail()
    page = client.get(f"{MAILS}{row.pk}/change/").content.decode()
    assert ("Inhalt" in page, 'type="submit" value=' in page) == (True, False)
    assert client.post(f"{MAILS}{row.pk}/change/", {"body": "x"}).status_code == 403
    assert client.get(f"{MAILS}add/").status_code == 403
    assert client.post(f"{MAILS}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_what_a_mail_about_an_account_says_is_shown_to_nobody(keeper: Any, client: Client) -> None:
    row = mail(private=True, subject="Geheimer Betreff", body="https://…/passwort/neu/geheim")
    for address in (
        MAILS,
        f"{MAILS}{row.pk}/change/",
        f"{MAILS}?q=geheim",
        f"{MAILS}{row.pk}/history/",
    ):
        page = client.get(address).content.decode().replace("?q=geheim", "").replace('"geheim"', "")
        assert [word for word in ("Geheimer", "passwort/neu") if word in page] == [], address


def test_a_failed_mail_is_tried_again_on_a_persons_wish(keeper: Any, client: Client) -> None:
    row = failed(mail())
    page = client.get(f"{MAILS}{row.pk}/change/")
    assert page.context["retry_href"] == f"{MAILS}{row.pk}/erneut/"
    answer = client.post(f"{MAILS}{row.pk}/erneut/")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{MAILS}{row.pk}/change/")
    row.refresh_from_db()
    assert (row.state, row.attempts) == (WorkState.WAITING, 0)
    before = OutboxMail.objects.values().get(pk=row.pk)
    client.post(f"{MAILS}{row.pk}/erneut/")
    assert OutboxMail.objects.values().get(pk=row.pk) == before


def test_trying_again_is_a_post_of_the_administration(client: Client) -> None:
    row = failed(mail())
    for role in (READ, REVIEW, SIGN):
        client.force_login(StaffFactory(roles=[role]))
        assert client.post(f"{MAILS}{row.pk}/erneut/").status_code == 403
    client.force_login(StaffFactory(roles=[ADMINISTER]))
    assert client.get(f"{MAILS}{row.pk}/erneut/").status_code == 405
    assert client.post(f"{MAILS}999999/erneut/").status_code == 404
    row.refresh_from_db()
    assert row.state == WorkState.FAILED


def test_a_failed_job_is_tried_again(keeper: Any, client: Client) -> None:
    enqueue_job(kind="letter_pdf", argument="1", key="k", at=NOW)
    row = failed(Job.objects.get())
    assert client.post(f"{JOBS}{row.pk}/erneut/").status_code == 302
    row.refresh_from_db()
    assert row.state == WorkState.WAITING


def test_what_failed_is_counted_on_the_first_page(keeper: Any, client: Client) -> None:
    failed(mail())
    mail()
    found = {task["label"]: task for task in client.get("/admin/").context["to_do"]}
    assert {label: task["count"] for label, task in found.items()} == {
        "Postausgang: fehlgeschlagen": 1,
        "Aufträge: fehlgeschlagen": 0,
        "Anbietungen an das Archiv: Antwort offen": 0,
        "Kontakte: abgelaufen, nicht mehr gezeigt": 0,
        "Kontakte: zu erneuern, enden in den nächsten 30 Tagen": 0,
        "Kontakte: Änderung gewünscht": 0,
    }
    page = client.get(found["Postausgang: fehlgeschlagen"]["href"])
    assert len(page.context["cl"].result_list) == 1


# --- Authority and downloads ----------------------------------------------------------------------


def test_there_is_one_authority(keeper: Any, client: Client) -> None:
    data = {"name": "Regierungspräsidium Darmstadt"}
    assert client.post("/admin/portal/authority/add/", data).status_code == 302
    assert Authority.objects.get().pk == 1
    assert client.get("/admin/portal/authority/add/").status_code == 403
    assert client.post("/admin/portal/authority/1/delete/", {"post": "yes"}).status_code == 403


def test_a_download_is_added_changed_and_taken_away(keeper: Any, client: Client) -> None:
    data = {"title": "Merkblatt", "position": "1", "address": "https://example.org/m.pdf"}
    assert client.post("/admin/portal/download/add/", data).status_code == 302
    row = Download.objects.get()
    assert row.history.get().history_user == keeper
    answer = client.post(f"/admin/portal/download/{row.pk}/delete/", {"post": "yes"})
    assert (answer.status_code, Download.objects.count()) == (302, 0)
