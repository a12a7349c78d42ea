"""The data map: what every table holds about people, what for, how long, and who receives it.

Each app keeps a `datamap.py` beside its models; `kiv_portal.services.datamap` reads all of them
together, refuses a field that stands in none (`manage.py check`), shows them in the data
protection notice and lets the own-data export follow them. Here: the terms, and the portal's own
tables. No Django: a map is plain text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

TASK: Final = "Art. 6 Abs. 1 Buchst. e DSGVO mit § 3 Abs. 1 HDSIG (öffentliche Aufgabe)"
SAFETY: Final = (
    "Art. 6 Abs. 1 Buchst. e DSGVO mit § 3 Abs. 1 HDSIG (öffentliche Aufgabe), Art. 32 DSGVO "
    "(Sicherheit der Verarbeitung)"
)
CONSENT: Final = "Art. 6 Abs. 1 Buchst. a DSGVO (Einwilligung, jederzeit widerrufbar)"


@dataclass(frozen=True)
class Use:
    """One purpose for which the portal processes data (Verarbeitung), in words of the notice.

    `retention` may name periods of `settings.RETENTION_DAYS` in braces. `fixed`: which of `basis`
    and `retention` the programme's law or definitions fix (docs/programme.md); everything else is
    a proposal, and the notice says of it that the authority has still to confirm it.
    """

    title: str
    purpose: str
    basis: str
    retention: str
    recipients: str
    fixed: str = ""


@dataclass(frozen=True)
class Table:
    """What the fields of one table are; every field stands in exactly one of the groups.

    Groups are names parted by blanks:
    `own`: links to the account whose data the row is. `acts`: links to accounts that did
    something with it; the row is not about them. `personal`: names a person or says something
    about one. `content`: text of a file that may name people; it belongs to the file and is
    read there. `withheld`: kept, and given out to nobody. `neutral`: about nobody.
    `mail`: an address by which a row that has no link is found → the personal fields that
    belong to it. `title` and `labels`: German names where the model has none.
    """

    use: Use
    own: str = ""
    acts: str = ""
    personal: str = ""
    content: str = ""
    withheld: str = ""
    neutral: str = ""
    mail: dict[str, str] = field(default_factory=dict)
    title: str = ""
    labels: dict[str, str] = field(default_factory=dict)

    def groups(self) -> dict[str, list[str]]:
        """Each group with its fields; those found by an address are personal ones."""
        by_address = [name for key, names in self.mail.items() for name in (key, *names.split())]
        return {
            "own": self.own.split(),
            "acts": self.acts.split(),
            "personal": [*self.personal.split(), *by_address],
            "content": self.content.split(),
            "withheld": self.withheld.split(),
            "neutral": self.neutral.split(),
        }


HISTORY: Final = {
    "acts": "history_user",
    "neutral": "history_id history_date history_change_reason history_type",
}
"""What a history table (field history of what staff edit) has beside its table's fields."""

LABELS: Final = {
    "data": "Inhalt",
    "nonce": "Zufallswert",
    "salt": "Zufallswert",
    "sealed": "Eingabe (verschlüsselt)",
    "search_key": "Suchwörter",
    "token_hash": "Prüfwert des Links",
    "user": "Konto",
}
"""German names of fields whose model gives them none."""

# --- The portal's own -----------------------------------------------------------------------------

MAIL = Use(
    title="E-Mails des Portals",
    purpose="Nachrichten zu Konto, Antrag und Projekt versenden und den Versand nachweisen.",
    basis=TASK,
    retention=(
        "Vertrauliche Texte (etwa Links zur Anmeldung) verschlüsselt und nur bis zum Versand; "
        "alles andere {mails} nach dem Versand oder dem letzten Versuch."
    ),
    recipients="Der genannte Empfänger; Beschäftigte der Behörde mit der Rolle „Verwaltung“.",
)

HOUSE = Use(
    title="Angaben der Behörde, Verzeichnisse und Technik",
    purpose=(
        "Öffentliche Auskünfte der Behörde, amtliches Gemeindeverzeichnis, Förderaufrufe, "
        "Textbausteine und der Betrieb; festgehalten wird, wer sie geändert hat."
    ),
    basis=TASK,
    retention="Solange das Portal betrieben wird; abgeschlossene Aufträge der Technik {mails}.",
    recipients="Die Öffentlichkeit; wer etwas geändert hat, sehen nur Beschäftigte der Behörde.",
)

TRIES = Use(
    title="Schutz vor massenhaften Versuchen",
    purpose="Versuche je IP-Adresse und Konto zählen, damit niemand Passwörter durchprobiert.",
    basis=SAFETY,
    retention="Bis zum Ende der jeweiligen Grenze, höchstens einen Tag.",
    recipients="Niemand.",
)

ERASED = Use(
    title="Nachweis der Löschungen",
    purpose=(
        "Belegen, was wann gelöscht wurde, und es nach dem Einspielen einer Sicherung erneut "
        "löschen. Enthält Nummern und keine Namen."
    ),
    basis="Art. 5 Abs. 2 DSGVO (Rechenschaftspflicht)",
    retention="Solange das Portal betrieben wird.",
    recipients="Beschäftigte der Behörde mit den Rollen „Revision“ und „Verwaltung“.",
)

_WORK = "id key state attempts next_try_at created_at done_at"

TABLES: Final[dict[str, Table]] = {
    "portal.Authority": Table(
        HOUSE,
        personal=(
            "phone email help_name help_phone help_email represented_by editor "
            "data_protection_officer accessibility_email"
        ),
        neutral=(
            "id name department street postal_code city source delivery_way post_days "
            "post_moves_off_weekends is_sample vat_id supervised_by operator imprint_approved_on "
            "legal_basis log_retention account_retention file_retention privacy_approved_on "
            "enforcement_address enforcement_phone enforcement_email sign_language_film "
            "accessibility_confirmed_on"
        ),
    ),
    "portal.Download": Table(
        HOUSE,
        neutral=(
            "id title description kind file content_type size address dated_on accessible "
            "accessibility_note alternative is_public position"
        ),
    ),
    "portal.PublicVersion": Table(HOUSE, neutral="id token"),
    "portal.OutboxMail": Table(
        MAIL,
        mail={"recipient": "subject"},
        withheld="body sealed",
        neutral=f"{_WORK} last_error message_id private forget",
    ),
    "portal.Erasure": Table(ERASED, neutral="id subject proof rule at files copied"),
    "portal.LedgerMark": Table(ERASED, neutral="id token size"),
    "portal.ErasureRun": Table(ERASED, neutral="id at counts report"),
    "portal.Job": Table(HOUSE, neutral=f"{_WORK} last_error kind argument"),
}
"""The portal's tables."""

WITHOUT_MODEL: Final[dict[str, Use]] = {"portal_cache": TRIES, "django_migrations": HOUSE}
"""Tables of the database that no model describes."""
