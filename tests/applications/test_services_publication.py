"""A granted project enters the public directory, says what its municipality confirmed, leaves."""

from datetime import date, datetime, time, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from applications import services
from applications.admin import words
from applications.models import EntryState, PersonConsent, PublicEntry
from applications.services import erasure, persons, publication
from applications.workflow import Status
from kiv_portal.models import Authority, Erasure, OutboxMail
from kiv_portal.services import ledger
from kiv_portal.services.erasure import repeat_erasures
from projects import services as projects
from projects.models import AmountClass, Contact, DirectoryChange, DirectoryVersion, Project
from tests import world
from tests.factories import NOW, ContactFactory, MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=1)
TODAY = date(2026, 11, 16)
CANARY = "Kanarienvogel"
TWINS = (
    "/projekte/",
    "/",
    "/daten/",
    "/projekte/zahlen/",
    "/projekte.csv",
    "/projekte.csv-metadata.json",
    "/projekte.json",
    "/projekte.geojson",
    "/projekte.atom",
    "/projekte/aenderungen/",
    "/katalog.ttl",
    "/katalog.jsonld",
    "/sitemap.xml",
)


@pytest.fixture
def w() -> world.World:
    return world.build()


def version() -> int:
    return DirectoryVersion.objects.get().number


def seen(application) -> tuple[str, str, str]:
    """Text, unit and mailbox as the entry holds them."""
    project = Project.objects.get(pk=application.project_id)
    contact = Contact.objects.filter(project=project).first()
    return project.summary, project.unit, contact.email if contact else ""


def public_text(application) -> str:
    """Everything anybody can read of it without an account: the page, every twin and the feed."""
    client = Client()
    pages = [f"/projekte/{application.project.slug}/", *TWINS]
    return "\n".join(client.get(address).content.decode() for address in pages)


# --- The authority publishes at once ------------------------------------------------------------


def test_a_granted_project_is_not_public_by_itself(w):
    world.granted(w)
    assert list(Project.objects.published()) == []


def test_nobody_else_learns_of_a_decision_before_the_applicant(w):
    letter = world.offered(w)
    for at in (NOW, NOW + timedelta(days=9)):
        with pytest.raises(services.NotToldYet):
            services.publish_project(application=letter.application, by=w.reviewer, at=at)
    services.open_letter(letter=letter, by=w.clerk, at=LATER)
    application = services.publish_project(application=letter.application, by=w.reviewer, at=LATER)
    assert application.project.is_public is True


def test_publishing_shows_what_is_the_authoritys_and_asks_for_the_rest(w, settings):
    application = world.notified(w)
    before = version()
    services.publish_project(
        application=application, mailbox="post@musterstadt.example", by=w.reviewer, at=LATER
    )
    application.refresh_from_db()
    project = application.project
    assert (application.status, project.published_at, version()) == (
        Status.GRANTED,
        LATER,
        before + 1,
    )
    assert (project.title, project.round.number, project.amount_class, seen(application)) == (
        "Vielfalt in Musterstadt",
        4,
        AmountClass.TO_20,
        ("", "", ""),
    )
    entry = application.public_entry
    assert (entry.state, entry.due_on, entry.mailbox) == (
        EntryState.ASKED,
        date(2026, 12, 1),
        "post@musterstadt.example",
    )
    mail = OutboxMail.objects.last()
    assert mail.subject == "Ihr Projekt steht im öffentlichen Verzeichnis"
    assert f"{settings.PORTAL_ADDRESS}/projekte/{project.slug}/\n" in mail.body
    assert f"bis zum 01.12.2026:\n{settings.PORTAL_ADDRESS}/antraege/{application.uuid}/ver" in (
        mail.body
    )
    assert "Ohne Ihre Antwort zeigen wir danach nur ein Funktionspostfach." in mail.body
    logged = application.log.last()
    assert (logged.action, logged.actor_id) == ("publish_project", w.reviewer.pk)
    text = public_text(application)
    assert text.count("über 10.000 bis 20.000 €") >= 5  # page, CSV, JSON, GeoJSON, Atom
    for private in ("Fachstelle Integration", "integration@musterstadt.example", "18.000"):
        assert private not in text


