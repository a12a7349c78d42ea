"""The bottom layer: what every room shares — the authority, downloads, outgoing mail, jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.db import connection, models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from simple_history.models import HistoricalRecords

from kiv_portal.models.erasures import Erasure, ErasureRun, LedgerMark
from kiv_portal.sealing import seal, unseal

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = [
    "FILE_KINDS",
    "MAIL_SEAL",
    "Authority",
    "DeliveryWay",
    "Download",
    "Erasure",
    "ErasureRun",
    "Job",
    "KeyField",
    "LedgerMark",
    "OutboxMail",
    "PublicVersion",
    "Work",
    "WorkState",
]


class KeyField(models.TextField):
    """A stored key for searching or sorting (kiv_portal.folding): plain ASCII, set by the code.

    Compared by its bytes on both databases: PostgreSQL's language collations would pass over
    blanks and order differently from SQLite.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("editable", False)
        kwargs.setdefault("default", "")
        super().__init__(*args, **kwargs)

    def db_parameters(self, connection: BaseDatabaseWrapper) -> dict[str, Any]:
        """The column, on PostgreSQL with the collation „C“."""
        parameters: dict[str, Any] = super().db_parameters(connection)
        if connection.vendor == "postgresql":
            parameters["collation"] = "C"
        return parameters


class DeliveryWay(models.TextChoices):
    """How a letter is notified (Bekanntgabe); each way has its own rule, none is the default."""

    RETRIEVAL = "retrieval", "Abruf im Portal"
    POST = "post", "Post"
    RECEIPT = "receipt", "Empfangsbekenntnis"


