import pytest
from django.contrib.admin import ModelAdmin, site
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.timezone import localdate

from municipalities.models import User
from municipalities.permissions import ADMINISTER, READ, REVIEW, SIGN
from projects import services
from projects.models import Contact, DirectoryChange, DirectoryVersion, FundingRound, Project
from tests.factories import (
    NOW,
    ContactFactory,
    FundingRoundFactory,
    MunicipalityFactory,
    ProjectFactory,
    StaffFactory,
)

# Pages alone; that each opens on PostgreSQL too is tried in test_access.
pytestmark = [pytest.mark.django_db, pytest.mark.sweep]

PROJECTS = "/admin/projects/project/"
CONTACTS = "/admin/projects/contact/"
ROUNDS = "/admin/projects/fundinground/"


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings):
    """What a second factor protects is tested elsewhere; here somebody is signed in."""
    settings.PORTAL_DEMO = True


@pytest.fixture
def keeper(client: Client) -> User:
    user: User = StaffFactory(roles=[ADMINISTER])
    client.force_login(user)
    return user


def version() -> int:
    return DirectoryVersion.objects.values_list("number", flat=True).first() or 0


def change_address(project: Project) -> str:
    return f"{PROJECTS}{project.pk}/change/"


def form_data(project: Project, **changes: object) -> dict[str, object]:
    """What the change form of a project with one municipality sends, unless changed."""
    members = list(project.members.all())
    contact = Contact.objects.filter(project=project).first()
    data: dict[str, object] = {
        "round": project.round_id,
        "title": project.title,
        "slug": project.slug,
        "summary": project.summary,
        "unit": project.unit,
        "film_label": "",
        "film_address": "",
        "starts_on": "",
        "ends_on": "",
        "as_of": "",
        "source": project.source,
        "members-TOTAL_FORMS": len(members),
        "members-INITIAL_FORMS": len(members),
        "members-MIN_NUM_FORMS": 1,
        "members-MAX_NUM_FORMS": 1000,
        "documents-TOTAL_FORMS": 0,
        "documents-INITIAL_FORMS": 0,
        "contact-TOTAL_FORMS": 1,
        "contact-INITIAL_FORMS": 1 if contact else 0,
        "contact-MIN_NUM_FORMS": 0,
        "contact-MAX_NUM_FORMS": 1,
        "contact-0-project": project.pk,
    }
    for position, member in enumerate(members):
        data |= {
            f"members-{position}-id": member.pk,
            f"members-{position}-project": project.pk,
            f"members-{position}-position": member.position,
            f"members-{position}-municipality": member.municipality_id,
            f"members-{position}-declared_name": member.declared_name,
        }
    if contact:
        data |= {
            "contact-0-id": contact.pk,
            "contact-0-person": contact.person,
            "contact-0-email": contact.email,
            "contact-0-phone": contact.phone,
            "contact-0-basis": contact.basis,
            "contact-0-confirmed_on": f"{contact.confirmed_on:%d.%m.%Y}",
        }
    return data | changes


def act(client: Client, address: str, action: str, *records: object, **data: object):
    chosen = [record.pk for record in records]
    return client.post(address, {"action": action, "_selected_action": chosen, **data}, follow=True)


