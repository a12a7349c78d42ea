"""What is on record about accounts: sign-ins, factors, rights. Nothing of an application."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from municipalities.models.people import User


class EventKind(models.TextChoices):
    """What can happen to an account or a right."""

    SIGNED_IN = "signed_in", "angemeldet"
    SIGN_IN_FAILED = "sign_in_failed", "Anmeldung fehlgeschlagen"
    SIGNED_OUT = "signed_out", "abgemeldet"
    SESSION_LAPSED = "session_lapsed", "Sitzung abgelaufen"
    SESSIONS_ENDED = "sessions_ended", "andere Sitzungen beendet"
    FACTOR_USED = "factor_used", "zweiten Faktor benutzt"
    FACTOR_FAILED = "factor_failed", "zweiter Faktor falsch"
    FACTOR_ADDED = "factor_added", "zweiten Faktor eingerichtet"
    FACTOR_REMOVED = "factor_removed", "zweiten Faktor entfernt"
    FACTOR_RESET_ASKED = "factor_reset_asked", "Zurücksetzen des zweiten Faktors vorgeschlagen"
    FACTOR_RESET_REFUSED = "factor_reset_refused", "zweiten Faktor nicht zurückgesetzt"
    FACTOR_RESET = "factor_reset", "zweiten Faktor zurückgesetzt"
    IDENTITY_CONNECTED = "identity_connected", "Organisationskonto verbunden"
    IDENTITY_REMOVED = "identity_removed", "Organisationskonto getrennt"
    CODES_MADE = "codes_made", "Wiederherstellungscodes erzeugt"
    REGISTERED = "registered", "registriert"
    EMAIL_CONFIRMED = "email_confirmed", "E-Mail-Adresse bestätigt"
    ADDRESS_CHANGED = "address_changed", "E-Mail-Adresse geändert"
    PASSWORD_CHANGED = "password_changed", "Passwort geändert"
    PASSWORD_RESET = "password_reset", "Passwort über Link neu gesetzt"
    ACCOUNT_CREATED = "account_created", "Konto angelegt"
    ACCOUNT_CHANGED = "account_changed", "Konto geändert"
    ACCOUNT_CLOSED = "account_closed", "Konto geschlossen"
    ACCOUNT_ERASED = "account_erased", "Konto gelöscht"
    TABLE_TAKEN = "table_taken", "Tabelle ausgegeben"
    AKTE_TAKEN = "akte_taken", "Akte als ZIP ausgegeben"
    TABLE_READ = "table_read", "Tabelle eingelesen"
    DATA_EXPORTED = "data_exported", "eigene Daten heruntergeladen"
    MEMBERSHIP_ASKED = "membership_asked", "Zugehörigkeit angegeben"
    MEMBERSHIP_CONFIRMED = "membership_confirmed", "Zugehörigkeit bestätigt"
    MEMBERSHIP_REFUSED = "membership_refused", "Zugehörigkeit abgelehnt"
    MEMBERSHIP_CHANGED = "membership_changed", "Rechte geändert"
    MEMBERSHIP_ENDED = "membership_ended", "Zugehörigkeit beendet"
    HANDED_OVER = "handed_over", "Verwaltung übergeben"
    ORGANISATION_CLOSED = "organisation_closed", "Zugang der Kommune geschlossen"
    INVITED = "invited", "eingeladen"
    INVITATION_ACCEPTED = "invitation_accepted", "Einladung angenommen"
    INVITATION_WITHDRAWN = "invitation_withdrawn", "Einladung zurückgezogen"
    ROLE_ASKED = "role_asked", "Rolle vorgeschlagen"
    ROLE_GRANTED = "role_granted", "Rolle erteilt"
    ROLE_REFUSED = "role_refused", "Rolle nicht erteilt"
    ROLE_WITHDRAWN = "role_withdrawn", "Rolle entzogen"
    ROLE_FORBIDDEN = "role_forbidden", "Rolle verweigert: nicht zulässig"


class AccountEvent(models.Model):
    """One line of the sign-in log (Anmeldeprotokoll). Written once, never changed.

    An address nobody has an account for is not kept: people type passwords into that field.
    """

    at = models.DateTimeField("Zeitpunkt", db_index=True)
    kind = models.CharField("Ereignis", max_length=30, choices=EventKind)
    user = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="Konto"
    )
    by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name="durch"
    )
    municipality = models.ForeignKey(
        "municipalities.Municipality",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="Kommune",
    )
    detail = models.CharField("Einzelheiten", max_length=300, blank=True)
    address = models.GenericIPAddressField("IP-Adresse", null=True, blank=True)
    request_id = models.CharField("Kennung des Aufrufs", max_length=36, blank=True)

    class Meta:
        verbose_name = "Eintrag im Anmeldeprotokoll"
        verbose_name_plural = "Anmeldeprotokoll"
        ordering: ClassVar = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} ({self.at:%d.%m.%Y})"
