"""The register is read through the admin by the same services as by the command."""

import re
import tempfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from municipalities.models import Membership, Municipality, Population, RegisterImport, User
from municipalities.permissions import ADMINISTER, PEOPLE, READ
from tests.factories import (
    DistrictFactory,
    MembershipFactory,
    MunicipalityFactory,
    PopulationFactory,
    StaffFactory,
)
from tests.municipalities.official_files import (
    BENSHEIM,
    BIBLIS,
    DARMSTADT,
    gv100ad,
    gv100ad_lines,
    municipality_line,
    xlsx,
)

pytestmark = pytest.mark.django_db

IMPORT = "/admin/municipalities/municipality/import/"
CONFIRM = "/admin/municipalities/municipality/process_import/"
LIST = "/admin/municipalities/municipality/"


@pytest.fixture(autouse=True)
def _one_factor_is_enough(settings: Settings) -> None:
    """What a second factor protects is tested elsewhere; here somebody is signed in."""
    settings.PORTAL_DEMO = True


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where uploads wait for their confirmation."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def keeper(client: Client) -> User:
    user: User = StaffFactory(roles=[ADMINISTER, PEOPLE])
    client.force_login(user)
    return user


def upload(client: Client, content: bytes, **fields: str) -> HttpResponse:
    data: dict[str, Any] = {
        "import_file": SimpleUploadedFile("GV100AD.ASC", content),
        "format": "0",
        "resource": "0",
        "population_as_of": "2023-12-31",
        "basis": "Zensus 2011",
        "land": "06",
        "source": "Destatis",
        **fields,
    }
    return client.post(IMPORT, data)


def hidden(response: HttpResponse) -> dict[str, str]:
    """The fields of the confirmation, as the browser would send them."""
    form = response.context["confirm_form"]
    return {name: form[name].value() or "" for name in form.fields}


def text(response: HttpResponse) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def messages_of(response: HttpResponse) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def test_upload_preview_confirm(client: Client, keeper: User, uploads: Path) -> None:
    preview = upload(client, gv100ad([DARMSTADT, BENSHEIM]))
    assert preview.status_code == 200
    assert "neue Kommunen 2" in text(preview)
    assert "06431002 Bensheim, Stadt (Bergstraße)" in text(preview)
    assert Municipality.objects.count() == 0
    done = client.post(CONFIRM, hidden(preview), follow=True)
    assert done.redirect_chain == [(LIST, 302)]
    assert messages_of(done) == [
        "Gemeindeverzeichnis eingelesen. neue Kommunen: 2; "
        "neue Landkreise/kreisfreie Städte: 2; neue Einwohnerzahlen: 2"
    ]
    assert Municipality.objects.count() == 2
    assert list(Population.objects.values_list("as_of", "basis", "source").distinct()) == [
        (date(2023, 12, 31), "Zensus 2011", "Destatis")
    ]
    record = RegisterImport.objects.get()
    assert (record.by, record.file_name, len(record.sha256)) == (keeper, "GV100AD.ASC", 64)
    assert list(uploads.iterdir()) == []


def test_a_workbook_is_read_alike(client: Client, keeper: User) -> None:
    preview = upload(client, xlsx(), land="alle", basis="Zensus 2022")
    client.post(CONFIRM, hidden(preview))
    assert Municipality.objects.count() == 2


def test_the_preview_shows_every_kind_of_change(client: Client, keeper: User) -> None:
    old = date(2023, 12, 31)
    first = upload(client, gv100ad([BENSHEIM, BIBLIS], old))
    client.post(CONFIRM, hidden(first))
    Municipality.objects.filter(ags="06431002").update(official_name="Bensheim")
    gone = ("06431004", "Alt", "64", 100, "64625", 5)
    district = Municipality.objects.get(ags="06431003").district
    MunicipalityFactory(
        ags="06431004",
        short_name="Alt",
        district=district,
        valid_to=date(2022, 12, 31),
        territory_as_of=date(2021, 12, 31),
    )
    type(district).objects.update(name="Bergstrasse")
    preview = text(upload(client, gv100ad([DARMSTADT, BENSHEIM, gone])))
    for shown in (
        "geänderte Kommunen 1",
        "06431002 Bensheim amtlicher Name: Bensheim → Bensheim, Stadt",
        "06431003 Biblis, gültig bis spätestens 30.12.2024",
        "06431 Bergstrasse → Bergstraße",
        "06431004 Alt: galt bis 31.12.2022 und steht wieder in der Datei",
        "06411000 Darmstadt, Wissenschaftsstadt (Darmstadt)",
        "06411 Darmstadt: Das Verwaltungsgericht ist nachzutragen.",
    ):
        assert shown in preview