def said(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


# --- Who may --------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [READ, REVIEW, SIGN])
@pytest.mark.parametrize("address", [PROJECTS, CONTACTS, ROUNDS])
def test_all_staff_may_look_and_only_keepers_may_change(client, role, address):
    contact = ContactFactory()
    record = {PROJECTS: contact.project, CONTACTS: contact, ROUNDS: contact.project.round}[address]
    client.force_login(StaffFactory(roles=[role]))
    assert client.get(address).status_code == 200
    assert client.get(f"{address}{record.pk}/change/").status_code == 200
    assert client.post(f"{address}{record.pk}/change/", {}).status_code == 403
    assert client.get(f"{address}add/").status_code == 403


def test_nobody_deletes_a_project_a_contact_or_a_round_here(client, keeper):
    contact = ContactFactory()
    for address, record in [
        (PROJECTS, contact.project),
        (CONTACTS, contact),
        (ROUNDS, contact.project.round),
    ]:
        assert client.post(f"{address}{record.pk}/delete/", {"post": "yes"}).status_code == 403
        assert "delete_selected" not in client.get(address).content.decode()


@pytest.mark.parametrize("role", [READ, REVIEW, SIGN])
def test_those_who_may_only_look_are_offered_no_action_and_can_do_none(client, role):
    project = ContactFactory().project
    client.force_login(StaffFactory(roles=[role]))
    page = client.get(PROJECTS).content.decode()
    assert ('value="publish"' in page, 'value="withdraw"' in page) == (False, False)
    act(client, PROJECTS, "withdraw", project, reason="Irrtum")
    act(client, CONTACTS, "hide", project.contact)
    assert Project.objects.published().count() == 1
    assert Contact.objects.shown().count() == 1


# --- Editing --------------------------------------------------------------------------------------


def test_an_edit_refreshes_the_keys_raises_the_version_and_names_who_did_it(client, keeper):
    project = ProjectFactory(title="Alt")
    response = client.post(change_address(project), form_data(project, title="Größer denken"))
    assert response.status_code == 302
    assert [*Project.objects.matching(["groesser"])] == [project]
    assert [*Project.objects.matching(["alt"])] == []
    assert version() == 1
    assert project.history.first().history_user == keeper


def test_a_form_sent_without_a_change_leaves_the_version_as_it_is(client, keeper):
    project = ContactFactory().project
    assert client.post(change_address(project), form_data(project)).status_code == 302
    assert version() == 0


def test_another_municipality_changes_keys_and_order(client, keeper):
    project = ProjectFactory()
    town = MunicipalityFactory(short_name="Rödermark")
    data = form_data(project, **{"members-0-municipality": town.pk})
    assert client.post(change_address(project), data).status_code == 302
    assert [*Project.objects.matching(["roedermark"])] == [project]
    assert Project.objects.get().sort_key.startswith("rodermark ")
    assert version() == 1


def test_a_project_keeps_at_least_one_municipality(client, keeper):
    project = ProjectFactory()
    response = client.post(
        change_address(project), form_data(project, **{"members-0-DELETE": "on"})
    )
    assert response.status_code == 200
    assert project.members.count() == 1
    assert version() == 0


def test_a_partner_can_be_taken_out_again(client, keeper):
    project = ProjectFactory(towns=[MunicipalityFactory(), MunicipalityFactory()])
    data = form_data(project, **{"members-1-DELETE": "on"})
    assert client.post(change_address(project), data).status_code == 302
    assert project.members.count() == 1
    assert version() == 1


def test_what_the_public_sees_is_no_field(client, keeper):
    project = ProjectFactory(slug="alt")
    data = form_data(project, slug="neu", published_at_0="", withdrawn_reason="x", title="Neu")
    assert client.post(change_address(project), data).status_code == 302
    project.refresh_from_db()
    assert (project.slug, project.title) == ("alt", "Neu")
    assert (project.published_at, project.withdrawn_reason) == (NOW, "")


def test_a_new_project_is_not_public_and_its_address_is_chosen_by_staff(client, keeper):
    town, round_ = MunicipalityFactory(short_name="Idstein"), FundingRoundFactory()
    draft = Project(round=round_, title="WIR in Idstein", slug="idstein-wir")
    data = form_data(ProjectFactory(), round=round_.pk, title=draft.title, slug=draft.slug)
    del data["members-0-id"], data["members-0-project"], data["contact-0-project"]
    data |= {"members-INITIAL_FORMS": 0, "members-0-municipality": town.pk}
    assert client.post(f"{PROJECTS}add/", data).status_code == 302
    project = Project.objects.get(slug="idstein-wir")
    assert (project.places, project.is_public) == ("Idstein", False)
    assert project.sort_key.startswith("idstein wir in idstein ")


@pytest.mark.parametrize("slug", ["aenderungen", "projekt eins", "vergeben"])
def test_a_reserved_taken_or_impossible_address_is_refused(client, keeper, slug):
    ProjectFactory(slug="vergeben")
    project = ProjectFactory(published_at=None)
    response = client.post(change_address(project), form_data(project, slug=slug))
    assert response.status_code == 200
    project.refresh_from_db()
    assert project.slug != slug


def test_a_contact_is_entered_with_its_project_and_gets_its_international_number(client, keeper):
    project = ProjectFactory()
    entered = {
        "contact-0-email": "Vielfalt@kommune.example",
        "contact-0-phone": "06127/903-174",
        "contact-0-basis": "Funktionspostfach",
        "contact-0-confirmed_on": "16.11.2026",
    }
    assert client.post(change_address(project), form_data(project, **entered)).status_code == 302
    contact = Contact.objects.get()
    assert (contact.phone, contact.phone_e164) == ("06127/903-174", "+496127903174")
    assert contact.history.get().history_user == keeper
    assert version() == 1


def document(**changes: object) -> dict[str, object]:
    """A new document as the form sends it."""
    values = {"id": "", "kind": "strategy", "address": "", "dated_on": "", **changes}
    row = {f"documents-0-{name}": value for name, value in values.items()}
    return {"documents-TOTAL_FORMS": 1, **row}


def test_the_strategy_is_entered_as_a_file_and_the_change_is_told(client, keeper):
    project = ProjectFactory()
    file = SimpleUploadedFile("Strategie.pdf", b"%PDF-1.7 x")
    client.post(change_address(project), form_data(project, **document(file=file)))
    stored = project.documents.get()
    assert (stored.kind, stored.address, str(stored)) == (
        "strategy",
        "",
        "Vielfalts- und Integrationsstrategie",
    )
    assert stored.file.read() == b"%PDF-1.7 x"
    stored.file.close()
    assert [(row.kind, row.subject) for row in DirectoryChange.objects.all()] == [
        ("changed", "documents")
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "Bitte entweder eine Datei oder eine Adresse angeben."),
        (
            {"address": "https://a.example/", "file": SimpleUploadedFile("a.pdf", b"%PDF-1.7")},
            "Bitte entweder eine Datei oder eine Adresse angeben.",
        ),
        ({"file": SimpleUploadedFile("a.pdf", b"<html>")}, "Bitte laden Sie eine PDF-Datei hoch."),
    ],
)
def test_a_document_is_a_pdf_file_or_an_address(client, keeper, changes, message):
    project = ProjectFactory()
    response = client.post(change_address(project), form_data(project, **document(**changes)))
    assert message in response.content.decode()
    assert not project.documents.exists()


