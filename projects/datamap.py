"""The data map of the public directory. Terms: `kiv_portal.datamap`."""

from __future__ import annotations

from typing import Final

from kiv_portal.datamap import CONSENT, TASK, Table, Use

DIRECTORY = Use(
    title="Projektverzeichnis",
    purpose="Die Öffentlichkeit darüber unterrichten, was gefördert wurde.",
    basis=TASK,
    retention="Solange das Verzeichnis besteht.",
    recipients="Die Öffentlichkeit, auch als offene Daten (ohne Stellen und Personen).",
)

CONTACT = Use(
    title="Kontakte zu Projekten",
    purpose="Sagen, an wen man sich mit Fragen zu einem Projekt wendet.",
    basis=(
        f"{CONSENT}; bei Funktionsadressen und den Angaben der Programmseite "
        "Art. 6 Abs. 1 Buchst. e DSGVO mit § 3 Abs. 1 HDSIG"
    ),
    retention=(
        "Öffentlich, bis die Bestätigung abläuft oder der Kontakt entfernt wird; gespeichert noch "
        "{expired_contacts} danach, damit Beschäftigte nachfragen können."
    ),
    recipients="Die Öffentlichkeit, aber nie als offene Daten.",
)

TABLES: Final[dict[str, Table]] = {
    "projects.FundingRound": Table(DIRECTORY, neutral="id number title years as_of source"),
    "projects.Project": Table(
        DIRECTORY,
        content="unit summary withdrawn_reason",
        neutral=(
            "id slug title round amif film_label film_address starts_on ends_on as_of source "
            "published_at published_month_only withdrawn_at from_application search_key "
            "sort_key places_key declared_total amount_class"
        ),
    ),
    "projects.ProjectMember": Table(
        DIRECTORY,
        neutral="id project municipality position declared_name declared_population",
    ),
    "projects.ProjectDocument": Table(
        DIRECTORY, content="file", neutral="id project kind title address dated_on accessible"
    ),
    "projects.Contact": Table(
        CONTACT,
        mail={"email": "person phone phone_e164 basis wish"},
        withheld="nonce",
        neutral="id project confirmed_on expires_on person_until hidden asked_on",
    ),
    "projects.DirectoryVersion": Table(DIRECTORY, neutral="id number changed_at"),
    "projects.DirectoryChange": Table(DIRECTORY, neutral="id project kind subject at version"),
}
