"""The data map of accounts, memberships and the register, and of the packages that keep them.

Terms: `kiv_portal.datamap`.
"""

from __future__ import annotations

from typing import Final

from django.conf import settings

from kiv_portal.datamap import HOUSE, SAFETY, TASK, Table, Use

ACCOUNT = Use(
    title="Konto",
    purpose="Anmeldung, Schutz des Kontos und Nachrichten an Sie.",
    basis=TASK,
    retention=(
        "Bis Sie das Konto schließen, dann noch {closed_accounts}; ohne Anmeldung "
        "{unused_accounts} (30 und 7 Tage vorher bekommen Sie eine E-Mail; wer als einzige Person "
        "die Personen einer Kommune verwaltet, bleibt bis zur Nachfolge); ohne bestätigte "
        "E-Mail-Adresse {unverified_accounts}. Danach "
        "bleibt nur eine Nummer, auf die sich Verfahrensprotokolle beziehen."
    ),
    recipients=(
        "Wer die Personen Ihrer Kommune verwaltet; wer mit Ihnen an einem Antrag arbeitet; "
        "Beschäftigte der Behörde."
    ),
)

SESSION = Use(
    title="Sitzungen",
    purpose="Sie angemeldet halten und Ihnen zeigen, wo Sie angemeldet sind.",
    basis=SAFETY,
    retention="Bis zum Ende der Sitzung, höchstens sieben Tage.",
    recipients="Nur Sie selbst.",
)

MEMBERSHIP = Use(
    title="Wer für eine Kommune handelt",
    purpose="Festhalten, für welche Kommune Sie was tun dürfen und wer das bestätigt hat.",
    basis=TASK,
    retention=(
        "Zugehörigkeit: bis zu ihrem Ende. Einladungen: {invitations} nach ihrem Ende. Frühere "
        "Rechte: bis zur Löschung des Kontos."
    ),
    recipients=(
        "Wer die Personen Ihrer Kommune verwaltet; Beschäftigte der Behörde mit den Rollen "
        "„Personen“ und „Revision“."
    ),
)

SIGN_IN_LOG = Use(
    title="Anmeldeprotokoll",
    purpose=(
        "Nachweisen, wer sich wann angemeldet hat und wer welche Rechte bekam; Missbrauch erkennen."
    ),
    basis=SAFETY,
    retention=(
        "Anmeldungen {sign_in_log}; Änderungen an Konten, zweiten Faktoren und Rechten "
        "{rights_log}. Die IP-Adresse {sign_in_log}. Warum ein zweiter Faktor zurückgesetzt "
        "wurde: längstens bis zur Löschung des Kontos."
    ),
    recipients="Beschäftigte der Behörde mit den Rollen „Personen“ und „Revision“.",
)

DESK_LOG = Use(
    title="Änderungsprotokoll des Prüfdesks",
    purpose="Festhalten, wer in der Verwaltung des Portals was geändert hat.",
    basis=SAFETY,
    retention="{rights_log}.",
    recipients="Beschäftigte der Behörde.",
)

_RIGHTS = "may_read may_edit may_sign may_manage"

