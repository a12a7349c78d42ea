"""Exports of the desk: cases, their Finanzierungspläne, and the report on a call.

What a municipality is just typing is in none of them: they hold what was handed in last. Nor is
anybody's mail address or telephone number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from django.db.models import Min, OuterRef, Subquery
from django.utils import timezone

from applications.documents import names_in
from applications.models import Application, Decision, Delivery, FundingCall, LetterKind, Snapshot
from applications.models.decisions import DecisionState
from applications.rules import CoverKind, ExpenseCategory
from applications.services import snapshots
from applications.services.decisions import budget
from applications.workflow import Status
from projects.resources.spreadsheets import Cell, Table, yes_or_no

if TYPE_CHECKING:
    from django.db.models import QuerySet

CHUNK: Final = 500
NOTHING: Final = Decimal("0.00")


class CaseTable(Table):
    """Every filed case, of a call where one is given."""

    name = "antraege"
    title = "Anträge"
    columns = {
        "antragsnummer": "Antragsnummer",
        "geschaeftszeichen": "Geschäftszeichen; kann fehlen",
        "aufruf": "Förderaufruf",
        "kommune": "antragstellende Kommune",
        "ags": "ihr Gemeindeschlüssel, acht Ziffern, als Text",
        "kreis": "Landkreis oder kreisfreie Stadt",
        "partner": "Partnerkommunen; leer, wenn kein Verbund",
        "projekt": "Projektname, wie zuletzt eingereicht",
        "status": "Stand des Verfahrens",
        "eingegangen": "Tag des Eingangs (Datum)",
        "weg": "Portal, per Post, per E-Mail oder persönlich abgegeben",
        "nach_fristende": "ja oder nein",
        "beantragt": "beantragte Zuwendung in Euro (Betrag)",
        "bewilligt": "bewilligte Zuwendung in Euro (Betrag); kann fehlen",
        "zuwendungsfaehig": "anerkannte zuwendungsfähige Ausgaben in Euro (Betrag); kann fehlen",
        "beginn": "erster Tag des Bewilligungszeitraums (Datum); kann fehlen",
        "ende": "letzter Tag des Bewilligungszeitraums (Datum); kann fehlen",
        "entschieden": "Tag der Schlusszeichnung (Datum); kann fehlen",
        "bekannt_gegeben": "voraussichtlicher Tag der Bekanntgabe (Datum); kann fehlen",
        "oeffentlich": "im Projektverzeichnis: ja oder nein",
    }

    def __init__(self, call: FundingCall | None = None) -> None:
        super().__init__()
        self.call = call

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        for row in _filed(self.call).iterator(chunk_size=CHUNK):
            held = _content(row)
            lead, *partners = held["members"]
            granted = row.status == Status.GRANTED
            yield (
                row.reference,
                row.file_number,
                row.call.title,
                lead["name"],
                lead["ags"],
                lead["district"],
                ", ".join(partner["name"] for partner in partners),
                held["steps"]["konzeption"]["title"],
                row.state.label,
                timezone.localdate(row.submitted_at),
                row.get_received_as_display() or "Portal",
                yes_or_no(row.received_late),
                row.asked,
                row.granted_amount if granted else None,
                row.granted_costs if granted else None,
                row.granted_from if granted else None,
                row.granted_to if granted else None,
                timezone.localdate(row.decided_at) if row.decided_at else None,
                row.told_on,
                yes_or_no(row.project is not None and row.project.is_public),
            )


class PlanTable(Table):
    """A row for each line of every filed Finanzierungsplan, as handed in last."""

    name = "finanzierungsplaene"
    title = "Finanzierungspläne"
    columns = {
        "antragsnummer": "Antragsnummer",
        "kommune": "antragstellende Kommune",
        "seite": "Ausgabe oder Deckung",
        "haushaltsjahr": "Haushaltsjahr (Zahl); kann fehlen",
        "art": "Art der Ausgabe oder der Deckung",
        "text": "Erläuterung; kann fehlen",
        "traegt": "Kommune, die die Eigenmittel aufbringt; kann fehlen",
        "betrag": "Betrag in Euro (Betrag); leer, wo keiner angegeben ist",
        "zuwendungsfaehig": "ja oder nein, wie beantragt; nur bei Ausgaben",
    }

    def __init__(self, call: FundingCall | None = None) -> None:
        super().__init__()
        self.call = call

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        for row in _filed(self.call).iterator(chunk_size=CHUNK):
            yield from self.lines_of(row.reference, _content(row))

    @staticmethod
    def lines_of(reference: str, held: dict[str, Any]) -> Iterator[tuple[Cell, ...]]:
        """The lines of one case, from the content it handed in last."""
        names = names_in(held)
        plan = held["steps"]["finanzierung"]
        begin = (reference, held["members"][0]["name"])
        for line in plan["expenses"]:
            category = line["category"]
            yield (
                *begin,
                "Ausgabe",
                line["year"],
                ExpenseCategory(category).label if category else "",
                line["text"],
                "",
                Decimal(line["amount"]) if line["amount"] else None,
                yes_or_no(line["eligible"]),
            )
        for line in plan["cover"]:
            yield (
                *begin,
                "Deckung",
                line["year"],
                CoverKind(line["kind"]).label if line["kind"] else "",
                line["text"],
                names.get(line["municipality"] or "", ""),
                Decimal(line["amount"]) if line["amount"] else None,
                "",
            )


class ReportTable(Table):
    """The report for the ministry on one call: how many cases, and what money, by Haushaltsjahr."""

    name = "bericht"
    title = "Bericht"
    columns = {
        "aufruf": "Förderaufruf",
        "kennzahl": "was gezählt oder zusammengezählt ist",
        "haushaltsjahr": "Haushaltsjahr (Zahl); leer bei Angaben zum ganzen Aufruf",
        "anzahl": "Anzahl der Anträge (Zahl); leer bei Beträgen",
        "betrag": "Betrag in Euro; leer bei Anzahlen und wo nichts eingetragen ist",
    }

    def __init__(self, call: FundingCall) -> None:
        super().__init__()
        self.call = call

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        title = self.call.title
        filed = Application.objects.submitted().filter(call=self.call)
        states = Counter(filed.order_by().values_list("status", flat=True))
        yield title, "eingegangen", None, sum(states.values()), None
        late = filed.filter(received_late=True).count()
        yield title, "davon nach Fristende eingegangen", None, late, None
        yield (
            title,
            "davon nicht über das Portal",
            None,
            filed.exclude(received_as="").count(),
            None,
        )
        for state in Status:
            if state is not Status.DRAFT:
                yield title, f"Stand: {state.label}", None, states[state], None
        asked: dict[int, Decimal] = {}
        asking = filed.exclude(status__in=[Status.WITHDRAWN, Status.CLOSED]).order_by()
        for by_year in asking.values_list("asked_by_year", flat=True):
            for year, cents in by_year.items():
                asked[int(year)] = asked.get(int(year), NOTHING) + Decimal(cents) / 100
        money = {row.year: row for row in budget.years_of_call(self.call)}
        for year in sorted({*money, *asked}):
            found = money.get(year)
            for label, amount in (
                ("Haushaltsmittel", found.funds if found else None),
                ("Verpflichtungsermächtigung", found.commitment if found else None),
                ("beantragt", asked.get(year, NOTHING)),
                ("bewilligt", found.granted if found else NOTHING),
                ("davon aus Verpflichtungsermächtigung", found.committed if found else NOTHING),
                ("Haushaltsmittel frei", found.funds_free if found else None),
            ):
                yield title, label, year, None, amount


def _filed(call: FundingCall | None) -> QuerySet[Any]:
    """The filed cases with all that a row needs, in one query for each chunk."""
    last = Snapshot.objects.filter(application=OuterRef("pk")).order_by("-number")
    counts = Decision.objects.filter(
        application=OuterRef("pk"), state=DecisionState.SIGNED, amount__isnull=False
    ).order_by("-number")
    told = (
        Delivery.objects.filter(
            letter__application=OuterRef("pk"),
            letter__kind__in=[LetterKind.GRANT, LetterKind.REJECTION],
        )
        .values("letter__application")
        .annotate(first=Min("notified_on"))
    )
    found = (
        Application.objects.submitted()
        .select_related("call", "project")
        .annotate(
            filed_version=Subquery(last.values("version")[:1]),
            filed_payload=Subquery(last.values("payload")[:1]),
            granted_amount=Subquery(counts.values("amount")[:1]),
            granted_costs=Subquery(counts.values("eligible_costs")[:1]),
            granted_from=Subquery(counts.values("starts_on")[:1]),
            granted_to=Subquery(counts.values("ends_on")[:1]),
            told_on=Subquery(told.values("first")[:1]),
        )
        .order_by("reference")
    )
    return found if call is None else found.filter(call=call)


def _content(row: Any) -> dict[str, Any]:
    return snapshots.read(Snapshot(version=row.filed_version, payload=row.filed_payload))
