"""The bottom layer: what every room shares — the authority, downloads, outgoing mail, jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper


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
    is_sample = models.BooleanField("Angaben nur zur Demonstration", default=False)
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


class DownloadQuerySet(models.QuerySet["Download"]):
    def published(self) -> DownloadQuerySet:
        """Entries the public may see: those that really have a file or an address."""
        return self.exclude(file="", address="")


class Download(models.Model):
    """An entry of the download page. Without a file or an address it is not shown."""

    title = models.CharField("Titel", max_length=200)
    description = models.TextField("Beschreibung", blank=True)
    kind = models.CharField("Art", max_length=100, blank=True)
    file = models.FileField("Datei", upload_to="downloads/", blank=True)
    address = models.URLField("Adresse", blank=True)
    dated_on = models.DateField("Stand", null=True, blank=True)
    accessible = models.BooleanField("barrierefrei", null=True, blank=True)
    accessibility_note = models.CharField(
        "Hinweis zur Barrierefreiheit", max_length=300, blank=True
    )
    position = models.PositiveSmallIntegerField("Reihenfolge", default=0)
    history = HistoricalRecords()

    objects = DownloadQuerySet.as_manager()

    class Meta:
        verbose_name = "Download"
        verbose_name_plural = "Downloads"
        ordering: ClassVar = ["position", "title"]

    def __str__(self) -> str:
        return self.title


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


class OutboxMail(Work):
    """One mail to one address, written in the transaction of its event, sent by the worker."""

    message_id = models.CharField("Message-ID", max_length=200, unique=True)
    recipient = models.EmailField("Empfänger")
    subject = models.CharField("Betreff", max_length=300)
    body = models.TextField("Text", blank=True)
    private = models.BooleanField(
        "vertraulich",
        default=False,
        help_text="Mails zum Konto: Der Text wird nie angezeigt und nach dem Versand gelöscht.",
    )

    class Meta:
        verbose_name = "E-Mail"
        verbose_name_plural = "Postausgang"
        indexes: ClassVar = [models.Index(fields=["state", "next_try_at"], name="outbox_due")]

    def __str__(self) -> str:
        return f"An {self.recipient}" if self.private else f"{self.subject} – {self.recipient}"


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
