"""A colleague sets up a passkey (a virtual authenticator), signs in with it, and loses it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from playwright.sync_api import Page, expect

from municipalities.permissions import READ
from tests import world
from tests.factories import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


def test_staff_come_in_with_a_passkey_and_without_it_with_a_code(
    page: Page, axe: Callable[[Page], None]
) -> None:
    user: Any = world.staff(READ)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    browser = page.context.new_cdp_session(page)
    browser.send("WebAuthn.enable")
    token = browser.send("WebAuthn.addVirtualAuthenticator", {"options": TOKEN})

    def sign_in(then: str) -> None:
        page.goto("/konto/anmelden/")
        page.get_by_label("E-Mail-Adresse").fill(user.email)
        page.get_by_label("Passwort").fill(PASSWORD)
        page.get_by_role("button", name="Anmelden").click()
        page.wait_for_url(then)

    def sign_out() -> None:
        page.goto("/konto/abmelden/")
        page.locator("main").get_by_role("button", name="Abmelden").click()
        page.wait_for_url("**/konto/anmelden/**")

    sign_in("**/konto/zweiter-faktor/")  # the desk stays shut: first a second factor
    page.goto("/konto/zweiter-faktor/webauthn/add/")
    page.get_by_label("Passwort").fill(PASSWORD)  # whoever sets one up proves it anew
    page.get_by_role("button", name="Bestätigen").click()
    page.wait_for_url("**/webauthn/add/")
    axe(page)
    page.get_by_label("Name").fill("Dienstlaptop")
    page.get_by_role("button", name="Passkey einrichten").click()
    page.wait_for_url("**/recovery-codes/**")
    axe(page)
    page.goto("/konto/zweiter-faktor/webauthn/")
    expect(page.get_by_role("heading", name="Dienstlaptop")).to_be_visible()
    axe(page)
    for address in ("/konto/zweiter-faktor/", "/konto/sitzungen/", "/konto/daten/"):
        page.goto(address)
        axe(page)
    page.goto("/admin/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Übersicht")

    sign_out()
    sign_in("**/konto/zweiter-faktor/authenticate/**")
    axe(page)
    page.get_by_role("button", name="Passkey benutzen").click()
    page.wait_for_url("**/admin/")

    sign_out()
    browser.send("WebAuthn.removeVirtualAuthenticator", token)
    codes = Authenticator.objects.get(user=user, type=Authenticator.Type.RECOVERY_CODES)
    code = codes.wrap().get_unused_codes()[0]
    sign_in("**/konto/zweiter-faktor/authenticate/**")
    page.get_by_label("Code").fill(code)
    page.locator("main").get_by_role("button", name="Anmelden").click()
    page.wait_for_url("**/admin/")
    codes.refresh_from_db()
    assert code not in codes.wrap().get_unused_codes()
