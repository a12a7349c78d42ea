"""From typed keys to an answer: figures, earlier funding, who may know what, suggestions."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.management import call_command
from pytest_django import DjangoAssertNumQueries

from applications.models import Application, ApplicationMember, FundingCall
from applications.services.eligibility import (
    FIRST_LOOK,
    Assessment,
    CallForCheck,
    UnknownCall,
    assess_for_call,
    call_for_check,
    funded_rounds_of,
    key_with_leading_zero,
    municipalities_to_choose,
)
from municipalities.eligibility import Kind, Limits
from municipalities.models import REGISTER_SOURCE, Municipality, User
from municipalities.permissions import REVIEW
from municipalities.services import figures
from tests.factories import (
    NOW,
    DistrictFactory,
    FundingCallFactory,
    FundingRoundFactory,
    MembershipFactory,
    MunicipalityFactory,
    PopulationFactory,
    ProjectFactory,
    StaffFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

TODAY = date(2026, 11, 16)


def town(population: int | None = 12_345, **fields: Any) -> Municipality:
    """A town with a figure of the Stichtag."""
    made = MunicipalityFactory(**fields)
    if population is not None:
        PopulationFactory(municipality=made, value=population)
    return made


def assess(lead: str, *partners: str, call: FundingCall | None, **options: Any) -> Assessment:
    return assess_for_call(lead, partners, call=call, on=TODAY, **options)


def codes(assessment: Assessment) -> list[str]:
    return [finding.code for finding in assessment.findings]


# --- The answer ----------------------------------------------------------------------------------


def test_a_town_within_the_limits_is_eligible_alone() -> None:
    call = FundingCallFactory()
    lead = town(10_000, short_name="Musterstadt", district__name="Musterkreis")
    found = assess(lead.ags, call=call)
    assert (found.answer, found.headline) == (True, "Voraussichtlich antragsberechtigt")
    assert (found.findings, found.suggestions, found.call) == ((), (), call)
    (member,) = found.members
    assert member.ags == lead.ags
    assert member.municipality_id == lead.pk
    assert (member.population, member.population_as_of) == (10_000, date(2023, 12, 31))
    assert (member.population_basis, member.source) == ("Zensus 2011", REGISTER_SOURCE)
    assert (member.district, member.population_from) == ("Musterkreis", "")


def test_a_small_lead_and_a_partner_are_eligible_together() -> None:
    lead, partner = town(4_000), town(30_000)
    found = assess(lead.ags, partner.ags, call=FundingCallFactory())
    assert found.answer is True
    assert [member.ags for member in found.members] == [lead.ags, partner.ags]


def test_the_programme_pages_limits_count_before_the_first_call() -> None:
    found = assess(town(60_000).ags, call=None, user=StaffFactory(roles=[REVIEW]))
    assert (found.answer, codes(found), found.call) == (False, ["population_too_large"], None)


def test_a_member_named_twice_is_listed_once_and_said() -> None:
    lead, partner = town(4_000), town(5_000)
    found = assess(lead.ags, partner.ags, partner.ags, lead.ags, call=FundingCallFactory())
    assert [member.ags for member in found.members] == [lead.ags, partner.ags]
    assert codes(found) == ["partner_is_lead", "partner_repeated"]


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("99999999", "99999999"),
        ("09162000", "09162000"),
        ("6431002", "6431002"),
        ("064310020", "064310020"),
        ("Bensheim", "Bensheim"),
        ("", ""),
        ("\x00\x00", ""),
        ("０６４３１００２", "０６４３１００２"),
        ("' OR 1=1", "' OR 1=1"),
        ("\udc80" + "9" * 5000, "9" * 20),
    ],
)
def test_a_key_nobody_knows_is_a_finding(typed: str, shown: str) -> None:
    found = assess(typed, call=FundingCallFactory())
    assert (found.answer, codes(found)) == (False, ["unknown_municipality"])
    assert [(member.ags, member.known) for member in found.members] == [(shown, False)]


def test_a_key_with_blanks_around_it_is_found() -> None:
    lead = town()
    assert assess(f" {lead.ags}\n", call=FundingCallFactory()).answer is True


@pytest.mark.parametrize("noughts", ["", "000"])
def test_a_district_is_no_municipality(noughts: str) -> None:
    district = DistrictFactory(ags="06431", name="Bergstraße")
    found = assess(f"{district.ags}{noughts}", call=FundingCallFactory())
    assert (found.answer, codes(found)) == (False, ["not_a_municipality"])
    assert found.members[0].name == "Landkreis Bergstraße"


def test_a_district_nobody_knows_is_unknown() -> None:
    found = assess("06499", "06499000", call=FundingCallFactory())
    assert codes(found) == ["unknown_municipality", "unknown_municipality"]


def test_an_unincorporated_area_cannot_apply() -> None:
    forest = town(0, kind=Kind.UNINCORPORATED)
    assert codes(assess(forest.ags, call=FundingCallFactory())) == ["not_a_municipality"]


def test_a_dissolved_municipality_names_its_successor() -> None:
    heir = town(short_name="Neustadt")
    gone = town(valid_to=date(2022, 12, 31), successor=heir)
    found = assess(gone.ags, call=FundingCallFactory())
    assert codes(found) == ["not_in_force"]
    assert found.findings[0].way_out == "Bitte wählen Sie stattdessen Neustadt."
    assert found.members[0].successor_ags == heir.ags


# --- Which figure --------------------------------------------------------------------------------


def test_a_changed_key_takes_its_predecessors_figure_and_source() -> None:
    heir = town(None, short_name="Neustadt", valid_from=date(2026, 1, 1))
    former = town(None, short_name="Altstadt", valid_to=date(2025, 12, 31), successor=heir)
    PopulationFactory(municipality=former, value=20_000, source="Gemeindeverzeichnis alt")
    (member,) = assess(heir.ags, call=FundingCallFactory()).members
    assert (member.population, member.source) == (20_000, "Gemeindeverzeichnis alt")
    assert member.population_from == f"Altstadt (AGS {former.ags})"


def test_without_any_figure_the_answer_is_open() -> None:
    found = assess(town(None).ags, call=FundingCallFactory())
    assert (found.answer, codes(found)) == (None, ["population_unknown"])
    assert (found.members[0].population, found.members[0].source) == (None, "")


def test_another_days_figure_leaves_the_answer_open() -> None:
    call = FundingCallFactory(population_as_of=date(2025, 12, 31))
    found = assess(town(5_000).ags, call=call)
    assert (found.answer, codes(found)) == (None, ["population_outdated"])
    assert (found.members[0].population, found.suggestions) == (5_000, ())


def test_without_a_stichtag_the_newest_figure_before_the_call_opened_in_hesse_counts() -> None:
    call = FundingCallFactory(
        population_as_of=None,
        population_basis="",
        opens_at=datetime(2025, 12, 31, 23, 30, tzinfo=UTC),  # in Hesse the year has begun
    )
    lead = town(9_000)
    PopulationFactory(municipality=lead, as_of=date(2025, 12, 31), value=11_000)
    PopulationFactory(municipality=lead, as_of=date(2026, 1, 1), value=8_000)
    found = assess(lead.ags, call=call)
    assert (found.answer, found.members[0].population) == (True, 11_000)


def test_a_call_without_a_beginning_counts_with_the_newest_figure() -> None:
    call = FundingCallFactory(
        display_only=True, opened_at=None, opens_at=None, population_as_of=None
    )
    lead = town(9_000)
    PopulationFactory(municipality=lead, as_of=date(2026, 1, 1), value=11_000)
    assert assess(lead.ags, call=call).members[0].population == 11_000


# --- Suggestions ---------------------------------------------------------------------------------


def neighbours() -> dict[str, Municipality]:
    """A small lead at 50° N, 9° E, and others farther and farther to the north."""
    places = {"lead": 4_000, "near": 3_000, "large": 60_000, "far": 20_000, "farther": 6_000}
    return {
        name: town(population, short_name=name, latitude=50 + step, longitude=9)
        for step, (name, population) in enumerate(places.items())
    }


def test_a_small_municipality_learns_the_nearest_partners_that_would_do() -> None:
    towns = neighbours()
    town(8_000, short_name="placeless")
    found = assess(towns["lead"].ags, call=FundingCallFactory())
    assert (found.answer, codes(found)) == (False, ["population_too_small"])
    assert [(row.member.name, row.distance_km) for row in found.suggestions] == [
        ("near", 111.2),
        ("far", 333.6),
        ("farther", 444.8),
    ]
    assert [row.member.population for row in found.suggestions] == [3_000, 20_000, 6_000]


def test_a_small_municipality_with_the_wrong_partner_learns_of_others() -> None:
    towns = neighbours()
    found = assess(towns["lead"].ags, towns["large"].ags, call=FundingCallFactory())
    assert codes(found) == ["partner_too_large"]
    assert [row.member.name for row in found.suggestions] == ["near", "far", "farther"]


@pytest.mark.parametrize("lead", ["large", "far"])
def test_nobody_else_gets_suggestions(lead: str) -> None:
    towns = neighbours()
    found = assess(towns[lead].ags, "99999999", call=FundingCallFactory())
    assert (found.answer, found.suggestions) == (False, ())


def test_where_earlier_funding_excludes_nobody_funded_is_suggested() -> None:
    towns = neighbours()
    ProjectFactory(towns=[towns["near"]])
    found = assess(towns["lead"].ags, call=FundingCallFactory(earlier_funding_excludes=True))
    assert [row.member.name for row in found.suggestions] == ["far", "farther"]


def test_a_partner_beyond_the_first_look_is_found() -> None:
    lead = town(4_000, latitude=50, longitude=9)
    for _ in range(FIRST_LOOK):
        town(60_000, latitude=50, longitude=9)
    town(4_000, short_name="far", latitude=51, longitude=9)
    found = assess(lead.ags, call=FundingCallFactory())
    assert [row.member.name for row in found.suggestions] == ["far"]


def test_no_more_than_five_are_suggested() -> None:
    lead = town(4_000, latitude=50, longitude=9)
    for step in range(FIRST_LOOK + 1):
        town(4_000, short_name=str(step), latitude=51 + step * Decimal("0.1"), longitude=9)
    found = assess(lead.ags, call=FundingCallFactory())
    assert [row.member.name for row in found.suggestions] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    "place", [{"latitude": None, "longitude": 9}, {"latitude": 50, "longitude": None}]
)
def test_a_lead_without_a_place_gets_no_suggestions(place: dict[str, int | None]) -> None:
    neighbours()
    assert assess(town(4_000, **place).ags, call=FundingCallFactory()).suggestions == ()


def test_a_call_without_verbund_suggests_nobody() -> None:
    lead = neighbours()["lead"]
    assert assess(lead.ags, call=FundingCallFactory(joint_allowed=False)).suggestions == ()


# --- Queries -------------------------------------------------------------------------------------


@pytest.mark.parametrize("partners", [1, 3])
def test_the_number_of_queries_does_not_depend_on_the_partners(
    partners: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    call, lead = FundingCallFactory(), town()
    others = [town(5_000).ags for _ in range(partners)]
    member = MembershipFactory(
        municipality=lead, confirmed_at=NOW, confirmed_by=StaffFactory()
    ).user
    with django_assert_num_queries(4):  # municipalities, figures, predecessors, projects
        assess(lead.ags, *others, call=call)
    with django_assert_num_queries(6):  # and memberships, applications
        assess(lead.ags, *others, call=call, user=member)


@pytest.mark.parametrize("candidates", [1, 3])
def test_suggestions_take_as_many_queries_for_one_as_for_three(
    candidates: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    call, lead = FundingCallFactory(), town(4_000, latitude=50, longitude=9)
    for _ in range(candidates):
        town(5_000, latitude=51, longitude=9)
    with django_assert_num_queries(9):
        found = assess(lead.ags, call=call)
    assert len(found.suggestions) == candidates


# --- Funded before -------------------------------------------------------------------------------


def rounds_of(*towns: Municipality) -> dict[int, tuple[str, ...]]:
    return funded_rounds_of(figures.with_figures().filter(pk__in=[town.pk for town in towns]))


def test_published_projects_of_earlier_rounds_count_in_their_order_and_once() -> None:
    lead, partner = town(), town()
    second, first = FundingRoundFactory(number=2), FundingRoundFactory(number=1)
    ProjectFactory(round=second, towns=[partner, lead])
    ProjectFactory(round=first, towns=[lead])
    ProjectFactory(round=first, towns=[lead])
    ProjectFactory(towns=[town()])
    assert rounds_of(lead, partner) == {lead.pk: ("KIV I", "KIV II"), partner.pk: ("KIV II",)}


def test_what_the_public_does_not_see_does_not_count() -> None:
    lead = town()
    ProjectFactory(towns=[lead], published_at=None)
    ProjectFactory(towns=[lead], withdrawn_at=NOW)
    assert rounds_of(lead) == {}
    assert codes(assess(lead.ags, call=FundingCallFactory())) == []


def test_a_grant_under_a_former_key_counts() -> None:
    heir = town(short_name="Heute")
    former = town(valid_to=date(2025, 12, 31), successor=heir)
    oldest = town(valid_to=date(2020, 12, 31), successor=former)
    ProjectFactory(towns=[oldest])
    assert rounds_of(heir) == {heir.pk: ("KIV I",)}
    found = assess(heir.ags, call=FundingCallFactory())
    assert (found.answer, codes(found)) == (True, ["already_funded"])
    assert found.findings[0].message == "Heute wurde bereits gefördert (KIV I)."


# --- Who has applied -----------------------------------------------------------------------------


@pytest.fixture
def call() -> FundingCall:
    return FundingCallFactory()


@pytest.fixture
def applied(call: FundingCall) -> Application:
    """An application of a town within the limits, as if it were filed."""
    application = Application.objects.create(call=call, created_by=UserFactory())
    ApplicationMember.objects.create(
        application=application, municipality=town(), role="lead", call=call, live=True
    )
    return application


def person_of(application: Application, **fields: Any) -> User:
    given = {"confirmed_at": NOW, "confirmed_by": StaffFactory(), **fields}
    lead = application.members.get().municipality
    return MembershipFactory(municipality=lead, **given).user


def said_to(user: User | AnonymousUser | None, about: Application, **options: Any) -> bool:
    """Whether this person learns that the municipality has applied."""
    lead = about.members.get().municipality
    given = {"call": about.call, **options}
    return "application_exists" in codes(assess(lead.ags, user=user, **given))


def test_a_confirmed_member_learns_that_the_municipality_has_applied(applied: Application) -> None:
    assert said_to(person_of(applied), applied)


def test_staff_learn_that_a_municipality_has_applied(applied: Application) -> None:
    assert said_to(StaffFactory(roles=[REVIEW]), applied)


def test_nobody_else_learns_who_has_applied(applied: Application) -> None:
    elsewhere = MembershipFactory(confirmed_at=NOW, confirmed_by=StaffFactory()).user
    unconfirmed = person_of(applied, confirmed_at=None, confirmed_by=None)
    unable_to_read = person_of(applied, may_read=False)
    inactive = person_of(applied)
    inactive.is_active = False
    strangers = (
        None,
        AnonymousUser(),
        UserFactory(),
        StaffFactory(),
        elsewhere,
        unconfirmed,
        unable_to_read,
        inactive,
    )
    assert [said_to(user, applied) for user in strangers] == [False] * len(strangers)


def test_an_application_does_not_stand_in_its_own_way(applied: Application) -> None:
    assert not said_to(person_of(applied), applied, application=applied)


def test_drafts_and_other_calls_block_nobody(applied: Application) -> None:
    person = person_of(applied)
    assert not said_to(person, applied, call=FundingCallFactory())
    applied.members.update(live=False)
    assert not said_to(person, applied)


# --- Which call ----------------------------------------------------------------------------------


def test_without_any_call_there_is_none() -> None:
    found = call_for_check(None, NOW)
    assert found == CallForCheck(None, is_open=False)
    assert found.limits == Limits()


def test_the_open_call_comes_before_newer_ones() -> None:
    opened = FundingCallFactory()
    FundingCallFactory(opens_at=NOW + timedelta(days=1))
    FundingCallFactory(display_only=True, opened_at=None)
    found = call_for_check(None, NOW)
    assert found == CallForCheck(opened, is_open=True)
    assert found.limits == opened.limits()


def test_without_an_open_call_the_newest_announced_one_counts() -> None:
    FundingCallFactory(opened_at=None)
    FundingCallFactory(display_only=True, opened_at=None, opens_at=None)
    closed = FundingCallFactory(closes_at=NOW)
    assert call_for_check(None, NOW) == CallForCheck(closed, is_open=False)


def test_a_call_asked_for_is_taken_also_when_it_is_over() -> None:
    FundingCallFactory()
    closed = FundingCallFactory(closes_at=NOW)
    assert call_for_check(closed.pk, NOW) == CallForCheck(closed, is_open=False)
    assert call_for_check(closed.pk, NOW - timedelta(seconds=1)).is_open is True


def test_a_call_in_preparation_is_as_unknown_as_one_that_does_not_exist() -> None:
    draft = FundingCallFactory(opened_at=None)
    for call_id in (draft.pk, draft.pk + 1, 999_999_999):
        with pytest.raises(UnknownCall):
            call_for_check(call_id, NOW)


# --- Choosing ------------------------------------------------------------------------------------


def names(text: str) -> list[str]:
    return [row.short_name for row in municipalities_to_choose(text, on=TODAY)]


def test_beginnings_of_names_come_first_then_beginnings_of_words() -> None:
    for name in ("Oberbaden", "Groß Badenau", "Badenweiler", "Badenau"):
        town(short_name=name)
    assert names("BADEN") == ["Badenau", "Badenweiler", "Groß Badenau", "Oberbaden"]
    assert names("bad gross") == ["Groß Badenau"]


def test_a_municipality_is_found_by_its_key_and_without_umlauts() -> None:
    found = town(short_name="Hünfelden", ags="06533008")
    assert names("06533008") == names("hunfel") == names("Huenfelden") == [found.short_name]


@pytest.mark.parametrize("nothing", ["", "  ", "\x00", "–", "Nirgendwo"])
def test_nothing_is_found_for_nothing(nothing: str) -> None:
    town()
    assert names(nothing) == []


def test_what_cannot_apply_is_found_only_where_nothing_else_is() -> None:
    town(short_name="Altdorf", valid_to=date(2022, 12, 31))
    town(short_name="Altwald", kind=Kind.UNINCORPORATED)
    assert names("alt") == ["Altdorf", "Altwald"]
    town(short_name="Altenstadt")
    assert names("alt") == ["Altenstadt"]


def test_a_key_that_lost_its_nought_gets_it_back() -> None:
    typed = ("6431002", "06431002", "7431002", "643100", "６431002", "")
    assert [key_with_leading_zero(key) for key in typed] == ["06431002", "", "", "", "", ""]


# --- The fixture ---------------------------------------------------------------------------------


def test_the_earlier_rounds_are_calls_for_display_with_their_own_limits() -> None:
    call_command("loaddata", "fixtures/rounds.json", "fixtures/calls.json", verbosity=0)
    fields = ("title", "round__number", "joint_allowed", "duration_min", "duration_max", "cap")
    assert list(FundingCall.objects.order_by("pk").values_list(*fields)) == [
        ("KIV I", 1, False, None, 12, Decimal("20000.00")),
        ("KIV II", 2, True, 12, 18, Decimal("20000.00")),
        ("KIV III", 3, True, 12, 18, Decimal("30000.00")),
    ]
    found = call_for_check(None, NOW)
    assert (str(found.call), found.is_open) == ("KIV III", False)
    assert found.limits == Limits()
    assert not FundingCall.objects.open_at(datetime(2018, 1, 1, tzinfo=UTC)).exists()
    for call in FundingCall.objects.all():
        call.full_clean()
