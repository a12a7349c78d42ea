"""What a form held that came without its session goes back into the form, whole, and unsaved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import lxml.html
import pytest
from django.core import signing
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from applications import services
from applications.models import FundingCall
from kiv_portal import filling
from municipalities.models import Membership
from municipalities.permissions import ADMINISTER, PEOPLE, READ
from tests import world
from tests.factories import UserFactory
from tests.kiv_portal.test_sessions import go_back

pytestmark = pytest.mark.django_db

KIND = "application/x-www-form-urlencoded"
NOTICE = "Ihre Eingaben stehen wieder im Formular; sie sind noch nicht gespeichert."


@pytest.fixture
def w() -> world.World:
    return world.build(timezone.now())


def signed_in(user: Any, **options: Any) -> Client:
    client = Client(**options)
    client.force_login(user)
    world.give_second_factor(client, user)
    return client


def form_of(answer: Any) -> dict[str, list[str]]:
    """What a browser sends that sends the page's largest form as it is."""
    forms = lxml.html.fromstring(answer.content.decode()).forms
    form = max(forms, key=lambda form: len(form.inputs.keys()))
    for empty in form.xpath(".//input[@name and not(@value) and not(@type='checkbox')]"):
        empty.set("value", "")
    sent: dict[str, list[str]] = {}
    for name, value in form.form_values():
        sent.setdefault(name, []).append(value)
    return sent


def once_more(client: Client, page: Any) -> Any:
    """The button of the page that gives back."""
    [form] = [
        f for f in lxml.html.fromstring(page.content.decode()).forms if "eingaben" in f.inputs
    ]
    data = urlencode(form.form_values())
    kind = "application/x-www-form-urlencoded"
    return client.post(form.action, data, content_type=kind)


def words(answer: Any) -> str:
    return " ".join(lxml.html.fromstring(answer.content.decode()).text_content().split())


def test_a_form_of_the_desk_comes_back_whole_after_the_sign_in() -> None:
    """Texts, amounts, single words, boxes, rows that were added; and nothing is saved."""
    keeper = world.staff(ADMINISTER)
    client = signed_in(keeper)
    call = world.call_in_preparation(timezone.now())
    address = f"/admin/applications/fundingcall/{call.pk}/change/"
    opened = form_of(client.get(address))
    rows = int(opened["budgets-TOTAL_FORMS"][0])
    typed = {
        "title": 'Neuer "Titel" <b>',
        "closing_note": "Wort",
        "budgets-0-year": "2031",
        "budgets-0-funds": "1.234,56",
        f"budgets-{rows}-year": "2032",
        f"budgets-{rows}-funds": "7",
        "budgets-TOTAL_FORMS": str(rows + 1),
    }
    assert set(typed) - {f"budgets-{rows}-year", f"budgets-{rows}-funds"} <= set(opened)
    sent = opened | {name: [value] for name, value in typed.items()} | {"is_demo": ["on"]}
    sent["passwort_password"] = ["ein langes Passwort"]
    before = FundingCall.objects.values().get(pk=call.pk)
    go_back(client, began=9 * 60)
    asked = client.post(address, sent)
    assert (asked.status_code, "no-store" in asked.headers["Cache-Control"]) == (403, True)
    assert "Ihre Sitzung wurde nach 8 Stunden beendet" in words(asked)
    assert "Neuer" not in asked.content.decode()
    assert "/konto/anmelden/?next=/konto/sitzung/" in asked.content.decode()

    # Not signed in yet, the button leads to the same page; nobody else gets anything.
    assert once_more(client, once_more(client, asked)).status_code == 403
    other = once_more(signed_in(world.staff(ADMINISTER)), asked)
    assert (other.status_code, "Neuer" in other.content.decode()) == (403, False)
    # With a password alone staff give the second factor first.
    half = Client()
    half.force_login(keeper)
    assert "/konto/zweiter-faktor/" in once_more(half, asked).content.decode()

    back = once_more(signed_in(keeper, enforce_csrf_checks=True), asked)
    assert back.status_code == 200
    assert NOTICE in words(back)
    found = form_of(back)
    assert {name: found.get(name) for name in typed} == {n: [v] for n, v in typed.items()}
    assert found["is_demo"] == ["on"]
    assert found["csrfmiddlewaretoken"] != opened["csrfmiddlewaretoken"]
    assert "Inzwischen" not in words(back)
    assert "Keinen Platz" not in words(back)
    assert "ein langes Passwort" not in back.content.decode()
    assert FundingCall.objects.values().get(pk=call.pk) == before