def test_the_class_of_an_amount_holds_its_upper_end():
    classes = [AmountClass.of(amount) for amount in (None, 0, 5000, 5001, 20000, 30000, 30001)]
    assert classes == ["", "", "to_5", "to_10", "to_20", "to_30", "above"]


def changed(w, application, proposal, sign):
    """A later version is signed; its letter, ready to be sent."""
    services.propose_change(application=application, proposal=proposal, by=w.reviewer, at=NOW)
    sign(application=application, by=w.signer, at=NOW)
    return world.with_pdf(
        application.letters.exclude(decision=None).order_by("decision__number").last(), NOW
    )


BEFORE = (date(2028, 12, 31), AmountClass.TO_20)
AFTER = (date(2029, 3, 31), AmountClass.TO_20)


def period():
    project = Project.objects.get()
    return project.ends_on, project.amount_class


def test_the_entry_follows_a_later_decision_once_the_applicant_knows_of_it(w):
    application = world.published(w)
    letter = changed(w, application, world.extension(application), services.sign_change)
    assert period() == BEFORE
    services.deliver(letter=letter, way="retrieval", by=w.reviewer, at=NOW)
    publication.entries_unanswered("", LATER)
    assert period() == BEFORE
    services.open_letter(letter=letter, by=w.clerk, at=LATER)
    assert period() == AFTER


def test_by_post_the_entry_follows_on_the_day_that_counts_though_nobody_acts(w):
    Authority.objects.update(post_days=4)
    application = world.published(w)
    letter = changed(w, application, world.extension(application), services.sign_change)
    delivery = services.deliver(letter=letter, way="post", by=w.reviewer, at=NOW)
    counts = timezone.make_aware(datetime.combine(delivery.notified_on, time()))
    publication.entries_unanswered("", counts - timedelta(seconds=1))
    assert period() == BEFORE
    publication.entries_unanswered("", counts)
    assert period() == AFTER
    publication.entries_unanswered("", counts + timedelta(days=1))
    assert period() == AFTER


def test_a_letter_with_receipt_that_failed_changes_nothing(w):
    application = world.published(w)
    letter = changed(w, application, world.extension(application), services.sign_change)
    services.deliver(letter=letter, way="receipt", by=w.reviewer, at=NOW)
    services.fail_delivery(letter=letter, reason="Annahme verweigert", by=w.reviewer, at=NOW)
    publication.entries_unanswered("", LATER + timedelta(days=60))
    assert period() == BEFORE
    services.deliver(letter=letter, way="receipt", by=w.reviewer, at=LATER)
    services.acknowledge(
        letter=letter, received_on=timezone.localdate(LATER), by=w.reviewer, at=LATER
    )
    assert period() == AFTER


def test_a_revoked_project_leaves_the_directory_when_the_municipality_knows(w):
    application, token = asked(w)
    persons.agree_by_link(token=token, at=NOW)
    services.begin_revocation_hearing(
        application=application, text="x", due_on=date(2026, 12, 15), by=w.reviewer, at=NOW
    )
    services.end_revocation_hearing(
        application=application, answer="x", answered_on=NOW.date(), by=w.reviewer, at=NOW
    )
    letter = changed(w, application, world.revocation(), services.revoke)
    assert Project.objects.get().is_public is True
    services.deliver(letter=letter, way="retrieval", by=w.reviewer, at=NOW)
    services.open_letter(letter=letter, by=w.clerk, at=LATER)
    project = Project.objects.get()
    assert (project.is_public, project.withdrawn_at, project.withdrawn_reason) == (
        False,
        LATER,
        "Der Bescheid ist aufgehoben.",
    )
    assert (seen(application), PersonConsent.objects.count()) == (("", "", ""), 0)
    assert application.log.last().action == "entry_follows"
    publication.entries_unanswered("", LATER + timedelta(days=9))
    assert Project.objects.get().withdrawn_at == LATER


def test_what_is_public_is_not_published_again(w):
    application = world.published(w)
    entries, mails = application.log.count(), OutboxMail.objects.count()
    with pytest.raises(projects.AlreadyPublished):
        services.publish_project(application=application, by=w.reviewer, at=LATER)
    assert (application.log.count(), OutboxMail.objects.count()) == (entries, mails)


# --- The municipality says what else --------------------------------------------------------------


