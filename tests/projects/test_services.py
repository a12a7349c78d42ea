from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import IntegrityError, transaction

from projects import services
from projects.models import Contact, DirectoryVersion, Project
from tests.factories import (
    NOW,
    ContactFactory,
    FundingRoundFactory,
    MunicipalityFactory,
    ProjectFactory,
    StaffFactory,
)

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=3)


def open_project(**changes) -> Project:
    values = {
        "title": "Vielfalt leben",
        "round": FundingRoundFactory(number=2),
        "amif": False,
        "summary": "Worum es geht",
        "unit": "Amt für Soziales",
        "members": [{"municipality": MunicipalityFactory(), "declared_population": None}],
        "starts_on": date(2026, 12, 1),
        "ends_on": date(2027, 11, 30),
        "source": "Zuwendungsbescheid",
        "by": None,
        "at": NOW,
    }
    return services.open_project(**{**values, **changes})


def member(name: str, figure: int | None = None) -> dict:
    town = MunicipalityFactory(short_name=name, official_name=f"{name}, Stadt")
    return {"municipality": town, "declared_population": figure}


def version() -> int:
    return DirectoryVersion.objects.get(pk=1).number


# --- Opening --------------------------------------------------------------------------------------


def test_an_opened_project_holds_what_was_passed_down_and_is_not_public():
    round_ = FundingRoundFactory(number=3)
    project = open_project(
        title="  Gemeinsam\nin \u202eHünfelden ",
        round=round_,
        amif=True,
        members=[member("Hünfelden", 9600), member("Selters (Taunus)")],
    )
    project.refresh_from_db()
    assert project.title == "Gemeinsam in Hünfelden"
    assert (project.round, project.amif) == (round_, True)
    assert (project.summary, project.unit) == ("Worum es geht", "Amt für Soziales")
    assert (project.starts_on, project.ends_on) == (date(2026, 12, 1), date(2027, 11, 30))
    assert (project.as_of, project.source) == (date(2026, 11, 16), "Zuwendungsbescheid")
    assert project.is_public is False
    assert list(Project.objects.published()) == []
    assert project.places == "Hünfelden und Selters (Taunus)"
    assert [one.declared_population for one in project.members.all()] == [9600, None]


def test_three_municipalities_are_named_as_one_says_them():
    project = open_project(members=[member("Alsbach"), member("Biebesheim"), member("Crumstadt")])
    assert project.places == "Alsbach, Biebesheim und Crumstadt"


def test_the_day_of_the_record_is_that_of_the_clock_in_hesse():
    project = open_project(at=datetime(2026, 12, 31, 23, 30, tzinfo=UTC))
    assert project.as_of == date(2027, 1, 1)


def test_an_opened_project_is_found_by_its_municipality_and_stands_in_german_order():
    open_project(members=[member("Ober-Mörlen")])
    open_project(members=[member("Obertshausen")])
    open_project(members=[member("Öberried")])
    ordered = Project.objects.by_municipality()
    assert [one.places for one in ordered] == ["Ober-Mörlen", "Öberried", "Obertshausen"]
    assert [one.places for one in ordered.matching(["ober", "moerlen"])] == ["Ober-Mörlen"]
    assert [one.places for one in ordered.matching(["morlen"])] == ["Ober-Mörlen"]


def test_a_project_without_a_municipality_cannot_be_opened():
    with pytest.raises(services.NoMunicipality):
        open_project(members=[])
    assert Project.objects.count() == 0


@pytest.mark.parametrize(
    ("town", "title", "slug"),
    [
        (
            "Rödermark",
            "Größer denken: Ämter & Vereine",
            "roedermark-groesser-denken-aemter-vereine",
        ),
        ("Groß-Umstadt", "Zusammen.Halt.Um.Stadt.", "gross-umstadt-zusammen-halt-um-stadt"),
        ("Aenderungen", "–", "aenderungen-2"),
        ("Привет", "„…“", "projekt"),
        ("Langen", "x" * 200, "langen"),
        ("Y" * 95, "x", "y" * 90),
    ],
)
def test_the_address_is_made_of_municipality_and_title(town, title, slug):
    assert open_project(title=title, members=[member(town)]).slug == slug


def test_the_address_ends_with_a_whole_word():
    project = open_project(title="Vielfalt " * 30, members=[member("Langen")])
    assert project.slug == "langen" + "-vielfalt" * 9
    assert len(project.slug) == 87


def test_the_same_municipality_and_title_get_addresses_of_their_own():
    slugs = [open_project(title="Wir", members=[member("Idstein")]).slug for _ in range(3)]
    assert slugs == ["idstein-wir", "idstein-wir-2", "idstein-wir-3"]