class Authority(models.Model):
    """The granting authority. One row; whatever is unknown stays empty until staff fill it in."""

    name = models.CharField("Name der Behörde", max_length=200)
    department = models.CharField("Dezernat", max_length=200, blank=True)
    street = models.CharField("Straße und Hausnummer", max_length=200, blank=True)
    postal_code = models.CharField("Postleitzahl", max_length=5, blank=True)
    city = models.CharField("Ort", max_length=100, blank=True)
    phone = models.CharField("Telefon", max_length=50, blank=True)
    email = models.EmailField("E-Mail", blank=True)
    help_name = models.CharField(
        "Hilfe bei technischen Schwierigkeiten", max_length=200, blank=True
    )
    help_phone = models.CharField("Telefon für technische Hilfe", max_length=50, blank=True)
    help_email = models.EmailField("E-Mail für technische Hilfe", blank=True)
    source = models.CharField("Quelle der Angaben", max_length=200, blank=True)
    delivery_way = models.CharField(
        "Weg der Bekanntgabe", max_length=20, choices=DeliveryWay, blank=True
    )
    post_days = models.PositiveSmallIntegerField(
        "Bekanntgabe durch Post: Tag nach Aufgabe", null=True, blank=True
    )
    post_moves_off_weekends = models.BooleanField(
        "Bekanntgabe durch Post: verschiebt sich auf den nächsten Werktag",
        default=False,
        help_text=(
            "Fällt der Tag auf Samstag, Sonntag oder Feiertag. Ohne Häkchen bleibt es bei dem "
            "Tag, der sich nach der Zahl der Tage ergibt."
        ),
    )
    is_sample = models.BooleanField("Angaben nur zur Demonstration", default=False)

    # Impressum (§ 5 DDG)
    represented_by = models.CharField(
        "Vertreten durch", max_length=200, blank=True, help_text="Name und Amtsbezeichnung."
    )
    vat_id = models.CharField("Umsatzsteuer-Identifikationsnummer", max_length=20, blank=True)
    supervised_by = models.CharField("Aufsichtsbehörde", max_length=300, blank=True)
    editor = models.CharField("Inhaltlich verantwortlich", max_length=300, blank=True)
    operator = models.CharField(
        "Technischer Betrieb",
        max_length=300,
        blank=True,
        help_text="Stelle, die das Portal betreibt; zugleich Auftragsverarbeiterin.",
    )
    imprint_approved_on = models.DateField(
        "Impressum freigegeben am",
        null=True,
        blank=True,
        help_text="Solange hier kein Datum steht, ist die Seite als Entwurf gekennzeichnet.",
    )

    # Datenschutzhinweise (Art. 13 DSGVO)
    data_protection_officer = models.TextField(
        "Behördliche Datenschutzbeauftragte", blank=True, help_text="Kontakt, ohne Namen genügt."
    )
    legal_basis = models.TextField(
        "Rechtsgrundlage der Verarbeitung",
        blank=True,
        help_text="Art. 6 Abs. 1 DSGVO mit dem Landesrecht, auf das sich die Behörde stützt.",
    )
    log_retention = models.CharField(
        "Speicherdauer der Server-Protokolle", max_length=200, blank=True
    )
    account_retention = models.CharField("Speicherdauer der Konten", max_length=200, blank=True)
    file_retention = models.CharField("Aufbewahrung der Akten", max_length=200, blank=True)
    privacy_approved_on = models.DateField(
        "Datenschutzhinweise freigegeben am",
        null=True,
        blank=True,
        help_text="Solange hier kein Datum steht, ist die Seite als Entwurf gekennzeichnet.",
    )

    # Erklärung zur Barrierefreiheit (§ 14 HessBGG)
    accessibility_email = models.EmailField(
        "E-Mail für gemeldete Barrieren",
        blank=True,
        help_text="Ohne Angabe gehen Meldungen an die E-Mail-Adresse für technische Hilfe.",
    )
    enforcement_address = models.TextField(
        "Anschrift der Durchsetzungs- und Überwachungsstelle", blank=True
    )
    enforcement_phone = models.CharField(
        "Telefon der Durchsetzungs- und Überwachungsstelle", max_length=50, blank=True
    )
    enforcement_email = models.EmailField(
        "E-Mail der Durchsetzungs- und Überwachungsstelle", blank=True
    )
    sign_language_film = models.URLField(
        "Film in Deutscher Gebärdensprache", blank=True, help_text="Adresse des fertigen Films."
    )
    accessibility_confirmed_on = models.DateField(
        "Erklärung zur Barrierefreiheit bestätigt am",
        null=True,
        blank=True,
        help_text="Solange hier kein Datum steht, ist die Seite als Entwurf gekennzeichnet.",
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = "Behörde"
        verbose_name_plural = "Behörde"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(pk=1),
                name="authority_is_one_row",
                violation_error_message="Es gibt genau eine Bewilligungsbehörde.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def load(cls) -> Authority | None:
        """The authority's record, or None while nobody has entered it."""
        return cls.objects.filter(pk=1).first()

    @property
    def barrier_email(self) -> str:
        """Where reports about barriers go; empty while the authority has named no address."""
        return self.accessibility_email or self.help_email or self.email


FILE_KINDS: Final = {
    "application/pdf": "PDF",
    "image/png": "Bild (PNG)",
    "image/jpeg": "Bild (JPEG)",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "Word",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "Excel",
    "application/vnd.oasis.opendocument.text": "OpenDocument-Text",
    "application/vnd.oasis.opendocument.spreadsheet": "OpenDocument-Tabelle",
}


class DownloadQuerySet(models.QuerySet["Download"]):
    def published(self) -> DownloadQuerySet:
        """Entries the public may see: those that really have a file or an address."""
        return self.filter(is_public=True).exclude(file="", address="")


class Download(models.Model):
    """An entry of the download page. Without a file or an address it is not shown.

    What a file is (`content_type`, by its content) and its `size` in bytes are set where it is
    taken in, so that no page has to open it.
    """

    title = models.CharField("Titel", max_length=200)
    description = models.TextField("Beschreibung", blank=True)
    kind = models.CharField(
        "Art", max_length=100, blank=True, help_text="Zum Beispiel Richtlinie oder Arbeitshilfe."
    )
    file = models.FileField("Datei", upload_to="downloads/", max_length=250, blank=True)
    content_type = models.CharField("Dateityp", max_length=100, blank=True, editable=False)
    size = models.PositiveBigIntegerField("Größe in Byte", default=0, editable=False)
    address = models.URLField("Adresse", max_length=500, blank=True)
    dated_on = models.DateField("Stand", null=True, blank=True)
    accessible = models.BooleanField("barrierefrei", null=True, blank=True)
    accessibility_note = models.CharField(
        "Hinweis zur Barrierefreiheit",
        max_length=300,
        blank=True,
        help_text="Wenn nicht barrierefrei: warum nicht.",
    )
    alternative = models.CharField(
        "Stattdessen",
        max_length=300,
        blank=True,
        help_text="Wie man den Inhalt ohne Barrieren bekommt.",
    )
    is_public = models.BooleanField(
        "öffentlich zeigen",
        default=True,
        help_text="Gezeigt wird ein Eintrag nur, wenn er auch eine Datei oder eine Adresse hat.",
    )
    position = models.PositiveSmallIntegerField("Reihenfolge", default=0)
    history = HistoricalRecords()

    objects = DownloadQuerySet.as_manager()

    class Meta:
        verbose_name = "Download"
        verbose_name_plural = "Downloads"
        ordering: ClassVar = ["position", "title"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(file="") | Q(address=""),
                name="download_has_one_source",
                violation_error_message="Bitte geben Sie eine Datei oder eine Adresse an, "
                "nicht beides.",
            ),
            models.CheckConstraint(
                condition=(Q(file="") & Q(size=0) & Q(content_type=""))
                | (~Q(file="") & Q(size__gt=0) & ~Q(content_type="")),
                name="download_file_is_known",
                violation_error_message="Zu einer Datei gehören ihr Typ und ihre Größe.",
            ),
            models.CheckConstraint(
                condition=Q(accessible=None) | Q(accessible=True) | ~Q(accessibility_note=""),
                name="download_says_why_not_accessible",
                violation_error_message="Bitte schreiben Sie dazu, warum der Inhalt nicht "
                "barrierefrei ist.",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def href(self) -> str:
        """Where the public opens the entry: its file here, or its address elsewhere."""
        if self.file:
            return reverse("download_file", args=[self.pk, self.file_name])
        return self.address

    @property
    def file_name(self) -> str:
        """The file's name without its folder; empty where there is no file."""
        return self.file.name.rsplit("/", 1)[-1] if self.file else ""

    @property
    def file_kind(self) -> str:
        """What the file is, in a word people know: „PDF“."""
        return FILE_KINDS.get(self.content_type, "Datei")


class PublicVersionManager(models.Manager["PublicVersion"]):
    def current(self) -> str:
        """The version of what the public sees now; empty where nothing may be kept.

        That is while a migration runs, and inside a transaction, which may see what nobody
        else ever will. One query without the ORM: every request for a public page makes it.
        """
        if connection.in_atomic_block:
            return ""
        with connection.cursor() as cursor:
            cursor.execute("SELECT token FROM portal_publicversion")
            row = cursor.fetchone()
        return row[0] if row else ""


class PublicVersion(models.Model):
    """One row with a value that never comes again, new after every write the public can see.

    Triggers set it (kiv_portal.management.public_version). Chance instead of a number, so that
    a restored database cannot repeat what a running process knows.
    """

    token = models.CharField("Wert", max_length=100, blank=True)

    objects = PublicVersionManager()

    class Meta:
        verbose_name = "Stand des Öffentlichen"
        verbose_name_plural = "Stand des Öffentlichen"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=1), name="public_version_is_one_row")
        ]

    def __str__(self) -> str:
        return self.token


