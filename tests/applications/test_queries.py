"""What the applicant's pages ask of the database: the same for one row of all and the largest."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from applications import services
from applications.models import (
    Application,
    ApplicationGuest,
    Document,
    GuestRole,
    KeptInput,
    Presence,
)
from applications.rules import DocumentKind, Step
from applications.services import cooperation, kept, read_step
from kiv_portal.models import OutboxMail
from municipalities.models import Municipality, User
from tests import world
from tests.applications.pages import place, signed_in
from tests.factories import (
    NOW,
    MembershipFactory,
    MunicipalityFactory,
    PopulationFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

SUBMISSION = 24
"""With all that can come on top: an activity written down, a member with a former key, money of
a partner that left, a reason kept when filing was refused before. The bar is 25."""
STEP_PAGES = {
    Step.KOMMUNE: 14,
    Step.ANSPRECHPARTNER: 13,
    Step.KONZEPTION: 13,
    Step.BETEILIGUNG: 13,
    Step.ZEITPLAN: 13,
    Step.FINANZIERUNG: 13,
    Step.ANLAGEN: 13,
    Step.ERKLAERUNGEN: 13,
}
"""With all that can come on top; the bar is 15."""
ASKED_FOR = 1
"""What an open request adds to a step page."""
FILED = 1
"""What it adds where only some of the documents are asked for: which were handed in."""
SEARCH = 0
"""What a search for a partner adds to its step page, whether it finds something or not: it is asked
out of the open page, whose opening has tidied up who is where."""
TOKEN = "t" * 43
CHECK_PAGE = 12
TASK_LIST = 14
ROWS = {
    "beteiligung": "formats",
    "zeitplan": "milestones",
    "finanzierung": "expenses",
    "kommune": "cooperations",
}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@dataclass(frozen=True)
class Size:
    """How much there is of everything."""

    partners: int = 1
    documents: int = 1
    lines: int = 1
    formats: int = 1
    people: int = 0
    comments: int = 1


LARGEST = Size(partners=2, documents=50, lines=20, formats=30, people=5, comments=20)
"""`lines` of Ausgaben and as many of Deckung, `people` besides the two, as many guests."""


@pytest.fixture(params=[Size(), LARGEST], ids=["small", "largest"])
def large(request: pytest.FixtureRequest) -> tuple[world.World, Application]:
    """A Verbund that confirmed, each member with a predecessor; people and guests of it."""
    w, size = world.build(), request.param
    others = [_town(w, f"0643195{number}") for number in range(size.partners + 1)]
    partners, left = others[:-1], others[-1]
    for town in (w.town, *partners):
        _former(town)
    application = world.filled(w)
    rows: dict[Step, dict[str, Any]] = {
        Step.KOMMUNE: {
            "partners": [town.ags for town in partners],
            "cooperations": [
                {
                    "id": str(cooperation.key_of(application, town)),
                    "municipality": town.ags,
                    "contribution": "Räume",
                }
                for town in partners
            ],
        },
        Step.BETEILIGUNG: {
            "formats": [
                world.row(name="x", reaches="", when="", how_many="", barriers="")
                for _ in range(size.formats)
            ]
        },
        Step.ZEITPLAN: {
            "milestones": [world.row(text="x", due_on=None) for _ in range(size.lines)],
            "adoptions": [
                world.row(municipality=town.ags, body="", planned_on="2028-12-01")
                for town in (w.town, *partners)
            ],
        },
        Step.FINANZIERUNG: {
            "expenses": [
                world.row(year=2027, category="events", text="x", amount="1.00", eligible=True)
                for _ in range(size.lines)
            ],
            "cover": [
                world.row(year=2027, kind="grant", text="", municipality=None, amount="1.00")
                for _ in range(size.lines)
            ]
            + [
                world.row(year=2027, kind="own", text="", municipality=town.ags, amount="1.00")
                for town in (w.town, *partners, left)
            ],
        },
    }
    for step, data in rows.items():
        world.save(application, step, {**read_step(application, step), **data}, w.clerk)
    application = Application.objects.get(pk=application.pk)
    for town in partners:
        row = cooperation.row_of(application, town)
        row.confirmed_at, row.confirmed_by = NOW, w.stranger
        row.statement_sha256 = cooperation.statement_sha256(application, town)
        row.save()
    for number in range(size.documents):
        _document(application, f"Konzept {number}.pdf", w)
    for number in range(size.comments):
        services.add_comment(
            application=application, step=Step.KONZEPTION, text=f"{number}", by=w.clerk, at=NOW
        )
    for number in range(size.people):
        MembershipFactory(municipality=w.town, confirmed_at=NOW, confirmed_by=w.administrator)
        ApplicationGuest.objects.create(
            application=application,
            email=f"gast{number}@beratung.example",
            role=GuestRole.COMMENT,
            invited_at=NOW,
            invited_by=w.signatory,
            expires_at=NOW + timedelta(days=60),
            accepted_at=NOW,
            user=UserFactory(),
        )
    return w, application


def _town(w: world.World, ags: str) -> Municipality:
    town = MunicipalityFactory(ags=ags, district=w.town.district)
    PopulationFactory(municipality=town, value=8_000)
    return town


def _former(town: Municipality) -> None:
    """The town began under a new key on a day, and continues another one's figures."""
    Municipality.objects.filter(pk=town.pk).update(valid_from=date(2023, 1, 1))
    former = MunicipalityFactory(
        ags=f"069999{town.ags[-2:]}",
        district=town.district,
        short_name=f"Alt {town.ags}",
        valid_to=date(2022, 12, 31),
        successor=town,
    )
    PopulationFactory(municipality=former, value=9_000)