def test_what_the_municipality_confirms_is_public_at_once(w):
    application = world.published(w)
    before = version()
    services.confirm_entry(application=application, words=world.words(), by=w.clerk, at=LATER)
    assert seen(application) == (
        "Wir fragen alle.",
        "Fachstelle Integration",
        "vielfalt@musterstadt.example",
    )
    contact = Contact.objects.get()
    assert (contact.person, contact.phone_e164, contact.basis, contact.confirmed_on) == (
        "",
        "+49615112345",
        "Angabe der Kommune vom 17.11.2026",
        TODAY + timedelta(days=1),
    )
    assert contact.expires_on == contact.confirmed_on + timedelta(days=365)
    assert version() > before
    entry = PublicEntry.objects.get()
    assert (entry.state, entry.settled_by, entry.settled_at) == ("confirmed", w.clerk, LATER)
    assert application.log.last().action == "confirm_entry"
    # Data and feed never hold a contact or a unit.
    client = Client()
    for address in TWINS:
        assert "vielfalt@" not in client.get(address).content.decode() or address == "/projekte/"
    # What it says now is what it is asked to change.
    application.refresh_from_db()
    assert publication.words_of(application) == world.words()


def test_before_it_answers_the_municipality_is_shown_its_application_without_the_person(w):
    application = world.published(w)
    assert publication.words_of(application) == services.Words(
        summary="Kurz", unit="Fachstelle Integration", mailbox="integration@musterstadt.example"
    )


def test_a_contact_needs_its_mailbox(w):
    application = world.published(w)
    with pytest.raises(services.MailboxMissing):
        services.confirm_entry(
            application=application, words=world.words(mailbox=" "), by=w.clerk, at=LATER
        )


def test_only_confirmed_people_of_the_municipality_say_it_and_only_of_a_public_project(w):
    application = world.notified(w)
    with pytest.raises(projects.NotPublished):
        services.confirm_entry(application=application, words=world.words(), by=w.clerk, at=NOW)
    services.publish_project(application=application, by=w.reviewer, at=NOW)
    newcomer, watcher = UserFactory(), UserFactory()
    MembershipFactory(user=newcomer, municipality=w.town, may_sign=True)  # not confirmed
    MembershipFactory(
        user=watcher,
        municipality=w.town,
        may_edit=False,
        confirmed_at=NOW,
        confirmed_by=w.administrator,
    )
    for person in (newcomer, watcher, w.stranger, w.reviewer, w.signer, w.administrator):
        with pytest.raises(services.NotAllowed):
            services.confirm_entry(application=application, words=world.words(), by=person, at=NOW)
        with pytest.raises(services.NotAllowed):
            services.take_back_entry(application=application, by=person, at=NOW)
    services.confirm_entry(application=application, words=world.words(), by=w.signatory, at=NOW)


# --- No answer ------------------------------------------------------------------------------------


def test_without_an_answer_the_entry_shows_the_mailbox_alone(w):
    application = world.published(w, mailbox="post@musterstadt.example")
    for days in (13, 14, 15):  # 30 November is the fourteenth day
        assert seen(application) == ("", "", "")
        publication.entries_unanswered("", NOW + timedelta(days=days))
    assert seen(application) == ("", "", "post@musterstadt.example")
    assert Contact.objects.get().basis == "Funktionspostfach; keine Antwort bis 30.11.2026"
    entry = PublicEntry.objects.get()
    assert (entry.state, entry.settled_by) == ("unanswered", None)
    assert (application.log.last().action, application.log.last().actor_id) == (
        "entry_unanswered",
        None,
    )
    count = application.log.count()
    publication.entries_unanswered("", NOW + timedelta(days=16))
    assert application.log.count() == count
    # It may still answer.
    services.confirm_entry(
        application=application, words=world.words(), by=w.clerk, at=NOW + timedelta(days=20)
    )
    assert seen(application)[2] == "vielfalt@musterstadt.example"