class WorkState(models.TextChoices):
    """Where a row is that the worker takes on: shared by mails and jobs."""

    WAITING = "waiting", "wartet"
    DONE = "done", "erledigt"
    FAILED = "failed", "fehlgeschlagen"


class WorkQuerySet(models.QuerySet["Work"]):
    def due(self, at) -> WorkQuerySet:
        """Rows to take on now, oldest first."""
        return self.filter(state=WorkState.WAITING, next_try_at__lte=at).order_by("pk")


class Work(models.Model):
    """What mails and jobs have in common: a state staff can see, tries, a growing pause."""

    key = models.CharField(
        "Schlüssel",
        max_length=200,
        unique=True,
        help_text="Ein Ereignis, ein Schlüssel: derselbe Auftrag entsteht nie zweimal.",
    )
    state = models.CharField("Zustand", max_length=10, choices=WorkState, default=WorkState.WAITING)
    attempts = models.PositiveSmallIntegerField("Versuche", default=0)
    next_try_at = models.DateTimeField("nächster Versuch", default=timezone.now)
    created_at = models.DateTimeField("angelegt", default=timezone.now)
    done_at = models.DateTimeField("erledigt am", null=True, blank=True)
    last_error = models.TextField("letzter Fehler", blank=True)

    objects = WorkQuerySet.as_manager()

    class Meta:
        abstract = True