def _document(application: Application, name: str, w: world.World) -> None:
    Document.objects.create(
        application=application,
        kind=DocumentKind.OTHER,
        municipality=w.town,
        file="x",
        name=name,
        content_type="application/pdf",
        size=1,
        sha256="0" * 64,
        uploaded_at=NOW,
        uploaded_by=w.clerk,
    )


def _after_a_pause(client: Client, application: Application, w: world.World) -> None:
    """The last activity is minutes ago, in another section, and somebody's stay there is over."""
    session = client.session
    session["portal_began_at"] = session["portal_seen_at"] = int(NOW.timestamp()) - 120
    session.save()
    Presence.objects.all().delete()
    soon = NOW + timedelta(minutes=9)
    others = User.objects.filter(memberships__municipality=w.town).exclude(pk=w.signatory.pk)
    Presence.objects.bulk_create(
        Presence(
            application=application,
            step=step,
            user=user,
            since=NOW - timedelta(minutes=20),
            seen_at=until - timedelta(minutes=15),
            expires_at=until,
        )
        for user, step, until in (
            (w.signatory, "elsewhere", soon),
            (w.clerk, "here", NOW - timedelta(minutes=9)),
            *((other, step, soon) for other in others for step in Step),
        )
    )


def _may_write(w: world.World) -> Client:
    w.signatory.memberships.update(may_edit=True)
    return signed_in(w.signatory)


def test_the_pages_of_a_draft(large: Any, django_assert_num_queries: Any) -> None:
    w, application = large
    client = _may_write(w)
    pages = {f"{step}/": number for step, number in STEP_PAGES.items()}
    pages |= {f"kommune/?suche={x}": STEP_PAGES[Step.KOMMUNE] + SEARCH for x in ("muster", "xyz")}
    assert max(pages.values()) <= 15
    for rest, number in {**pages, "pruefen/": CHECK_PAGE, "": TASK_LIST}.items():
        _after_a_pause(client, application, w)
        with django_assert_num_queries(number, info=f"/antraege/…/{rest}"):
            assert client.get(place(application, rest)).status_code == 200
    assert max(STEP_PAGES.values()) + ASKED_FOR <= 15


def test_filing(large: Any) -> None:
    w, application = large
    client = _may_write(w)
    page = client.get(place(application, "pruefen/")).content.decode()
    form = page[page.index(f'action="{place(application, "einreichen/")}"') :]
    data = dict(re.findall(r'<input[^>]*\bname="([^"]+)"[^>]*\bvalue="([^"]*)"', form))
    assert uuid.UUID(data["vorgang"])
    who = {"owner": w.signatory.pk, "application": application.uuid, "step": kept.CHECK_PAGE}
    assert kept.keep(**who, typed=kept.Typed([("grund", "x")]), token=TOKEN, at=NOW)
    client.cookies[settings.KEPT_INPUT_COOKIE] = TOKEN
    _after_a_pause(client, application, w)
    with CaptureQueriesContext(connection) as asked:
        answer = client.post(
            place(application, "einreichen/"),
            {**data, "befugt": "on", "trotzdem": "on", "grund": "Bitte prüfen."},
        )
    # The transaction's own begin and end are savepoints in a test.
    queries = [query["sql"] for query in asked if "SAVEPOINT" not in query["sql"]]
    assert (answer.status_code, len(queries)) == (302, SUBMISSION), "\n".join(queries)
    assert not KeptInput.objects.exists()
    application.refresh_from_db()
    frozen = application.first_snapshot.content
    size = LARGEST if len(frozen["documents"]) > 1 else Size()
    assert {
        "members": len(frozen["members"]),
        "documents": len(frozen["documents"]),
        **{name: len(frozen["steps"][step][name]) for step, name in ROWS.items()},
    } == {
        "members": size.partners + 1,
        "documents": size.documents,
        "formats": size.formats,
        "milestones": size.lines,
        "expenses": size.lines,
        "cooperations": size.partners,
    }
    assert OutboxMail.objects.count() == 1


def test_the_steps_of_a_request(large: Any, django_assert_num_queries: Any) -> None:
    w, application = large
    application = world.file(application, w.signatory)
    application = services.begin_check(application=application, by=w.reviewer, at=NOW)
    services.set_file_number(application=application, file_number="1", by=w.reviewer, at=NOW)
    application.refresh_from_db()
    services.request_information(
        application=application,
        items=[
            *((step, "Bitte ergänzen.") for step in Step if step is not Step.ANLAGEN),
            services.Wanted(Step.ANLAGEN, "Bitte das Konzept.", f"kind:{DocumentKind.OTHER}"),
        ],
        due_on=date(2026, 12, 15),
        by=w.reviewer,
        at=NOW,
    )
    client = _may_write(w)
    for step, number in STEP_PAGES.items():
        _after_a_pause(client, application, w)
        more = ASKED_FOR + (FILED if step is Step.ANLAGEN else 0)
        with django_assert_num_queries(number + more, info=step.label):
            assert client.get(place(application, f"{step}/")).status_code == 200
    # What a session that ended kept is told by the same statements, whatever else is asked for.
    client.cookies[settings.KEPT_INPUT_COOKIE] = TOKEN
    for rest in (*map(str, STEP_PAGES), "kommune/?suche=muster"):
        step = Step(rest.partition("/")[0])
        typed = kept.Typed([("title", "Neuer Titel"), ("aktion", "weiter")])
        who = {"owner": w.signatory.pk, "application": application.uuid, "step": step}
        assert kept.keep(**who, typed=typed, token=TOKEN, at=NOW)
        _after_a_pause(client, application, w)
        with CaptureQueriesContext(connection) as asked:
            page = client.get(place(application, rest if "?" in rest else f"{rest}/"))
        assert (page.status_code, page.context["put_back"]) == (200, True), rest
        assert len(asked) <= 15, rest