def test_what_was_chosen_from_a_list_that_is_searched_comes_back(w: world.World) -> None:
    keeper = world.staff(PEOPLE)
    client = signed_in(keeper)
    address = "/admin/municipalities/membership/add/"
    sent = form_of(client.get(address)) | {
        "user": [str(w.stranger.pk)],
        "municipality": [str(w.town.pk)],
        "may_sign": ["on"],
    }
    go_back(client, seen=61)
    back = once_more(signed_in(keeper), client.post(address, sent))
    found = form_of(back)
    assert {name: found.get(name) for name in ("user", "municipality", "may_sign")} == {
        "user": [str(w.stranger.pk)],
        "municipality": [str(w.town.pk)],
        "may_sign": ["on"],
    }
    assert not Membership.objects.filter(user=w.stranger, municipality=w.town).exists()


def test_a_proposal_comes_back_with_its_years_and_a_change_in_between_is_told(
    w: world.World,
) -> None:
    now = timezone.now() - timedelta(minutes=5)
    case = world.in_substance(w, now)
    client = signed_in(w.reviewer)
    address = f"/admin/applications/application/{case.pk}/propose/"
    opened = form_of(client.get(address))
    typed = {
        "kind": "grant",
        "amount": "9.999,99",
        "starts_on": "01.01.2029",
        "ends_on": "31.12.2030",
        "year_2030": "4,50",
        "reasons": "Zwei Zeilen,\nmit <b>",
        "version": "0",
    }
    sent = opened | {name: [value] for name, value in typed.items()}
    sent["upload"] = SimpleUploadedFile("Brief.pdf", b"x")  # type: ignore[assignment]
    go_back(client, seen=61)
    asked = client.post(address, sent)
    assert "Diese Dateien wählen Sie dann bitte neu aus: Brief.pdf." in words(asked)
    back = once_more(signed_in(w.reviewer), asked)
    found = form_of(back)
    typed["version"] = opened["version"][0]
    assert {name: [v.removeprefix("\n") for v in found[name]] for name in typed} == {
        name: [value] for name, value in typed.items()
    }
    said = words(back)
    assert "Inzwischen wurde hier etwas geändert." in said
    assert "Diese Dateien wählen Sie bitte neu aus: Brief.pdf." in said

    # The case went on: its form is gone, and the words are there to be copied.
    services.propose(
        application=case, proposal=world.grant_proposal(), seen=1, by=w.reviewer, at=now
    )
    gone = once_more(signed_in(w.reviewer), asked)
    areas = lxml.html.fromstring(gone.content.decode()).iter("textarea")
    shown = [area.text.removeprefix("\n") for area in areas]
    assert gone.status_code == 409
    assert {"9.999,99", "01.01.2029"} <= set(shown)
    assert not {"grant", "0"} & set(shown)
    others = lxml.html.fromstring(gone.content.decode()).xpath("//div[@class='prose']/ul/li")
    assert "grant" in [other.text for other in others]