def test_a_refused_file_shows_its_lines_and_no_button(client: Client, keeper: User) -> None:
    lines = [*gv100ad_lines([BENSHEIM]), municipality_line((*BIBLIS[:4], "6X", BIBLIS[5]))]
    preview = upload(client, "\n".join(lines).encode())
    assert "Zeile 4: Die Postleitzahl „6X“ hat nicht fünf Ziffern." in text(preview)
    assert "confirm_form" not in preview.context
    assert "Jetzt einlesen" not in text(preview)
    assert Municipality.objects.count() == 0


def test_another_file_is_told_at_the_field(client: Client, keeper: User) -> None:
    answer = upload(client, b"name;einwohner\nBensheim;41758\n" * 60)
    assert answer.context["form"].errors["import_file"] == [
        "Das ist keine Datei des Gemeindeverzeichnisses: Erwartet wird GV100AD (Text mit "
        "fester Breite von 220 Zeichen) oder der Auszug GV als XLSX."
    ]


def test_a_fault_of_our_own_is_not_told_as_a_fault_of_the_file(
    client: Client, keeper: User
) -> None:
    from django.contrib import admin

    with pytest.raises(ZeroDivisionError):
        admin.site._registry[Municipality].add_data_read_fail_error_to_form(
            None, ZeroDivisionError()
        )


def test_a_file_that_is_too_large_is_refused(
    client: Client, keeper: User, settings: Settings
) -> None:
    settings.UPLOAD_MAX_BYTES = 1024 * 1024
    answer = upload(client, bytes(1024 * 1024 + 1))
    assert answer.context["form"].errors["import_file"] == ["Die Datei ist größer als 1 MB."]


def test_what_the_file_does_not_say_must_be_stated(client: Client, keeper: User) -> None:
    answer = upload(client, gv100ad([BENSHEIM]), population_as_of="", basis="")
    assert set(answer.context["form"].errors) == {"population_as_of", "basis"}


def test_the_register_may_not_have_changed_since_the_preview(client: Client, keeper: User) -> None:
    preview = hidden(upload(client, gv100ad([BENSHEIM])))
    district = DistrictFactory(ags="06431", name="Bergstraße")
    town = MunicipalityFactory(ags="06431002", short_name="Bensheim", district=district)
    PopulationFactory(municipality=town, value=1)
    answer = client.post(CONFIRM, preview, follow=True)
    assert answer.redirect_chain == [(IMPORT, 302)]
    (message,) = messages_of(answer)
    assert message.startswith("Nichts wurde eingelesen. 06431002 Bensheim: Für den 31.12.2023")
    Population.objects.all().delete()
    answer = client.post(CONFIRM, hidden(upload(client, gv100ad([BENSHEIM]))) | {"basis": "2022"},
                         follow=True)  # fmt: skip
    assert messages_of(answer) == [
        "Nichts wurde eingelesen. Das Verzeichnis hat sich seit der Vorschau geändert. "
        "Bitte neu hochladen."
    ]


def test_confirming_twice_reads_once(client: Client, keeper: User) -> None:
    preview = hidden(upload(client, gv100ad([BENSHEIM])))
    client.post(CONFIRM, preview)
    again = client.post(CONFIRM, preview, follow=True)
    assert messages_of(again)[-1] == (
        "Nichts wurde eingelesen. Die hochgeladene Datei ist nicht mehr da."
    )
    assert RegisterImport.objects.count() == 1


def test_no_other_file_can_be_named_in_the_confirmation(
    client: Client, keeper: User, uploads: Path
) -> None:
    other = uploads / "other"
    other.write_bytes(gv100ad([BENSHEIM]))
    preview = hidden(upload(client, gv100ad([BENSHEIM])))
    answer = client.post(CONFIRM, preview | {"import_file_name": "other"}, follow=True)
    assert messages_of(answer) == [
        "Nichts wurde eingelesen. Die Vorschau ist abgelaufen. Bitte neu hochladen."
    ]
    assert (other.exists(), Municipality.objects.count()) == (True, 0)


@pytest.mark.parametrize("roles", [[], [READ]])
def test_only_keepers_read_files(client: Client, roles: list[str]) -> None:
    client.force_login(StaffFactory(roles=roles))
    assert client.get(IMPORT).status_code == 403
    assert client.post(CONFIRM).status_code == 403
    assert upload(client, gv100ad([BENSHEIM])).status_code == 403


def test_readers_see_the_register_without_the_import(client: Client) -> None:
    client.force_login(StaffFactory(roles=[READ]))
    town = PopulationFactory().municipality
    page = client.get(LIST)
    assert page.status_code == 200
    assert "Gemeindeverzeichnis einlesen" not in text(page)
    assert "12345" in text(page)
    change = client.get(reverse("admin:municipalities_municipality_change", args=[town.pk]))
    assert 'name="mail_domain"' not in change.content.decode()