def test_a_contact_is_kept_as_written_with_an_international_number_beside_it():
    contact = {
        "email": " Integration@Kommune.example ",
        "phone": "06127/903-174",
        "basis": "Funktionspostfach",
    }
    stored = open_project(contact=contact).contact
    assert (stored.person, stored.email) == ("", "Integration@Kommune.example")
    assert (stored.phone, stored.phone_e164) == ("06127/903-174", "+496127903174")
    assert (stored.basis, stored.confirmed_on) == ("Funktionspostfach", date(2026, 11, 16))
    assert stored.hidden is False
    assert Contact.objects.count() == 1


def test_without_a_contact_there_is_none():
    open_project()
    assert Contact.objects.count() == 0


@pytest.mark.parametrize(
    ("written", "international"),
    [
        ("06182 7809 14", "+496182780914"),
        ("+49 (0) 6127 903-174", "+496127903174"),
        ("", ""),
        ("auf Anfrage", ""),
        ("12", ""),
    ],
)
def test_a_telephone_number_that_is_none_gets_no_link(written, international):
    assert services.international(written) == international


def test_opening_a_project_leaves_the_directory_as_it_is():
    open_project()
    assert version() == 0


# --- Publishing -----------------------------------------------------------------------------------


def test_a_published_project_is_public_and_raises_the_version():
    project = open_project()
    services.publish(project=project, by=None, at=LATER)
    assert [*Project.objects.published()] == [project]
    assert (project.is_public, project.published_at) == (True, LATER)
    assert version() == 1
    assert DirectoryVersion.objects.last_change() == (LATER, False)


def test_what_is_public_cannot_be_published_again():
    project = ProjectFactory()
    with pytest.raises(services.AlreadyPublished):
        services.publish(project=project, by=None, at=LATER)
    project.refresh_from_db()
    assert project.published_at == NOW
    assert not DirectoryVersion.objects.exists()


def test_whoever_holds_an_old_copy_learns_that_it_was_published_meanwhile():
    project = open_project()
    copy = Project.objects.get(pk=project.pk)
    services.publish(project=project, by=None, at=NOW)
    with pytest.raises(services.AlreadyPublished):
        services.publish(project=copy, by=None, at=LATER)


def test_a_project_that_lost_its_municipalities_is_not_published():
    project = open_project()
    project.members.all().delete()
    with pytest.raises(services.NoMunicipality):
        services.publish(project=project, by=None, at=NOW)
    assert [*Project.objects.published()] == []


def test_publishing_makes_the_keys_anew():
    project = open_project(title="Alt")
    Project.objects.filter(pk=project.pk).update(title="Neu")
    services.publish(project=project, by=None, at=NOW)
    assert [*Project.objects.matching(["neu"])] == [project]
    assert [*Project.objects.matching(["alt"])] == []


# --- Withdrawing ----------------------------------------------------------------------------------


def test_a_withdrawn_project_is_not_public_and_keeps_its_record_and_reason():
    project = ProjectFactory()
    services.withdraw_from_public(
        project=project, reason=" auf Bitte\nder Kommune ", by=None, at=LATER
    )
    assert [*Project.objects.published()] == []
    project.refresh_from_db()
    assert (project.published_at, project.withdrawn_at) == (NOW, LATER)
    assert project.withdrawn_reason == "auf Bitte der Kommune"
    assert version() == 1


def test_a_withdrawn_project_can_be_published_again():
    project = ProjectFactory()
    services.withdraw_from_public(project=project, reason="Irrtum", by=None, at=NOW)
    services.publish(project=project, by=None, at=LATER)
    assert [*Project.objects.published()] == [project]
    assert (project.withdrawn_at, project.withdrawn_reason) == (None, "")
    assert version() == 2


@pytest.mark.parametrize("published_at", [None, NOW])
def test_what_is_not_public_cannot_be_withdrawn(published_at):
    project = ProjectFactory(published_at=published_at, withdrawn_at=published_at)
    with pytest.raises(services.NotPublished):
        services.withdraw_from_public(project=project, reason="Irrtum", by=None, at=LATER)
    assert not DirectoryVersion.objects.exists()


def test_withdrawing_needs_a_reason():
    project = ProjectFactory()
    with pytest.raises(services.ReasonMissing):
        services.withdraw_from_public(project=project, reason=" \u200b\n", by=None, at=LATER)
    assert [*Project.objects.published()] == [project]


# --- Version and keys -----------------------------------------------------------------------------