def test_a_file_that_is_too_large_is_refused(client, keeper, settings):
    settings.UPLOAD_MAX_BYTES = 1024 * 1024
    project = ProjectFactory()
    file = SimpleUploadedFile("a.pdf", b"%PDF-" + bytes(1024 * 1024))
    response = client.post(change_address(project), form_data(project, **document(file=file)))
    assert "Die Datei ist größer als 1 MB." in response.content.decode()


def test_a_contact_can_be_erased(client, keeper):
    project = ContactFactory().project
    data = form_data(project, **{"contact-0-DELETE": "on"})
    assert client.post(change_address(project), data).status_code == 302
    assert Contact.objects.count() == 0
    assert version() == 1


def test_who_is_replaced_by_hand_is_in_no_history(client, keeper):
    project = ContactFactory(person="Musterperson Eins").project
    data = form_data(project, **{"contact-0-person": "Musterperson Zwei"})
    client.post(f"{PROJECTS}{project.pk}/change/", data)
    assert Contact.objects.get().person == "Musterperson Zwei"
    assert set(Contact.history.values_list("person", flat=True)) == {"", "Musterperson Zwei"}


def test_an_erased_contact_is_in_no_history_and_no_log(client, keeper):
    project = ContactFactory(person="Musterperson Eins").project
    data = form_data(project, **{"contact-0-phone": "06127/903-174"})
    assert client.post(change_address(project), data).status_code == 302
    data = form_data(project, **{"contact-0-DELETE": "on"})
    assert client.post(change_address(project), data).status_code == 302
    assert Contact.history.count() == 0
    messages = [entry.get_change_message() for entry in LogEntry.objects.all()]
    assert len(messages) == 2
    assert "Musterperson" not in " ".join(messages)