def test_silence_never_overwrites_what_staff_have_entered_by_hand(w):
    application = world.published(w, mailbox="post@musterstadt.example")
    project = application.project
    Project.objects.filter(pk=project.pk).update(unit="Stabsstelle", summary="Von Hand.")
    ContactFactory(project=project, person="", email="hand@musterstadt.example", hidden=True)
    before = DirectoryChange.objects.count()
    publication.entries_unanswered("", NOW + timedelta(days=15))
    contact = Contact.objects.get()
    project.refresh_from_db()
    assert (contact.email, project.unit, project.summary) == (
        "hand@musterstadt.example",
        "Stabsstelle",
        "Von Hand.",
    )
    assert PublicEntry.objects.get().state == "unanswered"
    values = application.log.last().content.values
    assert words.log_details("entry_unanswered", values) == [
        "der von Hand eingetragene Kontakt bleibt"
    ]
    # A hidden contact that changes is no news, one that is shown is.
    said = {"project": project, "summary": "Von Hand.", "unit": "Stabsstelle", "by": None}
    mailbox = {"email": "neu@musterstadt.example", "basis": "x"}
    version = DirectoryVersion.objects.get().number
    projects.set_words(**said, contact=mailbox, at=LATER)
    assert DirectoryChange.objects.count() == before
    assert DirectoryVersion.objects.get().number == version + 1
    projects.show_contact(project=project, by=None, at=LATER)
    projects.set_words(**said, contact=mailbox, at=LATER)
    assert DirectoryChange.objects.filter(subject="contact").count() == 2


def test_without_a_mailbox_or_after_a_withdrawal_silence_publishes_nothing(w):
    application = world.published(w)
    told = OutboxMail.objects.last()
    assert "Ohne Ihre Antwort bleibt es dabei, ohne Kontakt." in told.body
    publication.entries_unanswered("", NOW + timedelta(days=30))
    assert (seen(application), PublicEntry.objects.get().state) == (("", "", ""), "unanswered")
    services.withdraw_project(application=application, reason="x", by=w.reviewer, at=LATER)
    services.publish_project(application=application, mailbox="a@b.example", by=w.reviewer, at=NOW)
    services.withdraw_project(application=application, reason="x", by=w.reviewer, at=LATER)
    publication.entries_unanswered("", NOW + timedelta(days=60))
    assert (seen(application), PublicEntry.objects.get().state) == (("", "", ""), "asked")