TABLES: Final[dict[str, Table]] = {
    "municipalities.User": Table(
        ACCOUNT,
        own="id",
        personal="email name phone last_login",
        withheld="password",
        labels={
            "id": "Nummer",
            "password": "Passwort (nur als Prüfwert)",
            "last_login": "letzte Anmeldung",
            "is_superuser": "richtet das Portal ein",
            "groups": "Rollen",
            "user_permissions": "einzelne Rechte",
        },
        neutral=(
            "is_superuser is_staff is_active created_at closed_at end_told_at end_told_again_at "
            "groups user_permissions"
        ),
    ),
    "municipalities.Membership": Table(
        MEMBERSHIP,
        own="user",
        acts="confirmed_by",
        personal="municipality",
        neutral=f"id {_RIGHTS} confirmed_at created_at",
    ),
    "municipalities.Invitation": Table(
        MEMBERSHIP,
        acts="created_by accepted_by",
        mail={"email": "municipality"},
        withheld="token_hash",
        neutral=f"id {_RIGHTS} created_at expires_at accepted_at withdrawn_at",
    ),
    "municipalities.RoleGrant": Table(
        MEMBERSHIP,
        own="user",
        acts="asked_by decided_by",
        personal="role",
        neutral="id state asked_at decided_at",
    ),
    "municipalities.FactorReset": Table(
        SIGN_IN_LOG,
        own="user",
        acts="asked_by decided_by",
        personal="reason",
        neutral="id state asked_at decided_at",
    ),
    "municipalities.AccountEvent": Table(
        SIGN_IN_LOG,
        own="user",
        acts="by",
        personal="kind detail address municipality",
        neutral="id at request_id",
    ),
    "municipalities.District": Table(HOUSE, neutral="id ags name is_city court sort_key"),
    "municipalities.Municipality": Table(
        HOUSE,
        neutral=(
            "id ags official_name short_name kind district postal_code area_km2 latitude longitude "
            "valid_from valid_to successor territory_as_of source mail_domain search_key sort_key"
        ),
    ),
    "municipalities.Population": Table(
        HOUSE, neutral="id municipality as_of basis value source imported_at"
    ),
    "municipalities.RegisterImport": Table(
        HOUSE,
        acts="by",
        neutral=(
            "id at file_name sha256 territory_as_of population_as_of basis created_count "
            "changed_count dissolved_count figures_count"
        ),
    ),
    # --- Packages: sign-in, sessions, the desk ----------------------------------------------------
    "account.EmailAddress": Table(
        ACCOUNT,
        own="user",
        personal="email",
        neutral="id verified primary",
        title="Bestätigte E-Mail-Adressen",
        labels={
            "user": "Konto",
            "email": "E-Mail",
            "verified": "bestätigt",
            "primary": "Anmeldung",
        },
    ),
    "account.EmailConfirmation": Table(
        ACCOUNT,
        withheld="key",
        neutral="id email_address created sent",
        title="Links zur Bestätigung",
        labels={"key": "Prüfwert des Links"},
    ),
    "mfa.Authenticator": Table(
        ACCOUNT,
        own="user",
        personal="type last_used_at",
        withheld="data",
        neutral="id created_at",
        title="Zweite Faktoren",
        labels={
            "user": "Konto",
            "type": "Art",
            "last_used_at": "zuletzt benutzt am",
            "created_at": "eingerichtet am",
            "data": "Schlüssel des zweiten Faktors (verschlüsselt; bei Passkeys öffentlich)",
        },
    ),
    "usersessions.UserSession": Table(
        SESSION,
        own="user",
        personal="ip user_agent created_at last_seen_at",
        withheld="session_key data",
        neutral="id",
        title="Laufende Sitzungen",
        labels={
            "user": "Konto",
            "ip": "IP-Adresse",
            "user_agent": "Kennung des Browsers",
            "created_at": "angemeldet am",
            "last_seen_at": "zuletzt gesehen am",
            "session_key": "Kennung der Sitzung",
            "data": "Angaben zur Sitzung",
        },
    ),
    "sessions.Session": Table(
        SESSION,
        withheld="session_key session_data",
        neutral="expire_date",
        title="Inhalte der Sitzungen",
        labels={"session_key": "Kennung der Sitzung", "session_data": "Inhalt der Sitzung"},
    ),
    "admin.LogEntry": Table(
        DESK_LOG,
        acts="user",
        content="object_repr change_message",
        neutral="id action_time content_type object_id action_flag",
        title="Änderungen am Prüfdesk",
        labels={
            "user": "Konto",
            "object_repr": "Bezeichnung des Geänderten",
            "change_message": "Art der Änderung",
            "action_time": "am",
            "action_flag": "Vorgang",
        },
    ),
    "auth.Permission": Table(HOUSE, neutral="id name content_type codename"),
    "auth.Group": Table(HOUSE, neutral="id name permissions"),
    "contenttypes.ContentType": Table(HOUSE, neutral="id app_label model"),
}

if settings.OIDC_ISSUER:
    TABLES["socialaccount.SocialAccount"] = Table(
        ACCOUNT,
        own="user",
        personal="uid last_login date_joined extra_data",
        neutral="id provider",
        title="Verbundene Organisationskonten",
        labels={
            "user": "Konto",
            "provider": "Anbieter",
            "uid": "Kennung dort",
            "last_login": "letzte Anmeldung damit",
            "date_joined": "verbunden am",
            "extra_data": "was der Anbieter mitteilt",
        },
    )
    TABLES["socialaccount.SocialApp"] = Table(
        HOUSE,
        withheld="secret key",
        neutral="id provider provider_id name client_id settings",
        title="Anbieter von Organisationskonten",
        labels={
            "provider_id": "Kurzname",
            "name": "Name",
            "client_id": "Kennung des Portals",
            "secret": "Geheimnis",
            "key": "Schlüssel",
            "settings": "Einstellungen",
        },
    )
    TABLES["socialaccount.SocialToken"] = Table(  # stays empty: SOCIALACCOUNT_STORE_TOKENS is off
        ACCOUNT,
        withheld="token token_secret",
        neutral="id app account expires_at",
        title="Zugänge beim Anbieter",
        labels={"token": "Zugang", "token_secret": "Geheimnis", "expires_at": "gilt bis"},
    )