def test_what_happened_since_the_record_was_read_is_not_undone(client, keeper, monkeypatch):
    """Withdrawn just after the desk read the row: the lock comes first, then the row it saves."""
    project = ProjectFactory()
    data = form_data(project, title="Neuer Titel")
    read = ModelAdmin.get_object

    def read_and_lose(*args):
        found = read(*args)
        services.withdraw_from_public(
            project=Project.objects.get(pk=found.pk), reason="Irrtum", by=None, at=NOW
        )
        return found

    monkeypatch.setattr(ModelAdmin, "get_object", read_and_lose)
    assert client.post(change_address(project), data).status_code == 302
    project.refresh_from_db()
    assert (project.title, project.is_public) == ("Neuer Titel", False)
    assert project.withdrawn_reason == "Irrtum"


def test_while_saving_the_record_and_its_rows_are_locked(keeper, rf):
    request = rf.post("/")
    request.user = keeper
    desk = site.get_model_admin(Project)
    project = ContactFactory().project
    assert desk.get_object(request, str(project.pk)) == project
    inlines = [inline.get_queryset(request) for inline in desk.get_inline_instances(request)]
    assert [rows.query.select_for_update for rows in inlines] == [True, True, True]
    request.method = "GET"
    inlines = [inline.get_queryset(request) for inline in desk.get_inline_instances(request)]
    assert [rows.query.select_for_update for rows in inlines] == [False, False, False]


def test_an_edited_round_raises_the_version(client, keeper):
    round_ = FundingRoundFactory()
    data = {"number": 1, "title": "KIV I", "years": "2018", "as_of": "", "source": ""}
    assert client.post(f"{ROUNDS}{round_.pk}/change/", data).status_code == 302
    assert FundingRound.objects.get().years == "2018"
    assert version() == 1


# --- What the public sees -------------------------------------------------------------------------


def test_staff_publish_what_is_ready_and_learn_what_was_not(client, keeper):
    ready, public = ProjectFactory(published_at=None), ProjectFactory(title="Schon da")
    empty = ProjectFactory(published_at=None, title="Leer")
    empty.members.all().delete()
    response = act(client, PROJECTS, "publish", ready, public, empty)
    assert sorted(said(response)) == [
        "1 veröffentlicht.",
        "Leer: hat keine Kommune und wurde nicht veröffentlicht.",
        "Schon da: ist schon öffentlich.",
    ]
    assert {*Project.objects.published()} == {ready, public}
    assert ready.history.first().history_user == keeper
    assert version() == 1


def test_taking_projects_from_the_directory_asks_for_a_reason_first(client, keeper):
    project, draft = ProjectFactory(), ProjectFactory(published_at=None, title="Entwurf")
    asked = act(client, PROJECTS, "withdraw", project, draft)
    assert asked.templates[0].name == "projects/admin_withdraw.html"
    assert asked.context["asked_before"] is False
    for reason in ["  ", "x" * 301]:
        again = act(client, PROJECTS, "withdraw", project, draft, reason=reason)
        assert again.context["asked_before"] is True
    assert [*Project.objects.published()] == [project]
    response = act(client, PROJECTS, "withdraw", project, draft, reason="Bitte der Kommune")
    assert said(response) == [
        "Entwurf: ist nicht öffentlich.",
        "1 aus dem Verzeichnis genommen.",
    ]
    project.refresh_from_db()
    assert (project.is_public, project.withdrawn_reason) == (False, "Bitte der Kommune")
    assert version() == 1


HAS_CASE = "Bitte über den Fall veröffentlichen oder zurückziehen"


def test_a_project_from_an_application_is_published_and_withdrawn_with_its_case(client, keeper):
    draft = ProjectFactory(published_at=None, title="Neu", from_application=True)
    public = ProjectFactory(title="Alt", from_application=True)
    assert said(act(client, PROJECTS, "publish", draft)) == [f"Neu: {HAS_CASE}."]
    for reason in ["", "Irrtum"]:
        assert said(act(client, PROJECTS, "withdraw", public, reason=reason)) == [f"{HAS_CASE}."]
    mixed = act(client, PROJECTS, "withdraw", public, ProjectFactory(), reason="Irrtum")
    assert said(mixed) == [f"Alt: {HAS_CASE}.", "1 aus dem Verzeichnis genommen."]
    for project, button in [(draft, "_publish"), (public, "_withdraw")]:
        page = client.get(change_address(project)).content.decode()
        assert ('name="_publish"' in page, 'name="_withdraw"' in page) == (False, False)
        assert HAS_CASE in page
        data = form_data(project, **{button: "1"})
        assert client.post(change_address(project), data).status_code == 302
    assert [*Project.objects.published()] == [public]