def test_the_database_knows_who_answered(w):
    world.published(w)
    for values in (
        {"state": "confirmed", "settled_at": NOW},
        {"state": "unanswered", "settled_at": NOW, "settled_by": w.clerk},
        {"state": "unanswered"},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            PublicEntry.objects.update(**values)


# --- A person, by their own word ------------------------------------------------------------------

PERSON = {"person": f"Frau {CANARY}", "person_email": "persoenlich@musterstadt.example"}


def asked(w: world.World):
    """A confirmed entry that wants to name a person, and the token of their link."""
    application = world.published(w)
    services.confirm_entry(application=application, words=world.words(**PERSON), by=w.clerk, at=NOW)
    token = persons.link_of(PersonConsent.objects.get()).rstrip("/").rpartition("/")[2]
    return application, token


def test_a_person_is_named_only_once_they_agree_and_until_their_consent_ends(w):
    application, token = asked(w)
    mail = OutboxMail.objects.get(recipient="persoenlich@musterstadt.example")
    assert (mail.subject, mail.private, mail.forget) == (
        "Dürfen wir Sie als Ansprechperson nennen?",
        True,
        True,
    )
    assert CANARY not in public_text(application)
    persons.agree_by_link(token=token, at=NOW)
    contact = Contact.objects.get()
    end = TODAY + timedelta(days=365)
    assert (contact.person, contact.person_until) == (f"Frau {CANARY}", end)
    shown = Contact.objects.shown_on(end).get()
    assert (shown.person_shown, shown.email) == (f"Frau {CANARY}", "vielfalt@musterstadt.example")
    Contact.objects.update(expires_on=end + timedelta(days=90))
    after = Contact.objects.shown_on(end + timedelta(days=1)).get()
    assert (after.person_shown, after.email) == ("", "vielfalt@musterstadt.example")
    # Open data name nobody.
    client = Client()
    for address in (*TWINS[1:], "/projekte.json?q=Musterstadt"):
        assert CANARY not in client.get(address).content.decode(), address


def test_a_person_disappears_at_once_everywhere_and_the_mailbox_stays(w):
    application, token = asked(w)
    persons.agree_by_link(token=token, at=NOW)
    before = version()
    persons.refuse_by_link(token=token, at=LATER)
    assert (Contact.objects.get().person, PersonConsent.objects.count()) == ("", 0)
    assert set(Contact.history.values_list("person", flat=True)) == {""}
    assert version() > before
    assert seen(application)[2] == "vielfalt@musterstadt.example"
    with pytest.raises(services.ConsentGone):
        persons.agree_by_link(token=token, at=LATER)
    kept = Erasure.objects.get(subject__startswith="applications.PersonConsent:")
    assert CANARY not in kept.line()
    assert application.log.last().action == "person_refused"


def test_a_restored_backup_names_nobody_who_took_it_back(w):
    application, token = asked(w)
    persons.agree_by_link(token=token, at=NOW)
    row, contact = PersonConsent.objects.get(), Contact.objects.get()
    persons.refuse_by_link(token=token, at=LATER)
    ledger.copy(LATER)
    row.save(force_insert=True)  # as the backup holds both
    contact.save()
    assert CANARY in Client().get(f"/projekte/{application.project.slug}/").content.decode()
    repeat_erasures(LATER)
    assert (Contact.objects.get().person, PersonConsent.objects.count()) == ("", 0)


def test_the_municipality_names_another_nobody_or_the_same_again(w):
    application, token = asked(w)
    persons.agree_by_link(token=token, at=NOW)
    same = world.words(**PERSON | {"summary": "Neu"})
    services.confirm_entry(application=application, words=same, by=w.clerk, at=LATER)
    contact = Contact.objects.get()
    assert (contact.person, contact.person_until) == (
        f"Frau {CANARY}",
        TODAY + timedelta(days=365),
    )
    other = world.words(person="Herr Neu", person_email="neu@musterstadt.example")
    services.confirm_entry(application=application, words=other, by=w.clerk, at=LATER)
    assert (Contact.objects.get().person, PersonConsent.objects.get().name) == ("", "Herr Neu")
    assert f"Frau {CANARY}" not in Contact.history.values_list("person", flat=True)
    services.confirm_entry(application=application, words=world.words(), by=w.clerk, at=LATER)
    assert PersonConsent.objects.count() == 0
    # Asked was only who had not been asked before.
    said = [row.content.values for row in application.log.filter(action="confirm_entry")]
    assert [values["person_asked"] for values in said] == [True, False, True, False]


def test_a_person_is_asked_again_before_the_end_and_forgotten_after_it(w):
    _, token = asked(w)
    persons.agree_by_link(token=token, at=NOW)
    end = NOW + timedelta(days=365)
    for days in (40, 30, 29):
        persons.persons_over("", end - timedelta(days=days))
    mails = OutboxMail.objects.filter(recipient="persoenlich@musterstadt.example")
    assert [mail.subject for mail in mails.order_by("pk")] == [
        "Dürfen wir Sie als Ansprechperson nennen?",
        "Möchten Sie weiter als Ansprechperson genannt werden?",
    ]
    persons.agree_by_link(token=token, at=end - timedelta(days=10))
    persons.persons_over("", end + timedelta(days=1))
    assert PersonConsent.objects.get().until == TODAY + timedelta(days=720)
    persons.persons_over("", end + timedelta(days=356))
    assert (PersonConsent.objects.count(), Contact.objects.get().person) == (0, "")


def test_who_does_not_answer_is_forgotten_after_thirty_days(w):
    asked(w)
    persons.persons_over("", NOW + timedelta(days=29))
    assert PersonConsent.objects.count() == 1
    persons.persons_over("", NOW + timedelta(days=30))
    assert PersonConsent.objects.count() == 0


@pytest.mark.parametrize("sweep", ["night", "account"])
def test_who_agrees_just_when_names_are_erased_is_not_left_half_named(w, sweep):
    """Whoever is erased is named nowhere, whoever is named has their consent on record."""
    _, token = asked(w)
    late = NOW + timedelta(days=30)
    steps = ["look", "agree"]

    def agree_in_between(execute, sql, params, many, context):
        if steps == ["agree"]:  # between the look at who is due and whatever follows it
            steps.clear()
            persons.agree_by_link(token=token, at=late)
        elif steps and ('"asked_at" <=' in sql or (sweep == "account" and "SELECT" in sql)):
            steps.remove("look")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(agree_in_between):
        if sweep == "night":
            persons.persons_over("", late)
        else:
            persons.forget_address("persoenlich@musterstadt.example", late)
    assert steps == []
    assert bool(Contact.objects.get().person) == PersonConsent.objects.exists()


def test_with_the_account_of_that_address_the_name_goes(w):
    _, token = asked(w)
    persons.agree_by_link(token=token, at=NOW)
    erasure.forget_person(UserFactory(email="Persoenlich@musterstadt.example"), LATER)
    assert (Contact.objects.get().person, PersonConsent.objects.count()) == ("", 0)


def test_the_page_of_the_link_changes_nothing_by_being_looked_at(w, client):
    application, token = asked(w)
    path = f"/kontakt/einwilligung/{token}/"
    assert f"Frau {CANARY}" in client.get(path).content.decode()
    assert Contact.objects.get().person == ""
    assert client.post(path, {}).status_code == 422
    assert (
        "Danke für Ihre Einwilligung"
        in client.post(path, {"aktion": "einwilligen"}).content.decode()
    )
    assert CANARY in client.get(f"/projekte/{application.project.slug}/").content.decode()
    assert "ist gelöscht" in client.post(path, {"aktion": "entfernen"}).content.decode()
    assert CANARY not in client.get(f"/projekte/{application.project.slug}/").content.decode()
    gone, unknown = client.get(path), client.get("/kontakt/einwilligung/x/")
    assert (gone.status_code, unknown.status_code) == (404, 404)
    assert CANARY not in gone.content.decode()


# --- Taking back and withdrawing ------------------------------------------------------------------


def test_what_the_municipality_takes_back_is_gone_at_once_and_the_rest_stays(w):
    application, token = asked(w)
    persons.agree_by_link(token=token, at=NOW)
    waiting = OutboxMail.objects.filter(key__startswith="person_asked:", state="waiting")
    assert waiting.count() == 1
    services.take_back_entry(application=application, by=w.clerk, at=LATER)
    # Nobody is asked any more for what is gone.
    assert waiting.count() == 0
    assert (seen(application), PublicEntry.objects.get().state) == (("", "", ""), "taken_back")
    assert (Contact.objects.count(), Contact.history.count()) == (0, 0)
    assert PersonConsent.objects.count() == 0
    text = public_text(application)
    assert "Vielfalt in Musterstadt" in text
    for word in (CANARY, "Wir fragen alle", "vielfalt@musterstadt"):
        assert word not in text
    publication.entries_unanswered("", NOW + timedelta(days=60))
    assert Contact.objects.count() == 0
    with pytest.raises(services.ConsentGone):
        persons.agree_by_link(token=token, at=LATER)


def test_withdrawing_hides_it_at_once_in_page_twins_and_feed(w):
    application, token = asked(w)
    persons.agree_by_link(token=token, at=NOW)
    assert "Vielfalt in Musterstadt" in public_text(application)  # now in every cache
    mails = OutboxMail.objects.count()
    with pytest.raises(services.ReasonMissing):
        services.withdraw_project(application=application, reason=" ", by=w.reviewer, at=LATER)
    services.withdraw_project(application=application, reason=" Bitte ", by=w.reviewer, at=LATER)
    project = Project.objects.get()
    assert (project.is_public, project.withdrawn_at, project.withdrawn_reason) == (
        False,
        LATER,
        "Bitte",
    )
    text = public_text(application)
    for word in ("Vielfalt in Musterstadt", CANARY, "vielfalt@musterstadt", project.slug):
        assert word not in text, word
    assert Client().get(f"/projekte/{project.slug}/").status_code == 404
    assert OutboxMail.objects.count() == mails - 1  # nobody asks the person any more
    entry = application.log.last()
    assert (entry.action, entry.content.values) == (
        "withdraw_project",
        {"from": "granted", "to": "granted", "project": project.slug, "reason": "Bitte"},
    )
    assert (seen(application), PersonConsent.objects.count()) == (("", "", ""), 0)


def test_shown_again_the_municipality_is_asked_again(w):
    application = world.published(w)
    services.confirm_entry(application=application, words=world.words(), by=w.clerk, at=NOW)
    services.withdraw_project(application=application, reason="x", by=w.reviewer, at=NOW)
    mails = OutboxMail.objects.count()
    services.publish_project(application=application, by=w.reviewer, at=LATER)
    assert Project.objects.get().is_public is True
    assert OutboxMail.objects.count() == mails + 2
    assert (seen(application), PublicEntry.objects.get().state) == (("", "", ""), "asked")


def _funded_before(w: world.World) -> list[str]:
    """What a new draft of the town learns of its earlier projects."""
    findings = services.findings_of(world.draft(w), LATER)
    return [f"{f.severity}: {f.message}" for f in findings if f.code == "already_funded"]


def test_the_next_application_names_the_round_of_a_public_project(w):
    application = world.notified(w)
    assert _funded_before(w) == []
    services.publish_project(application=application, by=w.reviewer, at=NOW)
    (said,) = _funded_before(w)
    assert said.startswith("notice: ")
    assert "KIV IV" in said
    services.withdraw_project(application=application, reason="x", by=w.reviewer, at=NOW)
    assert _funded_before(w) == []


def test_a_municipality_under_a_new_key_keeps_its_past(w):
    world.published(w)
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
    application = world.notified(w)
    person = getattr(w, who)
    with pytest.raises(services.NotAllowed):
        services.publish_project(application=application, by=person, at=LATER)
    with pytest.raises(services.NotAllowed):
        services.withdraw_project(application=application, reason="x", by=person, at=LATER)


# --- The page -------------------------------------------------------------------------------------


def test_the_page_previews_confirms_changes_and_takes_back(w, client):
    application = world.published(w, mailbox="post@musterstadt.example")
    client.force_login(w.clerk)
    path = f"/antraege/{application.uuid}/veroeffentlichung/"
    assert path in client.get(f"/antraege/{application.uuid}/").content.decode()
    page = client.get(path)
    assert page.context["form"]["postfach"].value() == "post@musterstadt.example"
    assert page.context["form"]["text"].value() == "Kurz"
    typed = {"text": "Mein <b>Text</b>", "postfach": "wir@musterstadt.example", "stelle": ""}
    preview = client.post(path, typed | {"aktion": "vorschau"})
    assert preview.status_code == 200
    assert "Vorschau, noch nicht öffentlich" in preview.content.decode()
    assert "Mein &lt;b&gt;Text&lt;/b&gt;" in preview.content.decode()
    assert seen(application) == ("", "", "")
    wrong = client.post(path, {"text": "Bleibt", "person": "Jemand", "aktion": "bestaetigen"})
    assert (wrong.status_code, wrong.context["form"]["text"].value()) == (422, "Bleibt")
    assert set(wrong.context["form"].errors) == {"postfach", "person_email"}
    assert client.post(path, typed | {"aktion": "bestaetigen"}).status_code == 302
    assert seen(application) == ("Mein <b>Text</b>", "", "wir@musterstadt.example")
    assert client.post(path, {"aktion": "zuruecknehmen"}).status_code == 302
    assert seen(application) == ("", "", "")
    services.withdraw_project(application=application, reason="x", by=w.reviewer, at=NOW)
    assert client.get(path).status_code == 302
    client.force_login(w.stranger)
    assert client.get(path).status_code == 404


def test_what_a_colleague_published_meanwhile_is_shown_and_not_replaced_unseen(w, client):
    application = world.published(w)
    client.force_login(w.clerk)
    path = f"/antraege/{application.uuid}/veroeffentlichung/"
    begun = client.get(path).context["stand"]
    theirs = world.words(summary="Text der Kollegin")
    services.confirm_entry(application=application, words=theirs, by=w.signatory, at=NOW)
    mine = {"text": "Mein Text", "postfach": "wir@musterstadt.example"}
    preview = client.post(path, mine | {"aktion": "vorschau", "stand": begun})
    assert (preview.status_code, preview.context["stand"]) == (200, begun)
    answer = client.post(path, mine | {"aktion": "bestaetigen", "stand": begun})
    assert (answer.status_code, seen(application)[0]) == (409, "Text der Kollegin")
    assert answer.context["shown"]["summary"] == "Text der Kollegin"
    assert answer.context["form"]["text"].value() == "Mein Text"
    knowing = mine | {"aktion": "bestaetigen", "stand": answer.context["stand"]}
    assert client.post(path, knowing).status_code == 302
    assert seen(application)[0] == "Mein Text"
