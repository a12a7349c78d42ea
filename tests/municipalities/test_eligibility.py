"""Who may apply, alone or in a Verbund."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from municipalities.eligibility import (
    HEADLINES,
    REFUSING_CODES,
    UNDECIDED_CODES,
    Finding,
    Kind,
    Limits,
    Member,
    PopulationState,
    Severity,
    Suggestion,
    assess,
    distance_km,
    headline,
    residents,
    suggest_partners,
    verdict,
)

ON = date(2026, 11, 2)
AS_OF = date(2023, 12, 31)
LIMITS = Limits()
SOURCE_REGISTER = "Statistisches Bundesamt (Destatis), Gemeindeverzeichnis"


def member(population: int | None = 20_000, number: int = 1, **values: object) -> Member:
    """A town whose key and name follow from its number."""
    given_values: dict[str, object] = {
        "ags": f"06431{number:03}",
        "name": f"Ort {number}",
        "kind": Kind.TOWN,
        "population": population,
        "population_as_of": AS_OF,
        "population_basis": "Zensus 2011",
    }
    return Member(**(given_values | values))  # type: ignore[arg-type]


def codes(
    lead: Member, *partners: Member, limits: Limits = LIMITS, on: date = ON
) -> list[tuple[str, str]]:
    return [(f.code, f.severity.value) for f in assess(lead, partners, limits, on)]


def answer(lead: Member, *partners: Member, limits: Limits = LIMITS) -> bool | None:
    return verdict(assess(lead, partners, limits, ON))


# --- Alone -----------------------------------------------------------------------------


@pytest.mark.parametrize("population", [10_000, 10_001, 50_000])
def test_a_municipality_within_the_limits_is_eligible_alone(population: int) -> None:
    assert codes(member(population)) == []
    assert answer(member(population)) is True


def test_a_small_municipality_is_shown_the_way_into_a_verbund() -> None:
    assert assess(member(9_929), (), LIMITS, ON) == [
        Finding(
            "population_too_small",
            Severity.WARNING,
            "Programmseite",
            "Ort 1 hat 9.929 Einwohnerinnen und Einwohner (Stand 31.12.2023, Zensus 2011). "
            "Für einen Antrag allein sind mindestens 10.000 erforderlich.",
            "Mit einer Nachbarkommune als Verbund möglich.",
        )
    ]


def test_without_a_verbund_in_the_call_a_small_municipality_is_told_to_ask() -> None:
    [finding] = assess(member(9_999), (), Limits(joint_allowed=False), ON)
    assert (finding.code, finding.way_out) == (
        "population_too_small",
        "Bitte fragen Sie beim Regierungspräsidium nach.",
    )


def test_a_large_municipality_is_refused() -> None:
    bare = member(50_001, population_as_of=None, population_basis="")
    assert assess(bare, (), LIMITS, ON) == [
        Finding(
            "population_too_large",
            Severity.WARNING,
            "Programmseite",
            "Ort 1 hat 50.001 Einwohnerinnen und Einwohner. Zulässig sind höchstens 50.000.",
            "Bitte fragen Sie beim Regierungspräsidium nach.",
        )
    ]


# --- Who it is -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stranger",
    [
        Member("06999999", known=False),
        Member("09162000", "München", population=20_000),
        Member("", known=False),
    ],
)
def test_a_key_outside_the_register_or_outside_hesse_is_unknown(stranger: Member) -> None:
    assert assess(stranger, (), LIMITS, ON) == [
        Finding(
            "unknown_municipality",
            Severity.WARNING,
            SOURCE_REGISTER,
            f"Der Schlüssel {stranger.ags} gehört zu keiner hessischen Kommune im "
            "Gemeindeverzeichnis.",
            "Bitte wählen Sie eine Kommune aus der Liste aus.",
        )
    ]


@pytest.mark.parametrize("kind", [Kind.UNINCORPORATED, "district", ""])
def test_neither_gemeindefreies_gebiet_nor_district_can_apply(kind: str) -> None:
    [finding] = assess(member(20_000, kind=kind), (), LIMITS, ON)
    assert finding.code == "not_a_municipality"
    assert finding.message == "Ort 1 ist keine Stadt oder Gemeinde und kann keinen Antrag stellen."


@pytest.mark.parametrize("kind", [Kind.CITY_DISTRICT, Kind.TOWN, Kind.MUNICIPALITY, "town"])
def test_towns_and_municipalities_can_apply(kind: str) -> None:
    assert codes(member(kind=kind)) == []


@pytest.mark.parametrize("on", [date(2023, 1, 1), date(2025, 6, 30), date(2025, 12, 31)])
def test_a_municipality_is_in_force_from_its_first_to_its_last_day(on: date) -> None:
    town = member(valid_from=date(2023, 1, 1), valid_to=date(2025, 12, 31))
    assert codes(town, on=on) == []


@pytest.mark.parametrize(
    ("on", "successor", "message", "way_out"),
    [
        (
            date(2022, 12, 31),
            "",
            "Ort 1 besteht erst ab dem 01.01.2023.",
            "Bitte wählen Sie die Kommune, zu der das Gebiet heute gehört.",
        ),
        (
            date(2026, 1, 1),
            "Allendorf (Eder)",
            "Ort 1 bestand nur bis zum 31.12.2025.",
            "Bitte wählen Sie stattdessen Allendorf (Eder).",
        ),
    ],
)
def test_before_and_after_it_is_not_in_force(
    on: date, successor: str, message: str, way_out: str
) -> None:
    town = member(valid_from=date(2023, 1, 1), valid_to=date(2025, 12, 31), successor=successor)
    assert assess(town, (), LIMITS, on) == [
        Finding("not_in_force", Severity.WARNING, SOURCE_REGISTER, message, way_out)
    ]


def test_whoever_cannot_apply_hears_nothing_about_its_size() -> None:
    assert codes(member(5, kind=Kind.UNINCORPORATED)) == [("not_a_municipality", "warning")]


# --- Which figure ----------------------------------------------------------------------


def test_without_a_figure_the_answer_is_open() -> None:
    assert assess(member(None), (), LIMITS, ON) == [
        Finding(
            "population_unknown",
            Severity.NOTICE,
            "Programmseite",
            "Für Ort 1 ist keine Einwohnerzahl eingetragen.",
            "Bitte fragen Sie beim Regierungspräsidium nach.",
        )
    ]
    assert answer(member(None)) is None


def test_another_figure_than_that_of_the_stichtag_leaves_the_answer_open() -> None:
    limits = Limits(population_as_of=date(2025, 6, 30), population_basis="Zensus 2022")
    assert assess(member(9_000), (), limits, ON) == [
        Finding(
            "population_outdated",
            Severity.NOTICE,
            "Programmseite",
            "Maßgebliche Zahl liegt noch nicht vor: Für Ort 1 gilt die Einwohnerzahl zum "
            "30.06.2025 nach Zensus 2022. Eingetragen ist eine andere Zahl "
            "(Stand 31.12.2023, Zensus 2011).",
            "Sobald die maßgebliche Zahl eingetragen ist, können Sie die Prüfung wiederholen.",
        )
    ]
    assert answer(member(9_000), limits=limits) is None


@pytest.mark.parametrize(
    ("limits", "state"),
    [
        (Limits(), PopulationState.KNOWN),
        (Limits(population_as_of=AS_OF), PopulationState.KNOWN),
        (Limits(population_basis="Zensus 2011"), PopulationState.KNOWN),
        (Limits(population_as_of=date(2024, 12, 31)), PopulationState.OUTDATED),
        (Limits(population_basis="Zensus 2022"), PopulationState.OUTDATED),
        (Limits(population_as_of=AS_OF, population_basis="Zensus 2022"), PopulationState.OUTDATED),
    ],
)
def test_a_figure_counts_when_date_and_basis_are_those_of_the_call(
    limits: Limits, state: PopulationState
) -> None:
    assert member().population_state(limits) is state
    assert member(None).population_state(limits) is PopulationState.UNKNOWN
    expected = [("population_outdated", "notice")] if state is PopulationState.OUTDATED else []
    assert codes(member(), limits=limits) == expected


# --- In a Verbund ----------------------------------------------------------------------

SMALL, SMALL_TOO = member(4_000, 2), member(9_999, 3)
MIDDLE, MIDDLE_TOO, LARGE = member(20_000, 4), member(50_000, 5), member(50_001, 6)


@pytest.mark.parametrize(
    ("lead", "partners"),
    [
        (SMALL, (SMALL_TOO,)),
        (SMALL, (MIDDLE,)),
        (MIDDLE, (SMALL,)),
        (MIDDLE, (SMALL, MIDDLE_TOO)),
        (SMALL, (MIDDLE, MIDDLE_TOO)),
    ],
)
def test_a_verbund_with_a_small_member_is_eligible(
    lead: Member, partners: Sequence[Member]
) -> None:
    assert codes(lead, *partners) == []


@pytest.mark.parametrize(
    ("lead", "partners", "expected"),
    [
        (MIDDLE, (MIDDLE_TOO,), ["no_small_member"]),
        (member(10_000), (member(10_000, 9),), ["no_small_member"]),
        (SMALL, (LARGE,), ["partner_too_large"]),
        (LARGE, (SMALL,), ["population_too_large"]),
        (LARGE, (MIDDLE,), ["population_too_large", "no_small_member"]),
        (SMALL, (SMALL_TOO, MIDDLE, MIDDLE_TOO), ["too_many_partners"]),
        (SMALL, (SMALL,), ["partner_is_lead"]),
        (MIDDLE, (MIDDLE,), ["partner_is_lead"]),
        (SMALL, (MIDDLE, MIDDLE), ["partner_repeated"]),
        (MIDDLE, (MIDDLE_TOO, MIDDLE_TOO), ["partner_repeated", "no_small_member"]),
        (SMALL, (Member("06999999", known=False),), ["unknown_municipality"]),
        (MIDDLE, (replace(SMALL, kind=Kind.UNINCORPORATED),), ["not_a_municipality"]),
        (MIDDLE, (replace(SMALL, valid_to=date(2022, 12, 31)),), ["not_in_force"]),
    ],
)
def test_a_verbund_that_breaks_a_rule_is_refused(
    lead: Member, partners: Sequence[Member], expected: list[str]
) -> None:
    assert codes(lead, *partners) == [(code, "warning") for code in expected]
    assert answer(lead, *partners) is False


@pytest.mark.parametrize(
    ("lead", "partners", "message"),
    [
        (
            SMALL,
            (SMALL,),
            "Ort 2 ist als federführende Kommune und zugleich als Partnerkommune angegeben.",
        ),
        (SMALL, (MIDDLE, MIDDLE), "Mehrfach als Partnerkommune angegeben: Ort 4."),
        (
            SMALL,
            (SMALL_TOO, MIDDLE, MIDDLE_TOO),
            "Sie haben 3 Partnerkommunen angegeben. Zulässig sind höchstens 2.",
        ),
        (
            SMALL,
            (LARGE,),
            "Die Partnerkommune Ort 6 hat 50.001 Einwohnerinnen und Einwohner "
            "(Stand 31.12.2023, Zensus 2011). Zulässig sind höchstens 50.000.",
        ),
        (
            MIDDLE,
            (MIDDLE_TOO,),
            "Im Verbund muss mindestens eine Kommune weniger als 10.000 Einwohnerinnen und "
            "Einwohner haben. Das trifft auf keine der angegebenen zu.",
        ),
    ],
)
def test_a_verbund_is_told_what_is_wrong(
    lead: Member, partners: Sequence[Member], message: str
) -> None:
    assert [f.message for f in assess(lead, partners, LIMITS, ON)] == [message]


def test_where_no_verbund_is_allowed_the_lead_is_measured_alone() -> None:
    limits = Limits(joint_allowed=False, source_joint="Förderaufruf 2018")
    assert codes(SMALL, LARGE, limits=limits) == [
        ("joint_application_not_allowed", "warning"),
        ("population_too_small", "warning"),
    ]
    assert assess(MIDDLE, (SMALL,), limits, ON) == [
        Finding(
            "joint_application_not_allowed",
            Severity.WARNING,
            "Förderaufruf 2018",
            "Dieser Förderaufruf sieht keinen Antrag im Verbund vor.",
            "Bitte stellen Sie den Antrag ohne Partnerkommune.",
        )
    ]


def test_a_call_may_ask_for_more_partners() -> None:
    limits = Limits(min_partners=2)
    assert codes(SMALL, MIDDLE, limits=limits) == [("too_few_partners", "warning")]
    assert codes(SMALL, MIDDLE, MIDDLE_TOO, limits=limits) == []
    assert codes(MIDDLE, limits=limits) == []


@pytest.mark.parametrize(
    ("partners", "minimum_sum", "expected"),
    [
        ((SMALL_TOO,), 13_999, []),
        (
            (SMALL_TOO,),
            14_000,
            ["Bitte nehmen Sie eine größere oder eine weitere Partnerkommune auf."],
        ),
        ((SMALL_TOO, MIDDLE), 34_000, ["Bitte wählen Sie eine größere Partnerkommune."]),
        ((SMALL_TOO, member(None, 7)), 90_000, None),
    ],
)
def test_a_call_may_set_a_sum_for_the_verbund(
    partners: Sequence[Member], minimum_sum: int, expected: list[str] | None
) -> None:
    findings = assess(SMALL, partners, Limits(joint_minimum_sum=minimum_sum), ON)
    if expected is None:
        assert [f.code for f in findings] == ["population_unknown"]
    else:
        assert [f.way_out for f in findings] == expected
        assert {f.code for f in findings} <= {"joint_population_too_small"}


def test_a_missing_figure_leaves_the_verbund_open_unless_something_else_refuses() -> None:
    unknown = member(None, 7)
    assert answer(MIDDLE, unknown) is None
    assert answer(SMALL, unknown) is None
    assert codes(SMALL, unknown, LARGE) == [
        ("population_unknown", "notice"),
        ("partner_too_large", "warning"),
    ]
    assert answer(SMALL, unknown, LARGE) is False


# --- What was before -------------------------------------------------------------------


def test_earlier_funding_is_a_notice() -> None:
    funded = member(funded_rounds=("KIV I 2018/2019", "KIV II 2020/2021"))
    assert assess(funded, (), LIMITS, ON) == [
        Finding(
            "already_funded",
            Severity.NOTICE,
            "Projektverzeichnis",
            "Ort 1 wurde bereits gefördert (KIV I 2018/2019, KIV II 2020/2021).",
            "Ein neuer Antrag ist dennoch möglich.",
        )
    ]
    assert answer(funded) is True


def test_earlier_funding_refuses_where_the_call_says_so() -> None:
    funded = member(funded_rounds=("KIV I 2018/2019",))
    limits = Limits(earlier_funding_excludes=True)
    assert codes(funded, limits=limits) == [("already_funded", "warning")]
    assert answer(funded, limits=limits) is False


def test_one_live_application_stands_in_the_way_of_another() -> None:
    busy = member(9_000, 2, has_live_application=True)
    assert codes(MIDDLE, busy) == [("application_exists", "blocking")]
    assert answer(MIDDLE, busy) is False


# --- The answer ------------------------------------------------------------------------


def test_the_answer_is_a_sentence() -> None:
    assert [headline(said) for said in (True, False, None)] == [
        "Voraussichtlich antragsberechtigt",
        "Nach diesen Angaben nicht antragsberechtigt – bitte fragen Sie vor einem Verzicht "
        "beim Regierungspräsidium nach",
        "Maßgebliche Zahl liegt noch nicht vor",
    ]
    assert set(HEADLINES) == {True, False, None}


def test_every_code_either_refuses_or_leaves_open() -> None:
    assert REFUSING_CODES.isdisjoint(UNDECIDED_CODES)
    assert len(REFUSING_CODES | UNDECIDED_CODES) == 17


def test_every_choice_has_a_german_label() -> None:
    assert [kind.label for kind in Kind] == [
        "kreisfreie Stadt",
        "Stadt",
        "Gemeinde",
        "gemeindefreies Gebiet",
    ]
    assert [severity.label for severity in Severity] == ["erforderlich", "Warnung", "Hinweis"]


def test_a_number_of_residents_is_written_the_german_way() -> None:
    assert residents(1_234_567) == "1.234.567 Einwohnerinnen und Einwohner"


POPULATIONS = st.none() | st.integers(min_value=0, max_value=60_000)


@given(POPULATIONS, st.lists(POPULATIONS, max_size=3))
def test_the_answer_is_what_the_programme_page_says(
    lead: int | None, partners: list[int | None]
) -> None:
    everyone = [lead, *partners]
    known = [number for number in everyone if number is not None]
    findings = assess(
        member(lead), [member(number, 10 + n) for n, number in enumerate(partners)], LIMITS, ON
    )
    if len(partners) > 2 or any(number > 50_000 for number in known):
        expected: bool | None = False
    elif len(known) < len(everyone):
        expected = None
    elif partners:
        expected = min(known) < 10_000
    else:
        expected = known[0] >= 10_000
    assert verdict(findings) is expected
    assert all(finding.source and finding.message and finding.way_out for finding in findings)
    assert {finding.code for finding in findings} <= REFUSING_CODES | UNDECIDED_CODES


# --- Suggestions -----------------------------------------------------------------------


def at(place: Member, lat: float | None, lon: float | None) -> Member:
    return replace(place, lat=lat, lon=lon)


LEAD = at(member(4_000), 50.0, 8.5)


def test_the_nearest_that_would_do_are_suggested_nearest_first() -> None:
    near, far = at(MIDDLE, 50.1, 8.5), at(SMALL_TOO, 50.5, 8.5)
    others = [
        far,
        at(LARGE, 50.01, 8.5),
        at(SMALL, None, None),
        at(member(5_000, 8), 50.0, None),
        replace(near, ags="06431099", kind=Kind.UNINCORPORATED),
        LEAD,
        near,
    ]
    assert suggest_partners(LEAD, others, LIMITS, ON) == [
        Suggestion(near, 11.1),
        Suggestion(far, 55.6),
    ]


def test_no_more_are_suggested_than_asked_for_and_ties_go_by_name() -> None:
    others = [at(member(15_000, number), 50.1, 8.5) for number in (13, 12, 11)]
    suggested = suggest_partners(LEAD, others, LIMITS, ON, limit=2)
    assert [s.member.name for s in suggested] == ["Ort 11", "Ort 12"]


def test_a_municipality_that_can_apply_alone_is_shown_smaller_neighbours() -> None:
    lead = at(MIDDLE, 50.0, 8.5)
    others = [at(MIDDLE_TOO, 50.1, 8.5), at(SMALL, 50.2, 8.5)]
    assert [s.member.name for s in suggest_partners(lead, others, LIMITS, ON)] == ["Ort 2"]


@pytest.mark.parametrize(
    ("lead", "limits"),
    [
        (LEAD, Limits(joint_allowed=False)),
        (at(LEAD, None, 8.5), LIMITS),
        (at(LEAD, 50.0, None), LIMITS),
        (replace(LEAD, population=60_000), LIMITS),
        (replace(LEAD, population=None), LIMITS),
        (replace(LEAD, has_live_application=True), LIMITS),
        (LEAD, Limits(min_partners=2)),
    ],
)
def test_nobody_is_suggested_where_no_partner_would_help(lead: Member, limits: Limits) -> None:
    assert suggest_partners(lead, [at(MIDDLE, 50.1, 8.5)], limits, ON) == []


@pytest.mark.parametrize(
    ("points", "kilometres"),
    [
        ((50.0, 8.5, 50.0, 8.5), 0.0),
        ((49.872238, 8.653838, 50.11088, 8.682433), 26.6),  # Darmstadt – Frankfurt
        ((0.0, 0.0, 0.0, 180.0), 20015.1),
        ((90.0, 0.0, -90.0, 77.0), 20015.1),
    ],
)
def test_distances_are_great_circles(
    points: tuple[float, float, float, float], kilometres: float
) -> None:
    assert round(distance_km(*points), 1) == kilometres


def test_a_member_without_a_name_goes_by_its_key() -> None:
    assert Member("06431001").title == "Schlüssel 06431001"