def test_the_version_counts_up_and_its_time_never_goes_back():
    assert [services.raise_version(LATER), services.raise_version(NOW)] == [1, 2]
    assert DirectoryVersion.objects.get().changed_at == LATER


def test_before_the_first_version_the_newest_project_says_when_the_directory_changed():
    assert DirectoryVersion.objects.last_change() is None
    ProjectFactory(published_at=NOW)
    ProjectFactory(published_at=LATER, published_month_only=True)
    assert DirectoryVersion.objects.last_change() == (LATER, True)


def test_an_edit_by_hand_makes_the_keys_anew_without_an_entry_in_the_history():
    project = ProjectFactory(title="Alt")
    entries = project.history.count()
    Project.objects.filter(pk=project.pk).update(title="Neu")
    project.refresh_from_db()
    services.settle_edit(project=project, at=LATER)
    assert [*Project.objects.matching(["neu"])] == [project]
    assert project.history.count() == entries
    assert version() == 1


# --- Contacts -------------------------------------------------------------------------------------


def test_a_contact_is_hidden_and_shown_again():
    project = ContactFactory().project
    services.hide_contact(project=project, by=None, at=NOW)
    assert [*Contact.objects.shown()] == []
    assert version() == 1
    services.show_contact(project=project, by=None, at=LATER)
    assert [one.project for one in Contact.objects.shown()] == [project]
    assert version() == 2


def test_hiding_a_hidden_contact_changes_nothing():
    contact = ContactFactory(hidden=True)
    entries = contact.history.count()
    services.hide_contact(project=contact.project, by=None, at=NOW)
    assert contact.history.count() == entries
    assert not DirectoryVersion.objects.exists()


def test_a_confirmed_contact_bears_the_day_and_stays_hidden_if_it_was():
    contact = ContactFactory(hidden=True)
    services.confirm_contact(project=contact.project, on=date(2026, 11, 15), by=None, at=NOW)
    contact.refresh_from_db()
    assert (contact.confirmed_on, contact.hidden) == (date(2026, 11, 15), True)
    assert version() == 1


def test_a_contact_can_be_confirmed_today_in_hesse_but_not_tomorrow():
    project = ContactFactory().project
    night = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)
    services.confirm_contact(project=project, on=date(2026, 11, 17), by=None, at=night)
    with pytest.raises(services.ConfirmedInFuture):
        services.confirm_contact(project=project, on=date(2026, 11, 18), by=None, at=night)
    assert Contact.objects.get().confirmed_on == date(2026, 11, 17)


def test_a_project_without_a_contact_has_none_to_hide_show_or_confirm():
    project = ProjectFactory()
    with pytest.raises(services.NoContact):
        services.hide_contact(project=project, by=None, at=NOW)
    with pytest.raises(services.NoContact):
        services.show_contact(project=project, by=None, at=NOW)
    with pytest.raises(services.NoContact):
        services.confirm_contact(project=project, on=date(2026, 11, 1), by=None, at=NOW)


# --- History --------------------------------------------------------------------------------------


def test_the_history_names_who_did_what_and_when():
    keeper = StaffFactory(roles=["Verwaltung"])
    contact = {"email": "a@kommune.example", "basis": "Funktionspostfach"}
    project = open_project(contact=contact, by=keeper, at=NOW)
    services.publish(project=project, by=keeper, at=LATER)
    services.withdraw_from_public(project=project, reason="Irrtum", by=keeper, at=LATER)
    services.hide_contact(project=project, by=keeper, at=LATER)
    services.show_contact(project=project, by=None, at=LATER)
    services.confirm_contact(project=project, on=date(2026, 11, 1), by=keeper, at=LATER)

    def entries(record) -> list[tuple]:
        fields = ("history_user", "history_date", "history_change_reason")
        return list(record.history.order_by("history_id").values_list(*fields))

    assert entries(project) == [
        (keeper.pk, NOW, "angelegt"),
        (keeper.pk, LATER, "veröffentlicht"),
        (keeper.pk, LATER, "aus dem Verzeichnis genommen"),
    ]
    assert entries(Contact.objects.get()) == [
        (keeper.pk, NOW, "angelegt"),
        (keeper.pk, LATER, "ausgeblendet"),
        (None, LATER, "wieder eingeblendet"),
        (keeper.pk, LATER, "bestätigt"),
    ]


def test_a_municipality_stands_once_in_a_project_and_a_refusal_leaves_nothing_behind():
    twice = [member("Langen")] * 2
    with pytest.raises(IntegrityError), transaction.atomic():
        open_project(members=twice)
    assert Project.objects.count() == 0
