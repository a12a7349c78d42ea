"""What the public learns about changes of the directory, and what it never learns."""

from datetime import timedelta

import pytest

from projects import services
from projects.models import ChangeSubject, DirectoryChange, DirectoryVersion, Project
from tests.factories import (
    NOW,
    ContactFactory,
    FundingRoundFactory,
    MunicipalityFactory,
    ProjectFactory,
)

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=3)


def lines() -> list[tuple]:
    """The changes, oldest first, as (project, kind, subject, version)."""
    rows = DirectoryChange.objects.order_by("version", "subject")
    return [(row.project, row.kind, row.subject, row.version) for row in rows]


def test_publishing_withdrawing_and_publishing_again_each_leave_a_line():
    project = ProjectFactory(published_at=None)
    services.publish(project=project, by=None, at=NOW)
    services.withdraw_from_public(project=project, reason="Irrtum", by=None, at=LATER)
    services.publish(project=project, by=None, at=LATER)
    assert lines() == [
        (project, "new", "", 1),
        (project, "withdrawn", "", 2),
        (project, "new", "", 3),
    ]


def test_a_refused_publication_leaves_no_line():
    project = ProjectFactory()
    with pytest.raises(services.AlreadyPublished):
        services.publish(project=project, by=None, at=NOW)
    assert lines() == []


def test_an_edit_says_what_was_changed_but_not_what_it_says():
    project = ProjectFactory()
    subjects = [ChangeSubject.PROJECT, ChangeSubject.DOCUMENTS]
    services.settle_edit(project=project, at=NOW, subjects=subjects)
    assert lines() == [(project, "changed", "documents", 1), (project, "changed", "project", 1)]


def test_an_edit_the_public_cannot_see_leaves_no_line():
    hidden = ProjectFactory(published_at=None)
    services.settle_edit(project=hidden, at=NOW)
    services.settle_edit(project=ProjectFactory(), at=NOW, subjects=[])
    assert lines() == []
    assert DirectoryVersion.objects.get().number == 2


def test_every_change_of_a_contact_is_one_of_the_entry_and_names_nobody():
    contact = ContactFactory()
    services.hide_contact(project=contact.project, by=None, at=NOW)
    services.show_contact(project=contact.project, by=None, at=NOW)
    services.confirm_contact(project=contact.project, on=NOW.date(), by=None, at=NOW)
    changed = (contact.project, "changed", "contact")
    assert lines() == [(*changed, 1), (*changed, 2), (*changed, 3)]


def test_a_hidden_contact_that_is_confirmed_is_no_change_to_the_public():
    contact = ContactFactory(hidden=True)
    services.confirm_contact(project=contact.project, on=NOW.date(), by=None, at=NOW)
    assert lines() == []


def test_a_round_that_was_edited_is_told_where_it_has_public_projects():
    empty, seen = FundingRoundFactory(number=1), FundingRoundFactory(number=2)
    ProjectFactory(round=seen)
    services.settle_round(round=empty, at=NOW)
    services.settle_round(round=seen, at=NOW)
    assert lines() == [(None, "changed", "round", 2)]


def test_a_line_holds_no_text_of_its_entry():
    fields = {field.name for field in DirectoryChange._meta.get_fields()}
    assert fields == {"id", "project", "kind", "subject", "at", "version"}


def test_places_and_declared_residents_follow_the_members():
    project = ProjectFactory(towns=[MunicipalityFactory(), MunicipalityFactory()])
    lead, partner = project.members.all()
    assert project.places_key == f"{lead.municipality.ags} {partner.municipality.ags}"
    assert project.declared_total == 0
    project.members.update(declared_population=9_600)
    services.refresh_keys(project)
    assert Project.objects.get().declared_total == 19_200
    project.members.all().delete()
    services.refresh_keys(project)
    assert (Project.objects.get().places_key, Project.objects.get().declared_total) == ("", 0)
