"""What an application must keep: period, Finanzierungsplan, documents, declarations."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from applications import rules
from applications.rules import (
    REQUIRED_TEXTS,
    Adoption,
    BudgetSituation,
    CallTerms,
    ContactPoint,
    CoverKind,
    CoverLine,
    Declaration,
    Document,
    DocumentKind,
    ExpenseCategory,
    ExpenseLine,
    Filing,
    FinancingType,
    Finding,
    PartRow,
    Period,
    Plan,
    Severity,
    Step,
    Totals,
)
from municipalities.eligibility import Member

LEAD = Member("06431001", "Abtsteinach", population=2_472)
PARTNER = Member("06431002", "Bensheim", population=41_758)
OTHER = Member("06431003", "Biblis", population=9_000)
TERMS = CallTerms(
    title="KIV IV", duration_min=12, duration_max=18, cap=Decimal(30_000), source_cap="Erlass"
)
NO_TERMS = CallTerms(required_declarations=())


def euro(text: str) -> Decimal:
    return Decimal(text).quantize(Decimal("0.01"))


def expense(
    amount: str, year: int = 2027, eligible: bool = True, text: str = "Moderation"
) -> ExpenseLine:
    return ExpenseLine(year, ExpenseCategory.MODERATION, text, euro(amount), eligible, "7")


def cover(
    amount: str, kind: str = CoverKind.GRANT, year: int = 2027, ags: str | None = None
) -> CoverLine:
    return CoverLine(year, kind, "", euro(amount), ags)


def own(amount: str, year: int = 2027, ags: str = LEAD.ags) -> CoverLine:
    return cover(amount, CoverKind.OWN, year, ags)


def plan(expenses: list[ExpenseLine], covers: list[CoverLine]) -> Plan:
    return Plan(tuple(expenses), tuple(covers), False, BudgetSituation.APPROVED)


BALANCED = plan([expense("20000")], [own("4000"), cover("16000")])

COMPLETE = Filing(
    title="Vielfalt in Abtsteinach",
    lead=LEAD,
    contacts=(ContactPoint("Fachbereich 3", "", "post@abtsteinach.example", "06207 1"),),
    finance_contact=ContactPoint("", "Kasse", "kasse@abtsteinach.example", "06207 2"),
    account_holder="Gemeindekasse",
    iban="DE89370400440532013000",
    texts={text.key: "Text" for text in REQUIRED_TEXTS},
    other_funding=False,
    period=Period(date(2027, 1, 1), 12),
    adoptions=(Adoption(LEAD.ags, "Gemeindevertretung", date(2027, 12, 10)),),
    plan=BALANCED,
    declarations=frozenset(Declaration),
    authority_declared=True,
    filed_on=date(2026, 11, 2),
)


def said(finding: Finding | None) -> tuple[str, str, str] | None:
    return (finding.code, finding.severity.value, finding.message) if finding else None


# --- The whole -------------------------------------------------------------------------


def test_a_complete_application_has_no_findings() -> None:
    assert rules.check(COMPLETE, TERMS) == []


def test_an_empty_application_hears_everything_in_the_order_of_the_steps() -> None:
    findings = rules.check(Filing(), TERMS)
    assert [(f.step, f.code, f.severity.value, f.field) for f in findings] == [
        ("kommune", "lead_missing", "blocking", "lead"),
        ("ansprechpartner", "field_missing", "warning", "addressee"),
        ("ansprechpartner", "field_missing", "warning", "street"),
        ("ansprechpartner", "field_missing", "warning", "postal_code"),
        ("ansprechpartner", "field_missing", "warning", "city"),
        ("ansprechpartner", "field_missing", "warning", "signatory_name"),
        ("ansprechpartner", "field_missing", "warning", "signatory_function"),
        ("ansprechpartner", "contact_incomplete", "warning", "contacts"),
        ("ansprechpartner", "finance_contact_incomplete", "warning", "finance_unit"),
        ("ansprechpartner", "bank_details_missing", "warning", "account_holder"),
        ("konzeption", "title_missing", "blocking", "title"),
        ("konzeption", "field_missing", "warning", "summary"),
        ("konzeption", "field_missing", "warning", "situation"),
        ("konzeption", "field_missing", "warning", "goals"),
        ("konzeption", "field_missing", "warning", "target_groups"),
        ("konzeption", "field_missing", "warning", "topics"),
        ("konzeption", "field_missing", "warning", "approach"),
        ("konzeption", "field_missing", "warning", "continuation"),
        ("konzeption", "field_missing", "warning", "procurement_way"),
        ("konzeption", "field_missing", "warning", "procurement_text"),
        ("beteiligung", "field_missing", "warning", "social_space"),
        ("beteiligung", "field_missing", "warning", "formats"),
        ("beteiligung", "field_missing", "warning", "bodies"),
        ("beteiligung", "field_missing", "warning", "wir_centre"),
        ("zeitplan", "field_missing", "warning", "milestones"),
        ("zeitplan", "field_missing", "warning", "starts_on"),
        ("zeitplan", "field_missing", "warning", "months"),
        ("finanzierung", "requested_amount_missing", "blocking", "cover"),
        ("finanzierung", "field_missing", "warning", "expenses"),
        ("finanzierung", "field_missing", "warning", "cover"),
        ("finanzierung", "field_missing", "warning", "vat_deductible"),
        ("finanzierung", "field_missing", "warning", "budget_situation"),
        ("erklaerungen", "authority_not_declared", "blocking", "authority_declared"),
        ("erklaerungen", "field_missing", "warning", "other_funding"),
        ("erklaerungen", "declaration_missing", "warning", "correct"),
        ("erklaerungen", "declaration_missing", "warning", "not_started"),
        ("erklaerungen", "declaration_missing", "warning", "financing_secured"),
    ]


def test_four_things_and_no_others_block_a_submission() -> None:
    assert [f.code for f in rules.blocking(rules.check(Filing(), TERMS))] == [
        "lead_missing",
        "title_missing",
        "requested_amount_missing",
        "authority_not_declared",
    ]
    unsound = replace(
        COMPLETE, period=Period(date(2020, 1, 1), 99), plan=plan([expense("1")], [cover("99000")])
    )
    assert rules.blocking(rules.check(unsound, TERMS)) == []


def test_every_finding_names_source_message_way_out_and_step() -> None:
    findings = rules.check(Filing(), TERMS)
    assert [f for f in findings if not (f.source and f.message and f.way_out and f.step)] == []


def test_what_the_eligibility_check_found_comes_first() -> None:
    found = Finding(
        "no_small_member", Severity.WARNING, "Programmseite", "Niemand klein.", "Allein."
    )
    filing = replace(COMPLETE, eligibility=(found,), title=" ")
    assert rules.check(filing, TERMS)[0] == replace(found, step="kommune", field="members")
    assert [f.code for f in rules.check(filing, TERMS)] == ["no_small_member", "title_missing"]


# --- What has to be there --------------------------------------------------------------


def test_an_application_needs_an_applicant() -> None:
    assert rules.lead_present(COMPLETE) is None
    assert said(rules.lead_present(Filing())) == (
        "lead_missing",
        "blocking",
        "Bitte geben Sie an, welche Kommune den Antrag stellt.",
    )


@pytest.mark.parametrize("title", ["", "  ", "\u00a0\n"])
def test_a_title_of_blanks_is_none(title: str) -> None:
    finding = rules.title_present(replace(COMPLETE, title=title))
    assert said(finding) == (
        "title_missing",
        "blocking",
        "Bitte geben Sie den Projektnamen an.",
    )


@pytest.mark.parametrize("covers", [[], [own("5000")], [cover("0")]])
def test_an_application_asks_for_money(covers: list[CoverLine]) -> None:
    finding = rules.requested_amount_present(replace(COMPLETE, plan=plan([], covers)))
    assert said(finding) == (
        "requested_amount_missing",
        "blocking",
        "Bitte geben Sie an, welche Zuwendung Sie beantragen.",
    )


def test_one_cent_is_an_amount_asked_for() -> None:
    filing = replace(COMPLETE, plan=plan([], [cover("0.01")]))
    assert rules.requested_amount_present(filing) is None


def test_whoever_submits_declares_to_represent_the_applicant() -> None:
    assert said(rules.authority_declared(replace(COMPLETE, authority_declared=False))) == (
        "authority_not_declared",
        "blocking",
        "Es fehlt noch die Erklärung, dass die antragstellende Kommune befugt vertreten wird.",
    )


@pytest.mark.parametrize(
    ("contacts", "complete"),
    [
        ([("Fachbereich 3", "", "a@b.example", "06207 1")], True),
        ([("", "Frau Beispiel", "a@b.example", "06207 1")], True),
        ([("", "", "", ""), ("Fachbereich 3", "", "a@b.example", "06207 1")], True),
        ([("", "", "a@b.example", "06207 1")], False),
        ([("Fachbereich 3", "", "", "06207 1")], False),
        ([("Fachbereich 3", "", "a@b.example", "")], False),
        ([], False),
    ],
)
def test_a_contact_has_a_name_and_two_ways_to_reach_it(
    contacts: list[tuple[str, str, str, str]], complete: bool
) -> None:
    filing = replace(COMPLETE, contacts=tuple(ContactPoint(*parts) for parts in contacts))
    finding = rules.contact_complete(filing)
    assert (finding and finding.code) == (None if complete else "contact_incomplete")


def test_empty_fields_are_named_in_words() -> None:
    filing = replace(
        COMPLETE,
        texts=dict(COMPLETE.texts) | {"goals": " "},
        period=Period(None, 12),
        plan=replace(BALANCED, expenses=(expense("20000", text=" "),), vat_deductible=None),
    )
    assert [(f.field, f.message) for f in rules.missing(filing)] == [
        ("goals", "Pflichtangabe noch nicht ausgefüllt: Ziele."),
        ("starts_on", "Pflichtangabe noch nicht ausgefüllt: Beginn der Maßnahme."),
        (
            "expenses-7",
            "Pflichtangabe noch nicht ausgefüllt: Bezeichnung einer Ausgabe im Haushaltsjahr 2027.",
        ),
        (
            "vat_deductible",
            "Pflichtangabe noch nicht ausgefüllt: Berechtigung zum Vorsteuerabzug.",
        ),
    ]


def test_a_row_that_is_begun_names_its_empty_cells() -> None:
    cells = (("Format", "Werkstatt"), ("wann", " "), ("wie viele", ""))
    row = PartRow(Step.BETEILIGUNG, "formats-7", "Beteiligungsformat 1", cells)
    whole = replace(row, cells=cells[:1])
    [finding] = rules.missing(replace(COMPLETE, rows=(whole, row)))
    assert (finding.message, finding.source, finding.step, finding.field) == (
        "Pflichtangabe noch nicht ausgefüllt: Beteiligungsformat 1 (wann, wie viele).",
        "Programmseite",
        "beteiligung",
        "formats-7",
    )


def test_documents_are_those_the_call_requires() -> None:
    terms = replace(TERMS, required_documents=("signature_sheet", "offer", "cooperation"))
    filing = replace(COMPLETE, documents=(Document(DocumentKind.OFFER),))
    assert rules.documents_present(filing, TERMS) == []
    assert rules.check(filing, terms) == [
        Finding(
            "document_missing",
            Severity.WARNING,
            "Förderaufruf",
            "Es fehlt die Anlage „Unterschriftsblatt“.",
            "Bitte laden Sie die Unterlage hoch.",
            "anlagen",
            "signature_sheet",
        )
    ]


def test_each_partner_hands_in_its_own_kooperationserklaerung() -> None:
    verbund = replace(COMPLETE, partners=(PARTNER, OTHER))
    one = Document(DocumentKind.COOPERATION, PARTNER.ags)
    both = (one, Document("cooperation", OTHER.ags))
    assert rules.cooperation_declared(COMPLETE, TERMS) is None
    assert rules.cooperation_declared(replace(verbund, documents=both), TERMS) is None
    assert said(rules.cooperation_declared(replace(verbund, documents=(one,)), TERMS)) == (
        "document_missing",
        "warning",
        "Es fehlt die Kooperationserklärung von: Biblis.",
    )
    assert said(rules.cooperation_declared(verbund, TERMS)) == (
        "document_missing",
        "warning",
        "Es fehlt die Kooperationserklärung von: Bensheim, Biblis.",
    )


def test_declarations_are_those_the_call_requires() -> None:
    filing = replace(COMPLETE, declarations=frozenset({"correct", "not_started"}))
    assert rules.declarations_given(filing, NO_TERMS) == []
    [finding] = rules.declarations_given(filing, TERMS)
    assert said(finding) == (
        "declaration_missing",
        "warning",
        "Es fehlt die Erklärung: „Die Gesamtfinanzierung ist gesichert, gegebenenfalls "
        "vorbehaltlich der Genehmigung des Haushalts.“",
    )
    assert (finding.step, finding.field) == ("erklaerungen", "financing_secured")


# --- The period ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("months", "lowest", "highest", "message"),
    [
        (12, 12, 18, None),
        (18, 12, 18, None),
        (None, 12, 18, None),
        (99, None, None, None),
        (11, 12, 18, "Die Laufzeit beträgt 11 Monate. Vorgesehen sind 12 bis 18 Monate."),
        (19, 12, 18, "Die Laufzeit beträgt 19 Monate. Vorgesehen sind 12 bis 18 Monate."),
        (1, 12, None, "Die Laufzeit beträgt 1 Monat. Vorgesehen sind mindestens 12 Monate."),
        (12, None, 12, None),
        (13, None, 12, "Die Laufzeit beträgt 13 Monate. Vorgesehen sind höchstens 12 Monate."),
        (13, 12, 12, "Die Laufzeit beträgt 13 Monate. Vorgesehen sind genau 12 Monate."),
        (0, 12, 18, "Die Laufzeit beträgt 0 Monate. Vorgesehen sind 12 bis 18 Monate."),
    ],
)
def test_the_duration_lies_within_the_limits_of_the_call(
    months: int | None, lowest: int | None, highest: int | None, message: str | None
) -> None:
    terms = replace(TERMS, duration_min=lowest, duration_max=highest)
    finding = rules.period_within_limits(Period(date(2027, 1, 1), months), terms)
    assert said(finding) == (message and ("period_outside_limits", "warning", message))


@pytest.mark.parametrize(
    ("starts_on", "months", "last", "years"),
    [
        (date(2027, 1, 1), 12, date(2027, 12, 31), (2027,)),
        (date(2026, 12, 31), 12, date(2027, 12, 30), (2026, 2027)),
        (date(2026, 8, 31), 18, date(2028, 2, 29), (2026, 2027, 2028)),
        (None, 12, None, ()),
        (date(2027, 1, 1), None, None, ()),
        (date(2027, 1, 1), 0, None, ()),
        (date(2027, 1, 1), 10**9, None, ()),
    ],
)
def test_a_period_touches_haushaltsjahre(
    starts_on: date | None, months: int | None, last: date | None, years: tuple[int, ...]
) -> None:
    period = Period(starts_on, months)
    assert (rules.ends_on(period), rules.years_of(period)) == (last, years)


# 23:30 UTC on 30 November is already 1 December in Germany.
CLOSES = datetime(2026, 11, 30, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("filed_on", "closes_at", "weeks", "expected"),
    [
        (date(2026, 11, 2), CLOSES, 8, date(2027, 1, 26)),
        (date(2026, 12, 10), CLOSES, 8, date(2027, 2, 4)),
        (date(2026, 11, 2), None, 8, date(2026, 12, 28)),
        (None, CLOSES, 0, date(2026, 12, 1)),
        (date(2026, 11, 2), CLOSES, None, date(2026, 11, 2)),
        (None, CLOSES, None, None),
        (None, None, 8, None),
    ],
)
def test_a_decision_can_be_expected_some_weeks_after_the_close(
    filed_on: date | None, closes_at: datetime | None, weeks: int | None, expected: date | None
) -> None:
    filing = replace(COMPLETE, filed_on=filed_on)
    terms = replace(TERMS, closes_at=closes_at, earliest_decision_weeks=weeks)
    assert rules.decision_expected_on(filing, terms) == expected


def test_a_start_before_the_decision_is_a_warning() -> None:
    terms = replace(TERMS, earliest_decision_weeks=8)
    early = replace(COMPLETE, period=Period(date(2026, 12, 27), 12))
    assert said(rules.start_after_decision_expected(early, terms)) == (
        "start_before_decision",
        "warning",
        "Der geplante Beginn am 27.12.2026 liegt vor dem 28.12.2026. Eine Entscheidung ist "
        "vorher nicht zu erwarten. Als Beginn gilt schon der Abschluss eines Liefer- oder "
        "Leistungsvertrags, auch mit der Prozessmoderation.",
    )


@pytest.mark.parametrize(
    ("starts_on", "filed_on"),
    [
        (date(2026, 12, 28), date(2026, 11, 2)),
        (None, date(2026, 11, 2)),
        (date(2020, 1, 1), None),
    ],
)
def test_a_start_is_not_doubted_without_a_reason(
    starts_on: date | None, filed_on: date | None
) -> None:
    filing = replace(COMPLETE, period=Period(starts_on, 12), filed_on=filed_on)
    terms = replace(TERMS, earliest_decision_weeks=8)
    assert rules.start_after_decision_expected(filing, terms) is None


def test_every_member_plans_the_adoption() -> None:
    verbund = replace(
        COMPLETE, partners=(PARTNER,), adoptions=(*COMPLETE.adoptions, Adoption(PARTNER.ags))
    )
    assert rules.adoption_planned(COMPLETE, TERMS) is None
    assert said(rules.adoption_planned(verbund, TERMS)) == (
        "adoption_not_planned",
        "warning",
        "Es fehlt noch, wann die Gemeindevertretung/Stadtverordnetenversammlung über die "
        "Strategie beschließen soll: Bensheim.",
    )


def test_the_adoption_stands_at_the_end() -> None:
    early = (Adoption(LEAD.ags, "Gemeindevertretung", date(2026, 12, 31)),)
    filing = replace(COMPLETE, adoptions=early)
    assert rules.adoption_after_start(COMPLETE, TERMS) is None
    assert rules.adoption_after_start(replace(filing, period=Period()), TERMS) is None
    assert said(rules.adoption_after_start(filing, TERMS)) == (
        "adoption_before_start",
        "warning",
        "Der Beschluss über die Strategie soll am Ende stehen, ist aber vor dem Beginn der "
        "Maßnahme geplant: Abtsteinach.",
    )


# --- The Finanzierungsplan in itself ---------------------------------------------------

TWO_YEARS = plan(
    [expense("10000.10", 2027), expense("500", 2027, eligible=False), expense("8000", 2028)],
    [
        own("2000.10", 2027),
        cover("8500", year=2027),
        cover("1000", CoverKind.THIRD_PARTY, 2028),
        cover("6000", year=2028),
    ],
)


def test_a_plan_is_summed_per_year_and_in_total() -> None:
    def by_kind(own_: str, third: str, grant: str) -> dict[str, Decimal]:
        nothing = euro("0")
        return {
            "own": euro(own_),
            "third_party": euro(third),
            "other_public": nothing,
            "income": nothing,
            "grant": euro(grant),
        }

    totals = rules.plan_totals(TWO_YEARS)
    assert totals.years == (
        Totals(
            2027,
            euro("10500.10"),
            euro("10000.10"),
            by_kind("2000.10", "0", "8500"),
            euro("10500.10"),
            euro("8500"),
            euro("0"),
        ),
        Totals(
            2028,
            euro("8000"),
            euro("8000"),
            by_kind("0", "1000", "6000"),
            euro("7000"),
            euro("6000"),
            euro("1000"),
        ),
    )
    assert totals.total == Totals(
        None,
        euro("18500.10"),
        euro("18000.10"),
        by_kind("2000.10", "1000", "14500"),
        euro("17500.10"),
        euro("14500"),
        euro("1000"),
    )
    assert rules.requested(TWO_YEARS) == euro("14500")


def test_an_empty_plan_sums_to_nothing() -> None:
    totals = rules.plan_totals(Plan())
    assert totals.years == ()
    assert (totals.total.expenses, totals.total.gap) == (Decimal(0), Decimal(0))


def test_a_line_of_no_known_kind_is_refused() -> None:
    with pytest.raises(ValueError):
        rules.plan_totals(plan([], [cover("1", "lottery")]))


@pytest.mark.parametrize(
    ("spent", "covered", "message"),
    [
        ("20000.00", "18750.00", "Im Haushaltsjahr 2027 fehlen noch 1.250,00 € Deckung."),
        ("20000.00", "19999.99", "Im Haushaltsjahr 2027 fehlen noch 0,01 € Deckung."),
        (
            "20000.00",
            "20300.00",
            "Im Haushaltsjahr 2027 übersteigt die Deckung die Ausgaben um 300,00 €.",
        ),
    ],
)
def test_a_gap_in_a_year_is_named_to_the_cent(spent: str, covered: str, message: str) -> None:
    unbalanced = plan([expense(spent)], [own(covered)])
    [finding] = rules.plan_balances_each_year(unbalanced, TERMS)
    assert said(finding) == ("plan_year_unbalanced", "warning", message)


def test_every_unbalanced_year_is_named() -> None:
    shifted = plan(
        [expense("100", 2027), expense("100", 2028)], [own("90", 2027), own("110", 2028)]
    )
    assert [f.message for f in rules.plan_balances_each_year(shifted, TERMS)] == [
        "Im Haushaltsjahr 2027 fehlen noch 10,00 € Deckung.",
        "Im Haushaltsjahr 2028 übersteigt die Deckung die Ausgaben um 10,00 €.",
    ]
    assert rules.plan_balances_in_total(shifted, TERMS) is None


def test_a_gap_in_total_is_named_to_the_cent() -> None:
    assert said(rules.plan_balances_in_total(TWO_YEARS, TERMS)) == (
        "plan_unbalanced",
        "warning",
        "Insgesamt fehlen noch 1.000,00 € Deckung.",
    )


def test_the_total_is_named_besides_the_years_only_where_there_are_several() -> None:
    one = replace(COMPLETE, plan=plan([expense("20000")], [own("1"), cover("16000")]))
    two = replace(COMPLETE, plan=TWO_YEARS, period=Period(date(2027, 7, 1), 12))
    assert [f.code for f in rules.check(one, TERMS)] == ["plan_year_unbalanced"]
    assert [f.code for f in rules.check(two, TERMS)] == ["plan_year_unbalanced", "plan_unbalanced"]


@pytest.mark.parametrize(
    ("years", "period", "expected"),
    [
        ([2027], Period(date(2027, 1, 1), 12), None),
        ([2027, 2028], Period(date(2027, 7, 1), 12), None),
        ([], Period(date(2027, 1, 1), 12), None),
        ([2030], Period(None, 12), None),
        (
            [2026, 2027],
            Period(date(2027, 1, 1), 12),
            (
                "plan_year_outside_period",
                "warning",
                "Im Haushaltsjahr 2026 liegen Beträge, die Laufzeit berührt aber nur "
                "das Haushaltsjahr 2027.",
            ),
        ),
        (
            [2025, 2026, 2030],
            Period(date(2027, 7, 1), 18),
            (
                "plan_year_outside_period",
                "warning",
                "In den Haushaltsjahren 2025, 2026 und 2030 liegen Beträge, die Laufzeit "
                "berührt aber nur die Haushaltsjahre 2027 und 2028.",
            ),
        ),
        (
            [2027],
            Period(date(2026, 12, 15), 18),
            (
                "plan_year_empty",
                "notice",
                "In den Haushaltsjahren 2026 und 2028 enthält der Finanzierungsplan noch "
                "keine Beträge.",
            ),
        ),
    ],
)
def test_the_plan_has_the_years_of_the_period(
    years: list[int], period: Period, expected: tuple[str, str, str] | None
) -> None:
    given_plan = plan([expense("1", year) for year in years], [own("1", year) for year in years])
    assert said(rules.years_match_period(given_plan, period, TERMS)) == expected


# --- What may be asked for -------------------------------------------------------------


def test_no_more_is_asked_for_than_the_cap() -> None:
    at_cap = plan([expense("40000")], [cover("30000")])
    above = plan([expense("40000")], [cover("20000"), cover("10000.01", year=2028)])
    assert rules.requested_within_cap(at_cap, TERMS) is None
    assert rules.requested_within_cap(above, NO_TERMS) is None
    assert rules.requested_within_cap(above, TERMS) == Finding(
        "requested_above_cap",
        Severity.WARNING,
        "Erlass",
        "Die beantragte Zuwendung übersteigt den Höchstbetrag von 30.000,00 € um 0,01 €.",
        "Nach dieser Grenze sind höchstens 30.000,00 € möglich.",
        "finanzierung",
        "cover",
    )


def test_no_more_is_asked_for_than_is_eligible() -> None:
    asked = [cover("1000")]
    assert rules.requested_within_eligible(plan([expense("1000")], asked), TERMS) is None
    partly = plan([expense("900"), expense("100", eligible=False)], asked)
    assert said(rules.requested_within_eligible(partly, TERMS)) == (
        "requested_above_eligible",
        "warning",
        "Die beantragte Zuwendung übersteigt die zuwendungsfähigen Ausgaben von 900,00 € "
        "um 100,00 €.",
    )


def test_no_more_is_asked_for_than_the_rate_gives() -> None:
    terms = replace(TERMS, rate=Decimal("0.8"), financing_type=FinancingType.SHARE)
    assert rules.requested_within_rate(BALANCED, terms) is None
    above = plan([expense("20000")], [cover("16000.01")])
    assert rules.requested_within_rate(above, TERMS) is None
    assert rules.requested_within_ceiling(above, terms) is None  # said once is enough
    assert said(rules.requested_within_rate(above, terms)) == (
        "requested_above_rate",
        "warning",
        "Die beantragte Zuwendung übersteigt den Förderanteil von 80 % der "
        "zuwendungsfähigen Ausgaben um 0,01 €.",
    )


@pytest.mark.parametrize(
    ("rate", "amount", "share"),
    [
        ("0.8", "0.01", "0.00"),
        ("0.666", "100.00", "66.60"),
        ("0.3333333333333333333333333333", "99999999.99", "33333333.32"),
        ("1", "12.34", "12.34"),
        ("0", "12.34", "0.00"),
    ],
)
def test_a_share_is_rounded_down_to_the_cent(rate: str, amount: str, share: str) -> None:
    with localcontext(prec=4):  # a caller's precision changes nothing
        assert str(rules.share_of(Decimal(rate), Decimal(amount))) == share


@pytest.mark.parametrize(
    ("rate", "shown"),
    [("0.8", "80 %"), ("0.80", "80 %"), ("0.666", "66,6 %"), ("1", "100 %"), ("1.00", "100 %")],
)
def test_a_rate_is_shown_as_percent(rate: str, shown: str) -> None:
    terms = replace(TERMS, rate=Decimal(rate))
    finding = rules.requested_within_rate(plan([], [cover("1")]), terms)
    assert finding is not None
    assert finding.message == (
        f"Die beantragte Zuwendung übersteigt den Förderanteil von {shown} der "
        "zuwendungsfähigen Ausgaben um 1,00 €."
    )


@pytest.mark.parametrize(
    ("financing_type", "covers", "message"),
    [
        ("", [own("5000"), cover("6000")], None),
        (FinancingType.FIXED, [own("5000"), cover("6000")], None),
        (FinancingType.SHORTFALL, [own("5000"), cover("5000")], None),
        (
            FinancingType.SHORTFALL,
            [own("5000"), cover("1000", CoverKind.INCOME), cover("6000")],
            "Die beantragte Zuwendung übersteigt den Fehlbedarf von 4.000,00 € um 2.000,00 €.",
        ),
        (
            "shortfall",
            [own("12000"), cover("1")],
            "Die beantragte Zuwendung übersteigt den Fehlbedarf von 0,00 € um 1,00 €.",
        ),
    ],
)
def test_a_shortfall_grant_fills_what_others_leave_open(
    financing_type: str, covers: list[CoverLine], message: str | None
) -> None:
    terms = replace(TERMS, financing_type=financing_type)
    finding = rules.requested_within_ceiling(plan([expense("10000")], covers), terms)
    assert said(finding) == (message and ("requested_above_ceiling", "warning", message))


@pytest.mark.parametrize(
    ("terms", "highest"),
    [
        (NO_TERMS, "40000"),
        (TERMS, "30000"),
        (replace(TERMS, rate=Decimal("0.5")), "20000"),
        (replace(TERMS, rate=Decimal("0.5"), financing_type="shortfall"), "15000"),
    ],
)
def test_the_highest_grant_is_the_lowest_ceiling(terms: CallTerms, highest: str) -> None:
    given_plan = plan([expense("40000")], [own("25000"), cover("99000")])
    assert rules.highest_grant(given_plan, terms) == euro(highest)


AMOUNTS = st.integers(min_value=0, max_value=9_999_999_999).map(lambda n: Decimal(n).scaleb(-2))
LINES = st.lists(st.tuples(st.integers(2026, 2028), AMOUNTS, st.booleans()), max_size=6)


@given(
    LINES,
    st.none() | AMOUNTS,
    st.none() | st.decimals(0, 1, places=4),
    st.sampled_from(["", "share", "shortfall"]),
)
def test_the_highest_grant_breaks_no_ceiling_and_one_cent_more_does(
    lines: list[tuple[int, Decimal, bool]], cap: Decimal | None, rate: Decimal | None, kind: str
) -> None:
    terms = replace(NO_TERMS, cap=cap, rate=rate, financing_type=kind)
    expenses = [expense(str(amount), year, eligible) for year, amount, eligible in lines]
    contribution = [own("250.50")]
    highest = rules.highest_grant(plan(expenses, contribution), terms)

    def broken(amount: Decimal) -> list[str]:
        asked = plan(expenses, [*contribution, cover(str(amount))])
        ceilings = [
            rules.requested_within_cap(asked, terms),
            rules.requested_within_eligible(asked, terms),
            rules.requested_within_rate(asked, terms),
            rules.requested_within_ceiling(asked, terms),
        ]
        return [finding.code for finding in ceilings if finding]

    assert broken(highest) == []
    assert broken(highest + Decimal("0.01")) != []


@given(LINES)
def test_a_plan_covered_line_by_line_balances(lines: list[tuple[int, Decimal, bool]]) -> None:
    mirrored = plan(
        [expense(str(amount), year, eligible) for year, amount, eligible in lines],
        [cover(str(amount), CoverKind.OWN, year) for year, amount, _ in reversed(lines)],
    )
    assert rules.plan_balances_each_year(mirrored, TERMS) == []
    assert rules.plan_balances_in_total(mirrored, TERMS) is None


# --- Who else pays ---------------------------------------------------------------------


def test_a_plan_without_eigenmittel_is_a_warning() -> None:
    assert rules.own_contribution_present(BALANCED, TERMS) is None
    assert rules.own_contribution_present(Plan(), TERMS) is None
    full = plan([expense("1000")], [cover("1000"), own("0")])
    assert said(rules.own_contribution_present(full, TERMS)) == (
        "own_contribution_missing",
        "warning",
        "Der Finanzierungsplan enthält keine Eigenmittel. Eine Vollfinanzierung ist nur "
        "ausnahmsweise möglich.",
    )
    filing = replace(COMPLETE, plan=full, partners=(PARTNER,))
    assert "member_contribution_missing" not in [f.code for f in rules.check(filing, TERMS)]


def test_each_member_of_a_verbund_has_its_own_eigenmittel() -> None:
    verbund = (LEAD, PARTNER, OTHER)
    some = plan([], [own("1"), own("0", ags=PARTNER.ags), cover("5", ags=OTHER.ags)])
    every = plan([], [own("1"), own("1", ags=PARTNER.ags), own("1", ags=OTHER.ags)])
    assert rules.own_contribution_per_member(every, verbund, TERMS) is None
    assert rules.own_contribution_per_member(some, (PARTNER,), TERMS) is None
    assert said(rules.own_contribution_per_member(some, verbund, TERMS)) == (
        "member_contribution_missing",
        "warning",
        "Im Verbund gibt jede Kommune ihre Eigenmittel an. Es fehlen: Bensheim, Biblis.",
    )


def test_in_a_verbund_every_line_of_eigenmittel_says_whose_it_is() -> None:
    verbund = (LEAD, PARTNER)
    nobodys = plan([], [own("1"), replace(own("500"), member_ags="", id="a"), cover("9")])
    [finding] = rules.contribution_of_a_member(nobodys, verbund, TERMS)
    assert said(finding) == (
        "contribution_unassigned",
        "warning",
        "Im Haushaltsjahr 2027 sind 500,00 € Eigenmittel keiner Kommune zugeordnet.",
    )
    assert (finding.field, finding.way_out) == (
        "cover-a",
        "Bitte wählen Sie in dieser Zeile die Kommune neu, oder entfernen Sie die Zeile.",
    )
    assert rules.contribution_of_a_member(nobodys, (LEAD,), TERMS) == []
    assert finding in rules.check(replace(COMPLETE, plan=nobodys, partners=(PARTNER,)), TERMS)


def test_a_line_of_a_municipality_that_left_is_found_whatever_it_pays() -> None:
    left = replace(own("500", ags="06431005"), id="a", member_name="Birkenau")
    asked = replace(cover("9", ags="06431009"), id="b")
    lines = plan([], [own("1"), left, asked])
    found = rules.cover_of_members_only(lines, (LEAD,), TERMS)
    assert [(f.code, f.field, f.message) for f in found] == [
        (
            "cover_of_former_member",
            "cover-a",
            "Birkenau ist nicht mehr im Verbund. Im Haushaltsjahr 2027 gehört dieser Kommune "
            "noch die Zeile „Eigenmittel“ über 500,00 €.",
        ),
        (
            "cover_of_former_member",
            "cover-b",
            "Schlüssel 06431009 ist nicht mehr im Verbund. Im Haushaltsjahr 2027 gehört dieser "
            "Kommune noch die Zeile „beantragte Zuwendung“ über 9,00 €.",
        ),
    ]
    assert rules.cover_of_members_only(lines, (), TERMS) == []
    assert found[0] in rules.check(replace(COMPLETE, plan=lines), TERMS)


@pytest.mark.parametrize(
    ("situation", "message"),
    [
        ("", None),
        (BudgetSituation.APPROVED, None),
        ("approved", None),
        (BudgetSituation.PROVISIONAL, "Haushaltslage: vorläufige Haushaltsführung."),
        ("consolidation", "Haushaltslage: Haushaltssicherungskonzept."),
    ],
)
def test_a_budget_that_is_not_approved_is_a_notice(situation: str, message: str | None) -> None:
    finding = rules.budget_approved(replace(BALANCED, budget_situation=situation), TERMS)
    assert said(finding) == (message and ("budget_not_approved", "notice", message))


# --- Names -----------------------------------------------------------------------------


def test_every_choice_has_a_german_label() -> None:
    assert [category.label for category in ExpenseCategory] == [
        "Prozessmoderation/Honorare",
        "Veranstaltungen/Beteiligung",
        "Öffentlichkeitsarbeit",
        "Sachausgaben",
        "Personalausgaben",
        "Sonstiges",
    ]
    assert [kind.label for kind in CoverKind] == [
        "Eigenmittel",
        "Leistungen Dritter",
        "andere öffentliche Zuwendungen",
        "Einnahmen",
        "beantragte Zuwendung",
    ]
    assert [situation.label for situation in BudgetSituation] == [
        "Haushalt beschlossen und genehmigt",
        "Haushalt noch nicht genehmigt",
        "vorläufige Haushaltsführung",
        "Haushaltssicherungskonzept",
    ]
    assert [kind.label for kind in FinancingType] == [
        "Anteilfinanzierung",
        "Fehlbedarfsfinanzierung",
        "Festbetragsfinanzierung",
    ]
    others = [*Step, *DocumentKind, *Declaration]
    assert len({choice.label for choice in others}) == len(others) - 1  # „Konzeption" is both


def test_the_steps_are_those_of_the_addresses() -> None:
    addresses = "kommune ansprechpartner konzeption beteiligung zeitplan finanzierung anlagen"
    assert list(Step) == [*addresses.split(), "erklaerungen"]


# --- Money: who explains it, where it goes, who else gives it ----------------------------


@pytest.mark.parametrize(
    ("contact", "complete"),
    [
        (ContactPoint("Kasse", "", "k@a.example", "1"), True),
        (ContactPoint("", "Person", "k@a.example", "1"), True),
        (ContactPoint("", "", "k@a.example", "1"), False),
        (ContactPoint("Kasse", "", "", "1"), False),
        (ContactPoint("Kasse", "", "k@a.example", ""), False),
    ],
)
def test_somebody_can_be_asked_about_the_money(contact: ContactPoint, complete: bool) -> None:
    finding = rules.finance_contact_complete(replace(COMPLETE, finance_contact=contact))
    assert (finding is None) is complete


@pytest.mark.parametrize(
    ("holder", "iban", "missing", "field"),
    [
        ("", "DE89370400440532013000", "Kontoinhaberin", "account_holder"),
        ("Kasse", "", "IBAN", "iban"),
        ("", "", "Kontoinhaberin, IBAN", "account_holder"),
    ],
)
def test_the_account_is_named_whole(holder: str, iban: str, missing: str, field: str) -> None:
    finding = rules.bank_details_complete(replace(COMPLETE, account_holder=holder, iban=iban))
    assert finding is not None
    assert (finding.message, finding.field, finding.severity) == (
        f"Zur Bankverbindung fehlt noch: {missing}.",
        field,
        Severity.WARNING,
    )


def test_whoever_has_other_funding_says_which() -> None:
    unnamed = replace(COMPLETE, other_funding=True, other_funding_text=" ")
    assert [f.code for f in rules.check(unnamed, TERMS)] == ["other_funding_unnamed"]
    named = replace(unnamed, other_funding_text="Landkreis, 500 €")
    assert rules.check(named, TERMS) == []


def test_the_declaration_and_the_plan_agree_on_other_funding() -> None:
    public = plan([expense("20000")], [own("4000"), cover("15000"), cover("1000", "other_public")])
    denied = replace(COMPLETE, plan=public, other_funding=False)
    assert [f.code for f in rules.check(denied, TERMS)] == ["other_funding_contradicts_plan"]
    for said_so in (True, None):
        filing = replace(denied, other_funding=said_so, other_funding_text="Landkreis")
        assert rules.other_funding_as_in_plan(filing) is None
    nothing = plan([expense("20000")], [own("4000"), cover("16000"), cover("0", "other_public")])
    assert rules.check(replace(COMPLETE, plan=nothing), TERMS) == []


def test_a_declaration_of_the_partner_itself_counts_like_a_signed_sheet() -> None:
    joint = replace(COMPLETE, partners=(PARTNER,))
    assert rules.cooperation_declared(joint, TERMS) is not None
    confirmed = replace(joint, confirmed_partners=frozenset({PARTNER.ags}))
    assert rules.cooperation_declared(confirmed, TERMS) is None


def test_whoever_submits_declares_the_own_authority() -> None:
    assert rules.own_authority_declared(True) == []
    (finding,) = rules.own_authority_declared(False)
    assert (finding.code, finding.severity) == (
        "submitter_authority_not_declared",
        Severity.BLOCKING,
    )


# --- IBAN ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "iban"),
    [
        ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
        ("de89370400440532013000", "DE89370400440532013000"),
        ("DE89\u00a03704\u202f0044-0532 0130 00", "DE89370400440532013000"),
        ("AT61 1904 3002 3457 3201", "AT611904300234573201"),
    ],
)
def test_an_iban_is_kept_without_blanks(typed: str, iban: str) -> None:
    assert rules.parse_iban(typed) == iban


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("DE88370400440532013000", "Die Prüfziffern dieser IBAN passen nicht"),
        ("DE8937040044053201300", "hat 22 Stellen, diese hat 21."),
        ("DE893704004405320130000", "hat 22 Stellen, diese hat 23."),
        ("ZZ89370400440532013000", "Mit „ZZ“ beginnt keine IBAN."),
        ("DE8937040044053201300A", "Eine IBAN besteht aus zwei Buchstaben"),
        ("0532013000", "Eine IBAN besteht aus zwei Buchstaben"),
        ("DE８９370400440532013000", "Eine IBAN besteht aus zwei Buchstaben"),
        ("", "Eine IBAN besteht aus zwei Buchstaben"),
    ],
)
def test_a_wrong_iban_is_refused_with_the_reason(typed: str, message: str) -> None:
    with pytest.raises(ValueError, match="IBAN") as refused:
        rules.parse_iban(typed)
    assert message in str(refused.value)


@given(st.text(max_size=40))
def test_whatever_is_typed_as_iban_is_an_iban_or_refused(text: str) -> None:
    try:
        iban = rules.parse_iban(text)
    except ValueError:
        return
    assert rules.parse_iban(rules.format_iban(iban)) == iban


def test_the_bank_behind_an_iban_is_named() -> None:
    assert rules.bank_of("DE89370400440532013000") == rules.Bank("Commerzbank", "COBADEFFXXX")
    assert rules.bank_of("AT611904300234573201") == rules.Bank("", "")
    assert rules.bank_of("QQ") == rules.bank_of("") == rules.Bank("", "")
    assert rules.format_iban("DE89370400440532013000") == "DE89 3704 0044 0532 0130 00"