def test_keepers_edit_what_no_file_knows(client: Client, keeper: User) -> None:
    town = PopulationFactory().municipality
    page = client.get(reverse("admin:municipalities_municipality_change", args=[town.pk]))
    assert "Gemeindeverzeichnis einlesen" in text(client.get(LIST))
    names = set(re.findall(r'name="([a-z_]+)"', page.content.decode()))
    assert {"valid_from", "valid_to", "successor", "mail_domain"} <= names
    assert not names & {"ags", "official_name", "short_name", "kind", "district"}


@pytest.mark.parametrize("typed", ["Hünf", "HUENF", "hunfelden", "06533008"])
def test_the_search_finds_umlauts_however_typed(client: Client, keeper: User, typed: str) -> None:
    town = MunicipalityFactory(short_name="Hünfelden", ags="06533008")
    MunicipalityFactory(short_name="Langen")
    found = client.get(LIST, {"q": typed}).context["cl"].queryset
    assert list(found) == [town]


def test_history_is_shown_and_cannot_be_rolled_back(client: Client, keeper: User) -> None:
    town = MunicipalityFactory()
    town.official_name = "Neustadt, Kurstadt"
    town.save()
    page = client.get(reverse("admin:municipalities_municipality_history", args=[town.pk]))
    assert "Neustadt, Kurstadt" in text(page)
    assert "style=" not in page.content.decode()
    record = town.history.first()
    form = client.get(
        reverse("admin:municipalities_municipality_simple_history", args=[town.pk, record.pk])
    )
    assert 'name="_save"' not in form.content.decode()


def test_pages_have_no_inline_style_or_script(client: Client, keeper: User) -> None:
    member = MembershipFactory()
    RegisterImport.objects.create(
        at=datetime.fromisoformat("2026-03-02T10:00:00+01:00"),
        file_name="GV100AD.ASC",
        sha256="a" * 64,
        territory_as_of=date(2024, 12, 31),
        population_as_of=date(2023, 12, 31),
        basis="Zensus 2011",
    )
    pages = [
        client.get(IMPORT),
        upload(client, gv100ad([BENSHEIM])),
        client.get(LIST),
        client.get(
            reverse("admin:municipalities_municipality_change", args=[member.municipality_id])
        ),
        client.get(reverse("admin:municipalities_district_changelist")),
        client.get(reverse("admin:municipalities_registerimport_changelist")),
        client.get(reverse("admin:municipalities_user_changelist")),
        client.get(reverse("admin:municipalities_user_change", args=[member.user_id])),
        client.get(reverse("admin:municipalities_membership_changelist")),
        client.get(reverse("admin:municipalities_membership_change", args=[member.pk])),
    ]
    for page in pages:
        assert page.status_code == 200
        source = page.content.decode()
        assert re.findall(r"\sstyle=|<style|\son[a-z]+=\"", source) == []
        assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", source) == []


# --- Accounts -------------------------------------------------------------------------------------


def test_accounts_show_no_password(client: Client, keeper: User) -> None:
    person = MembershipFactory().user
    page = client.get(reverse("admin:municipalities_user_change", args=[person.pk]))
    source = page.content.decode()
    assert re.findall(r'name="(password|email|is_superuser)"', source) == []
    assert person.password not in source
    assert person.password.split("$")[0] + "$" not in source


def test_a_new_account_has_no_usable_password(client: Client, keeper: User) -> None:
    data = {
        "email": "Neu@Behoerde.example",
        "name": "Neu",
        "is_active": "on",
        "memberships-TOTAL_FORMS": "0",
        "memberships-INITIAL_FORMS": "0",
        "role_grants-TOTAL_FORMS": "0",
        "role_grants-INITIAL_FORMS": "0",
    }
    client.post(reverse("admin:municipalities_user_add"), data)
    user = User.objects.get(email="neu@behoerde.example")
    assert (user.has_usable_password(), user.is_staff) == (False, False)
    data["name"] = "Neuer Name"
    client.post(reverse("admin:municipalities_user_change", args=[user.pk]), data)
    user.refresh_from_db()
    assert (user.name, user.has_usable_password()) == ("Neuer Name", False)


def test_only_a_superuser_changes_superusers(client: Client, keeper: User) -> None:
    boss = User.objects.create_superuser("boss@behoerde.example")
    address = reverse("admin:municipalities_user_change", args=[boss.pk])
    assert client.post(address, {"name": "x"}).status_code == 403
    client.force_login(boss)
    assert 'name="name"' in client.get(address).content.decode()


def test_readers_see_no_accounts(client: Client) -> None:
    client.force_login(StaffFactory(roles=[READ]))
    assert client.get(reverse("admin:municipalities_user_changelist")).status_code == 403
    assert client.get(reverse("admin:municipalities_membership_changelist")).status_code == 403
    assert Membership.objects.count() == 0