def test_a_project_is_saved_and_published_with_one_button(client, keeper):
    project = ProjectFactory(published_at=None)
    data = form_data(project, title="Fertig", _publish="1")
    response = client.post(change_address(project), data)
    assert response.status_code == 302
    assert response["Location"] == change_address(project)
    project.refresh_from_db()
    assert (project.title, project.is_public) == ("Fertig", True)


def test_the_button_to_withdraw_saves_and_asks_for_the_reason(client, keeper):
    project = ProjectFactory()
    data = form_data(project, title="Anders", _withdraw="1")
    response = client.post(change_address(project), data)
    assert response.templates[0].name == "projects/admin_withdraw.html"
    project.refresh_from_db()
    assert (project.title, project.is_public) == ("Anders", True)


@pytest.mark.parametrize(("published_at", "buttons"), [(NOW, (False, True)), (None, (True, False))])
def test_a_project_offers_the_button_that_fits(client, keeper, published_at, buttons):
    project = ProjectFactory(published_at=published_at)
    page = client.get(change_address(project)).content.decode()
    assert ('name="_publish"' in page, 'name="_withdraw"' in page) == buttons
    # Enter in a field presses the first button of the form: it must do nothing but save.
    own = 'name="_publish"' if buttons[0] else 'name="_withdraw"'
    assert page.index('name="_save"') < page.index(own)


# --- Contacts -------------------------------------------------------------------------------------


def test_contacts_are_hidden_shown_and_confirmed_with_one_click(client, keeper):
    first, second = ContactFactory(), ContactFactory()
    assert said(act(client, CONTACTS, "hide", first, second)) == ["2 ausgeblendet."]
    assert Contact.objects.shown().count() == 0
    assert said(act(client, CONTACTS, "show", first)) == ["1 wieder eingeblendet."]
    assert [*Contact.objects.shown()] == [first]
    response = act(client, CONTACTS, "confirm_today", first)
    assert said(response) == ["1 als heute bestätigt vermerkt."]
    first.refresh_from_db()
    history = first.history.first()
    assert first.confirmed_on == localdate(history.history_date)
    assert (history.history_user, history.history_change_reason) == (keeper, "bestätigt")
    assert version() == 4


def test_contacts_are_not_edited_in_their_list(client, keeper):
    contact = ContactFactory(person="Musterperson Eins")
    client.post(f"{CONTACTS}{contact.pk}/change/", {"person": "Andere"})
    contact.refresh_from_db()
    assert contact.person == "Musterperson Eins"
    assert client.get(f"{CONTACTS}add/").status_code == 403


# --- Lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [1, 3])
def test_the_list_of_projects_needs_the_same_queries_for_one_and_three(
    client, keeper, django_assert_num_queries, number
):
    for _ in range(number):
        ProjectFactory(towns=[MunicipalityFactory(), MunicipalityFactory()])
    client.get(PROJECTS)
    with django_assert_num_queries(9):
        client.get(PROJECTS)


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("stand=public", ["öffentlich"]),
        ("stand=new", ["neu"]),
        ("stand=withdrawn", ["weg"]),
        ("q=oeffentlich", ["öffentlich"]),
        ("", ["neu", "weg", "öffentlich"]),
    ],
)
def test_the_list_of_projects_is_filtered_and_searched(client, keeper, query, titles):
    ProjectFactory(title="öffentlich")
    ProjectFactory(title="neu", published_at=None)
    ProjectFactory(title="weg", withdrawn_at=NOW)
    found = client.get(f"{PROJECTS}?{query}").context["cl"].result_list
    assert sorted(project.title for project in found) == titles
