"""A granted project enters the public directory, and leaves it, by a move of its own."""

from datetime import date, timedelta

import pytest

from applications import services
from applications.workflow import Status
from kiv_portal.models import OutboxMail
from projects import services as projects
from projects.models import DirectoryVersion, Project
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)


@pytest.fixture
def w() -> world.World:
    return world.build()


def version() -> int:
    return DirectoryVersion.objects.get().number


def test_a_granted_project_is_not_public_by_itself(w):
    world.granted(w)
    assert list(Project.objects.published()) == []


def test_publishing_shows_the_project_and_tells_its_address(w, settings):
    application = world.granted(w)
    before = version()
    services.publish_project(application=application, by=w.reviewer, at=LATER)
    application.refresh_from_db()
    project = application.project
    assert (application.status, project.published_at, project.is_public) == (
        Status.GRANTED,
        LATER,
        True,
    )
    assert version() == before + 1
    mail = OutboxMail.objects.last()
    assert mail.subject == "Ihr Projekt steht im öffentlichen Verzeichnis"
    assert f"{settings.PORTAL_ADDRESS}/projekte/{project.slug}/\n" in mail.body
    entry = application.log.last()
    assert (entry.action, entry.actor_id) == ("publish_project", w.reviewer.pk)


def test_what_is_public_is_not_published_again(w):
    application = world.granted(w)
    services.publish_project(application=application, by=w.reviewer, at=NOW)
    entries, mails = application.log.count(), OutboxMail.objects.count()
    with pytest.raises(projects.AlreadyPublished):
        services.publish_project(application=application, by=w.reviewer, at=LATER)
    assert (application.log.count(), OutboxMail.objects.count()) == (entries, mails)


def test_taking_a_project_out_needs_a_reason_and_hides_it_at_once(w):
    application = world.granted(w)
    services.publish_project(application=application, by=w.reviewer, at=NOW)
    before, mails = version(), OutboxMail.objects.count()
    with pytest.raises(services.ReasonMissing):
        services.withdraw_project(application=application, reason=" ", by=w.reviewer, at=LATER)
    services.withdraw_project(application=application, reason=" Bitte ", by=w.reviewer, at=LATER)
    project = Project.objects.get()
    assert (project.is_public, project.withdrawn_at, project.withdrawn_reason) == (
        False,
        LATER,
        "Bitte",
    )
    assert version() == before + 1
    assert OutboxMail.objects.count() == mails
    entry = application.log.last()
    assert (entry.action, entry.content.values) == (
        "withdraw_project",
        {"from": "granted", "to": "granted", "project": project.slug, "reason": "Bitte"},
    )


def test_a_project_can_be_shown_again_and_the_applicant_is_told_again(w):
    application = world.granted(w)
    services.publish_project(application=application, by=w.reviewer, at=NOW)
    services.withdraw_project(application=application, reason="x", by=w.reviewer, at=NOW)
    mails = OutboxMail.objects.count()
    services.publish_project(application=application, by=w.reviewer, at=LATER)
    assert Project.objects.get().is_public is True
    assert OutboxMail.objects.count() == mails + 2


def _funded_before(w: world.World) -> list[str]:
    """What a new draft of the town learns of its earlier projects."""
    findings = services.findings_of(world.draft(w), LATER)
    return [f"{f.severity}: {f.message}" for f in findings if f.code == "already_funded"]


def test_the_next_application_names_the_round_of_a_public_project(w):
    application = world.granted(w)
    assert _funded_before(w) == []
    services.publish_project(application=application, by=w.reviewer, at=NOW)
    (said,) = _funded_before(w)
    assert said.startswith("notice: ")
    assert "KIV IV" in said
    services.withdraw_project(application=application, reason="x", by=w.reviewer, at=NOW)
    assert _funded_before(w) == []


def test_a_municipality_under_a_new_key_keeps_its_past(w):
    services.publish_project(application=world.granted(w), by=w.reviewer, at=NOW)
    old = w.town
    w.town = w.other_town
    w.clerk = w.stranger
    assert _funded_before(w) == []
    old.valid_to, old.successor = date(2026, 11, 16), w.other_town
    old.save()
    assert len(_funded_before(w)) == 1


def test_what_is_not_public_cannot_be_taken_out(w):
    application = world.granted(w)
    with pytest.raises(projects.NotPublished):
        services.withdraw_project(application=application, reason="x", by=w.reviewer, at=LATER)


def test_only_a_granted_application_has_a_project(w):
    application = world.proposed(w)
    with pytest.raises(services.WrongState):
        services.publish_project(application=application, by=w.reviewer, at=LATER)
    with pytest.raises(services.WrongState):
        services.withdraw_project(application=application, reason="x", by=w.reviewer, at=LATER)


@pytest.mark.parametrize("who", ["clerk", "signatory", "reader", "signer", "administrator"])
def test_only_reviewers_publish_and_withdraw(w, who):
    application = world.granted(w)
    person = getattr(w, who)
    with pytest.raises(services.NotAllowed):
        services.publish_project(application=application, by=person, at=LATER)
    with pytest.raises(services.NotAllowed):
        services.withdraw_project(application=application, reason="x", by=person, at=LATER)
