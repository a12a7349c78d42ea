"""What nobody types by hand: invisible characters, in addresses and in every field, on both
databases alike.

Files are tried in `tests/applications/test_hostile_files.py`.
"""

from __future__ import annotations

import unicodedata

import pytest
from django.http import Http404, QueryDict
from django.test import Client, RequestFactory
from pytest_django import Settings

from applications.rules import Step
from kiv_portal.middleware import TypedTextMiddleware
from municipalities.models import User
from tests import world
from tests.factories import MunicipalityFactory

INVISIBLE = "\x00\x07\u202e\u2066\u200b\ufeff\u00ad"
"""NUL, bell, bidi controls, zero-width characters, a soft hyphen."""
NFD = unicodedata.normalize("NFD", "Größe")
ODD = f" {INVISIBLE[:3]}{NFD}{INVISIBLE[3:]}\r\n"


def test_what_people_type_arrives_as_it_is_stored_and_a_password_as_it_was_typed() -> None:
    request = RequestFactory().post("/x/?q=" + NFD + "%00%E2%80%8B&q=a", {"text": ODD})
    request.POST = QueryDict(mutable=True)
    request.POST.setlist("text", [ODD, "b\u2028c"])
    request.POST["password1"] = request.POST["oldpassword"] = ODD
    TypedTextMiddleware(lambda _: None).process_view(request, None, (), {"pk": 7, "ags": "06"})
    assert dict(request.GET.lists()) == {"q": ["Größe", "a"]}
    assert dict(request.POST.lists()) == {
        "text": [" Größe\n", "b\nc"],
        "password1": [ODD],
        "oldpassword": [ODD],
    }
    for wrong in ("0643\x00", "\u200b06431002", NFD):
        with pytest.raises(Http404):
            TypedTextMiddleware(lambda _: None).process_view(request, None, (), {"ags": wrong})


@pytest.mark.django_db
def test_no_address_and_no_field_breaks_on_characters_nobody_sees(
    client: Client, settings: Settings
) -> None:
    """On PostgreSQL NUL in a statement is a fault, on SQLite it is stored: here it is neither."""
    settings.PORTAL_DEMO = True
    w = world.build()
    draft = world.draft(w)
    here = f"/antraege/{draft.uuid}"
    bad = "%00%E2%80%AE"
    asked = f"q={bad}&kommune={bad}&partner={bad}&suche={bad}&gast={bad}&abschnitt={bad}"

    def told(addresses: dict[str, int]) -> dict[str, int]:
        return {address: client.get(address).status_code for address in addresses}

    public = {
        f"/konto/registrieren/?{asked}": 200,
        f"/konto/anmelden/?next={bad}": 200,
        f"/projekte/?{asked}&landkreis={bad}&runde={bad}&sort={bad}&seite={bad}": 200,
        f"/foerder-check/?{asked}&aufruf={bad}": 200,
        f"/foerder-check.json?{asked}&aufruf={bad}": 400,
        f"/benachrichtigung/{bad}/": 404,
        f"/downloads/1/{bad}": 404,
    }
    found = told(public)
    assert {key: value < 500 for key, value in found.items()} == dict.fromkeys(public, True), found
    sign_in = {"login": f"{w.clerk.email}{INVISIBLE}", "password": "x" * 20}
    assert client.post("/konto/anmelden/", sign_in).status_code == 200

    client.force_login(w.clerk)
    own = {
        f"/konto/kommune/{bad}/": 404,
        f"/konto/einladung/{bad}/": 404,
        f"{here}/kooperation/{bad}.pdf": 404,
        f"/antraege/gast/{bad}/": 404,
        f"/antraege/neu/?{asked}": 200,
        f"{here}/kommune/?{asked}": 200,
        f"{here}/team/?{asked}": 200,
        f"{here}/kommentare/?{asked}": 200,
        f"{here}/anlagen/?ersetzen={bad}&entfernen={bad}": 200,
    }
    assert told(own) == own
    typed = {"title": ODD, "situation": f"a{ODD}b", "basis": "0", "eigene": ""}
    saved = client.post(f"{here}/{Step.KONZEPTION}/speichern/", typed)
    draft.refresh_from_db()
    assert (saved.status_code, draft.title, draft.situation) == (200, "Größe", "a Größe\nb")

    MunicipalityFactory(short_name=f"Groß-{NFD}/O’Hara (Ts.)")
    client.force_login(w.administrator)
    towns = "/admin/municipalities/municipality/"
    desk = {
        f"{towns}?q={NFD}": 200,
        f"{towns}?q={bad}{NFD}%E2%80%8B": 200,
        f"{towns}?kind__exact={bad}": 400,
        f"/admin/applications/application/?q={bad}&aufruf={bad}&status={bad}&landkreis={bad}": 200,
        f"/admin/applications/application/zahlen/?aufruf={bad}": 200,
    }
    found = told(desk)
    assert {key: value < 500 for key, value in found.items()} == dict.fromkeys(desk, True), found
    for typed_name in (NFD, "Größe/O’Hara", "gross-groesse", f"{INVISIBLE}{NFD}"):
        shown = client.get(towns, {"q": typed_name}).content.decode()
        assert "1 Kommune" in shown, typed_name


@pytest.mark.django_db
def test_text_of_the_desk_is_stored_as_all_other(client: Client, settings: Settings) -> None:
    settings.PORTAL_DEMO = True
    client.force_login(world.staff("Personen"))
    empty = {
        f"{prefix}-{kind}_FORMS": 0
        for prefix in ("memberships", "role_grants")
        for kind in ("TOTAL", "INITIAL")
    }
    data = {"email": "neu@rp.example", "name": f"Refe{INVISIBLE}rat {NFD}", **empty}
    assert client.post("/admin/municipalities/user/add/", data).status_code == 302
    assert User.objects.get(email="neu@rp.example").name == "Referat Größe"