MAIL_SEAL: Final = "mail"
"""The purpose (kiv_portal.sealing) for which texts of private mails are sealed."""


class OutboxMail(Work):
    """One mail to one address, written in the transaction of its event, sent by the worker."""

    message_id = models.CharField("Message-ID", max_length=200, unique=True)
    recipient = models.EmailField("Empfänger")
    subject = models.CharField("Betreff", max_length=300)
    body = models.TextField("Text", blank=True)
    sealed = models.TextField("Text (verschlüsselt)", blank=True)
    private = models.BooleanField(
        "vertraulich",
        default=False,
        help_text=(
            "Der Text wird verschlüsselt aufbewahrt, nie angezeigt und nach dem Versand gelöscht."
        ),
    )
    forget = models.BooleanField(
        "Adresse nach dem Versand löschen",
        default=False,
        help_text="Für Adressen, die nur für diese eine Nachricht gespeichert waren.",
    )

    class Meta:
        verbose_name = "E-Mail"
        verbose_name_plural = "Postausgang"
        indexes: ClassVar = [
            models.Index(fields=["state", "next_try_at"], name="outbox_due"),
            models.Index(fields=["created_at"], name="outbox_created"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(private=False, sealed="") | Q(private=True, body=""),
                name="outbox_private_text_is_sealed",
                violation_error_message="Ein vertraulicher Text steht hier nur verschlüsselt.",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(sealed=""),
                name="outbox_private_text_goes_once_sent",
                violation_error_message="Ein vertraulicher Text bleibt nur bis zum Versand.",
            ),
        ]

    def __str__(self) -> str:
        if self.forget and not self.recipient:
            return "An eine Adresse, die gelöscht ist"
        return f"An {self.recipient}" if self.private else f"{self.subject} – {self.recipient}"

    def write(self, text: str) -> None:
        """Put the mail's text where it belongs: a private one is there for the portal only."""
        self.body, self.sealed = ("", seal(MAIL_SEAL, text)) if self.private else (text, "")

    def read(self) -> str:
        """The text as it is sent; empty once a private one is.

        Raises cryptography.fernet.InvalidToken where the portal's secret has changed since.
        """
        return unseal(MAIL_SEAL, self.sealed) if self.sealed else self.body


class Job(Work):
    """Something the worker does after the transaction, such as rendering a PDF."""

    kind = models.CharField("Art", max_length=50)
    argument = models.CharField("Gegenstand", max_length=100)

    class Meta:
        verbose_name = "Auftrag"
        verbose_name_plural = "Aufträge"
        indexes: ClassVar = [models.Index(fields=["state", "next_try_at"], name="job_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.argument}"
