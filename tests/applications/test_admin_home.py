"""The desk's first page, who handles a case and who stands in, and the figures with their lists."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from applications import permissions, services
from applications.models import Application, CallBudget, CaseLogEntry, Deputy
from kiv_portal.euro import format_euro, parse_euro
from tests import world
from tests.applications.test_admin_cases import (
    WORKLIST,
    ask,
    now,
    of_other_town,
    of_small_town,
    references,
)
from tests.factories import FundingCallFactory

pytestmark = pytest.mark.django_db

DEPUTIES = f"{WORKLIST}vertretung/"
FIGURES = f"{WORKLIST}zahlen/"


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings: Any) -> None:
    settings.PORTAL_DEMO = True


def labels(client: Client) -> dict[str, int]:
    page = client.get("/admin/")
    return {task["label"]: task["count"] for task in page.context["to_do"] if task["count"]}


# --- The first page -------------------------------------------------------------------------------


def test_what_is_to_be_done_stands_by_its_date_with_case_and_town(client: Client) -> None:
    w = world.build(now())
    of_small_town(w)
    late = ask(w, of_other_town(w), *[world.Step.KONZEPTION], days=5)
    world.in_check(w, now())
    today = timezone.localdate()
    client.force_login(w.reviewer)
    agenda = client.get("/admin/").context["agenda"]
    assert [(i["word"], i["case"]["day"], i["case"]["town"], i["label"]) for i in agenda] == [
        ("seit", today, "Kleinheim", "Neu eingegangen, noch von niemandem übernommen"),
        ("seit", today, "Musterstadt", "Bei mir oder in Vertretung in Prüfung"),
        (
            "bis",
            today + timedelta(days=5),
            "Anderstadt",
            "Termin für Unterlagen in den nächsten 7 Tagen",
        ),
    ]
    assert agenda[2]["case"]["href"] == f"{WORKLIST}{late.pk}/change/"
    text = client.get("/admin/").content.decode()
    assert f'action="{WORKLIST}"' in text
    assert [way["label"] for way in client.get("/admin/").context["ways"]] == [
        "Alle Anträge",
        "Mittel und Bewilligungen nach Haushaltsjahr",
        "Vertretung",
        "Tabellen ausgeben",
        "Mehrere neue Anträge übernehmen",
        "Antrag erfassen, der per Post oder E-Mail kam",
    ]


def test_the_first_page_asks_the_same_number_of_questions_with_one_and_three_of_a_kind(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    w = world.build(now())
    world.submitted(w, now())
    client.force_login(w.reviewer)
    client.get("/admin/")
    with django_assert_num_queries(22):
        client.get("/admin/")
    of_other_town(w)
    of_small_town(w)
    with django_assert_num_queries(22):
        assert len(client.get("/admin/").context["agenda"]) == 3


# --- Who handles a case, and who stands in --------------------------------------------------------


def test_a_case_is_given_to_a_colleague_who_checks_and_the_log_says_so(client: Client) -> None:
    w = world.build(now())
    case = world.in_check(w, now())
    address = f"{WORKLIST}{case.pk}/assign/"
    client.force_login(w.reviewer)
    offered = client.get(address).context["form"].fields["reviewer"].queryset
    assert set(offered) == {w.reviewer, w.other_reviewer}
    refused = client.post(address, {"reviewer": w.signer.pk})
    assert refused.status_code == 422
    assert "Bitte wählen Sie eine Person aus der Liste." in refused.content.decode()
    assert client.post(address, {"reviewer": w.other_reviewer.pk}).status_code == 302
    case.refresh_from_db()
    assert case.reviewer == w.other_reviewer
    entry = CaseLogEntry.objects.filter(application=case).last()
    assert entry is not None
    assert (entry.action, entry.content.values) == (
        "assign",
        {"before": w.reviewer.pk, "person": w.other_reviewer.pk},
    )
    page = client.get(f"{WORKLIST}{case.pk}/change/").content.decode()
    assert f"an {w.other_reviewer}" in unescape(page)
    services.assign(application=case, reviewer=w.other_reviewer, by=w.reviewer, at=now())
    assert CaseLogEntry.objects.filter(application=case).count() == entry.sequence
    for by, to, error in (
        (w.signer, w.reviewer, services.NotAllowed),
        (w.reviewer, w.signer, services.NoReviewer),
    ):
        with pytest.raises(error):
            services.assign(application=case, reviewer=to, by=by, at=now())


def test_a_deputy_sees_the_list_of_whoever_is_away_on_its_days_only(client: Client) -> None:
    w = world.build(now())
    world.in_check(w, now())
    client.force_login(w.other_reviewer)
    assert labels(client) == {}
    today = timezone.localdate()

    def stand_in(first: int, last: int) -> Deputy:
        return services.name_deputy(
            absent=w.reviewer,
            deputy=w.other_reviewer,
            from_on=today + timedelta(days=first),
            to_on=today + timedelta(days=last),
            by=w.reviewer,
            at=now(),
        )

    stand_in(1, 3)
    assert labels(client) == {}
    row = stand_in(0, 0)
    assert labels(client) == {"Bei mir oder in Vertretung in Prüfung": 1}
    assert references(client, aufgabe="meine") == ["0001"]
    services.end_deputy(deputy=row, by=w.reviewer, at=now())
    assert labels(client) == {}
    with pytest.raises(services.DeputyEnded):
        services.end_deputy(deputy=row, by=w.administrator, at=now())
    with pytest.raises(services.NotAllowed):
        services.end_deputy(deputy=row, by=w.other_reviewer, at=now())


def test_a_deputy_agrees_for_the_writer_and_then_counts_as_one(client: Client) -> None:
    w = world.build(now())
    case = world.proposed(w, at=now())
    today = timezone.localdate()
    both = world.staff("Prüfung")
    both.groups.add(w.signer.groups.get())
    edits = {"reasons": "Neu begründet."}
    decision = case.decisions.get()
    services.correct_letter(
        application=case, edits=edits, seen=decision.draft_sha256, by=w.signer, at=now()
    )
    decision.refresh_from_db()
    with pytest.raises(services.FourEyes):
        services.agree(application=case, seen=decision.draft_sha256, by=both, at=now())
    services.name_deputy(
        absent=w.reviewer, deputy=both, from_on=today, to_on=today, by=w.administrator, at=now()
    )
    client.force_login(both)
    assert labels(client)["Korrektur wartet auf mein Einverständnis"] == 1
    assert client.get(f"{WORKLIST}{case.pk}/agree/").status_code == 200
    services.agree(application=case, seen=decision.draft_sha256, by=both, at=now())
    assert permissions.may_sign_decision(both, case) is False


def test_a_deputy_is_named_on_its_page_by_the_person_or_an_administrator(client: Client) -> None:
    w = world.build(now())
    today = f"{timezone.localdate():%d.%m.%Y}"
    form = {"absent": w.reviewer.pk, "deputy": w.other_reviewer.pk, "from_on": today}
    client.force_login(w.reviewer)
    assert client.post(DEPUTIES, {**form, "to_on": today}).status_code == 302
    page = unescape(client.get(DEPUTIES).content.decode())
    assert f"<strong>{w.other_reviewer}</strong> vertritt <strong>{w.reviewer}</strong>" in page
    for wrong, said in (
        ({"to_on": "01.01.2020"}, "Der letzte Tag liegt vor dem ersten oder ist schon vorbei."),
        ({"to_on": ""}, "Bitte geben Sie den letzten Tag an."),
        ({"to_on": today, "deputy": w.reviewer.pk}, "Bitte wählen Sie zwei verschiedene Personen"),
        ({"to_on": today, "absent": w.other_reviewer.pk}, "Bitte wählen Sie eine Person aus der"),
    ):
        answer = client.post(DEPUTIES, {**form, **wrong})
        assert (answer.status_code, said in answer.content.decode()) == (422, True), wrong
    client.force_login(w.administrator)
    other = {**form, "absent": w.other_reviewer.pk, "deputy": w.reviewer.pk, "to_on": today}
    assert client.post(DEPUTIES, other).status_code == 302
    row = Deputy.objects.get(absent=w.other_reviewer)
    client.force_login(w.reviewer)
    assert client.post(DEPUTIES, {"ende": row.pk}).status_code == 404
    client.force_login(w.other_reviewer)
    assert client.post(DEPUTIES, {"ende": row.pk}).status_code == 302
    with pytest.raises(IntegrityError), transaction.atomic():
        Deputy.objects.filter(pk=row.pk).update(deputy=w.other_reviewer)
    with pytest.raises(services.NotAllowed):
        services.name_deputy(
            absent=w.reviewer,
            deputy=w.other_reviewer,
            from_on=row.from_on,
            to_on=row.to_on,
            by=w.other_reviewer,
            at=now(),
        )


# --- Figures --------------------------------------------------------------------------------------


def test_every_figure_is_the_sum_of_the_list_it_leads_to(client: Client) -> None:
    w = world.build(now())
    granted = world.granted(w, at=now())
    of_other_town(w)
    gone = of_small_town(w)
    services.withdraw(application=gone, reason="Doch nicht.", by=w.stranger, at=now())
    part = granted.decisions.get().years.exclude(amount=0).first()
    assert part is not None
    CallBudget.objects.filter(call=w.call).delete()
    CallBudget.objects.create(
        call=w.call, year=part.year, funds=Decimal("50000.00"), commitment=Decimal("40000.00")
    )
    other = FundingCallFactory(opened_at=now(), opens_at=now(), round=w.call.round)
    elsewhere = world.another(w, 801, now())
    Application.objects.filter(pk=elsewhere.pk).update(call=other)
    client.force_login(w.reader)
    page = client.get(FIGURES)
    group, second = sorted(page.context["calls"], key=lambda one: one["call"] == other)
    row = next(row for row in group["rows"] if row["year"] == part.year)
    cells = {cell["label"]: cell for cell in row["cells"]}
    assert cells["Mittel"]["text"] == "50.000,00 €"
    assert cells["bewilligt"]["text"] == format_euro(part.amount)
    assert cells["Mittel frei"]["text"] == format_euro(Decimal("50000.00") - part.amount)
    later = part.year > timezone.localdate().year
    committed = part.amount if later else Decimal("0.00")
    assert cells["VE frei"]["text"] == format_euro(Decimal("40000.00") - committed)

    def behind(label: str) -> list[Application]:
        return list(client.get(cells[label]["href"]).context["cl"].result_list)

    year = str(part.year)
    asked = sum(case.asked_by_year[year] for case in behind("beantragt"))
    assert parse_euro(cells["beantragt"]["text"]) == Decimal(asked) / 100
    assert {case.pk for case in behind("beantragt")} == set(
        Application.objects.exclude(pk__in=[gone.pk, elsewhere.pk]).values_list("pk", flat=True)
    )
    for one in second["rows"]:
        href = next(cell["href"] for cell in one["cells"] if cell["label"] == "beantragt")
        assert list(client.get(href).context["cl"].result_list) == [elsewhere]
    assert [case.pk for case in behind("bewilligt")] == [granted.pk]
    assert [case.pk for case in behind("davon aus VE")] == ([granted.pk] if later else [])
    assert references(client, haushalt="erfunden-2027") == []
    record, _, place = cells["Mittel"]["href"].partition("#")
    assert f'id="{place}"' in client.get(record).content.decode()
    text = page.content.decode()
    said = row["bars"][0]["text"]
    assert said.startswith(f"Mittel {year}: 50.000,00 € eingetragen, {format_euro(part.amount)} ")
    assert text.count(said) == 2  # in the drawing and below it
    assert all(
        re.fullmatch("[0-9]+", width) for width in re.findall(r'<rect[^>]* width="([^"]*)"', text)
    )