def test_nothing_is_given_back_to_pages_that_ask_by_themselves_or_from_elsewhere() -> None:
    """And where the protection is gone, a person signed in anew gets it without signing in."""
    reader = world.staff(READ)
    strict = signed_in(reader, enforce_csrf_checks=True)
    address = "/konto/passwort/aendern/"
    sent = {"text": "Noch ein Satz.", "oldpassword": "ein langes Passwort"}
    for origin, given in (("http://testserver", True), ("https://fremd.example", False)):
        answer = strict.post(address, sent, headers={"origin": origin})
        assert (answer.status_code, 'name="eingaben"' in answer.content.decode()) == (403, given)
    assert 'name="eingaben"' not in strict.post(address, sent).content.decode()
    anybody = Client()
    assert anybody.post("/antraege/neu/", {"text": "Ein Satz."}).status_code == 302
    anybody.cookies["kiv-browser"] = signing.dumps("jemand", salt="known-browser")
    for data, accept in (
        ({"text": "Ein Satz."}, "application/json"),
        ({"id": "on", "csrfmiddlewaretoken": "x"}, "text/html"),
    ):
        assert anybody.post("/antraege/neu/", data, headers={"accept": accept}).status_code == 302
    # Without a session it is of whoever signed in last in that browser.
    asked = anybody.post("/konto/schliessen/", {"sicher": "ja"})
    person = Client()
    person.force_login(UserFactory())
    for known, status in (("jemand", 200), ("anders", 403)):
        person.cookies["kiv-browser"] = signing.dumps(known, salt="known-browser")
        answer = once_more(person, asked)
        assert (answer.status_code, NOTICE in words(answer)) == (status, status == 200)
    # Sealed for one page, it is nothing to another; and what is not sealed is nothing.
    asked = anybody.post("/antraege/neu/", {"text": "Ein Satz."})
    [form] = [
        f for f in lxml.html.fromstring(asked.content.decode()).forms if "eingaben" in f.inputs
    ]
    for value, page in ((form.inputs["eingaben"].value, "/konto/"), ("gAAAAx", "/antraege/neu/")):
        kind = "application/x-www-form-urlencoded"
        answer = strict.post(page, urlencode({"eingaben": value}), content_type=kind)
        assert answer.status_code == 403


PAGE = """<form method="post"><input name="a" value="fremd"></form>
<form method="post" action="/x/"><input type="hidden" name="opinion" value="4">
<input type="hidden" name="r-0-id" value="7"><input type="hidden" name="r-1-id" value="9">
<input type="hidden" name="anyway"><input type="hidden" name="fassung">
<label for="n">Name <span>(freiwillig)</span></label><input id="n" name="r-0-name">
<label for="m">Name</label><input id="m" name="r-1-name"><select name="s"><option value="1">Eins
</option></select><input type="checkbox" name="sure" required></form>"""


def test_only_the_very_form_is_filled_and_no_row_of_another_record() -> None:
    inputs = [
        ("opinion", "4"),
        ("r-0-id", "7"),
        ("r-0-name", "Anna"),
        ("r-1-id", "8"),
        ("r-1-name", "Berta"),
        ("s", "2"),
        ("sure", "on"),
        ("anyway", "on"),
        ("schluessel", "geheim, aber mit Komma"),
    ]
    found = filling.fill(PAGE, page="/x/", address="/x/", inputs=inputs)
    assert found is not None
    assert 'name="r-0-name" value="Anna"' in found.html
    assert "Berta" not in found.html
    assert "checked" not in found.html
    assert found.changed
    assert [(one.label, one.value) for one in found.left] == [("", ""), ("Name", "Berta")]
    assert found.below("!").index("!") == PAGE.index('<form method="post" action')
    same = [*inputs[:3], ("r-1-id", "9"), *inputs[4:]]
    unchanged = filling.fill(PAGE, page="/x/", address="/x/", inputs=same)
    assert unchanged is not None
    assert (unchanged.changed, 'value="Berta"' in unchanged.html) == (False, True)
    other = [("opinion", "5"), *inputs[1:]]
    assert filling.fill(PAGE, page="/x/", address="/x/", inputs=other) is None
    assert filling.fill(PAGE, page="/x/", address="/y/", inputs=inputs) is None
