"""The people: accounts, what they may do for a municipality, and the roles of staff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from simple_history.models import HistoricalRecords

if TYPE_CHECKING:
    from datetime import datetime


class StaffRole(models.TextChoices):
    """The roles of the authority; each is a group of that name."""

    READ = "Lesen", "Lesen"
    AUDIT = "Revision", "Revision"
    REVIEW = "Prüfung", "Prüfung"
    SIGN = "Schlusszeichnung", "Schlusszeichnung"
    ADMINISTER = "Verwaltung", "Verwaltung"
    PEOPLE = "Personen", "Personen"


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an account; the address is stored in lower case and is the login.

        Raises ValueError without an address.
        """
        if not email:
            raise ValueError("Ein Konto braucht eine E-Mail-Adresse.")
        user = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        """Create an account that may do everything in the admin."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in with an e-mail address: municipal or staff."""

    email = models.EmailField("E-Mail", unique=True)
    name = models.CharField("Name oder Funktion", max_length=200, blank=True)
    phone = models.CharField("Telefon", max_length=50, blank=True)
    is_staff = models.BooleanField(
        "Mitarbeiterin oder Mitarbeiter der Bewilligungsbehörde", default=False
    )
    is_active = models.BooleanField("aktiv", default=True)
    created_at = models.DateTimeField("angelegt", default=timezone.now)
    closed_at = models.DateTimeField("geschlossen am", null=True, blank=True, editable=False)
    # When the person was told that the account ends because nobody uses it; a sign-in after that
    # makes both idle (municipalities.services.erasure).
    end_told_at = models.DateTimeField(
        "Löschung angekündigt am", null=True, blank=True, editable=False
    )
    end_told_again_at = models.DateTimeField(
        "Löschung noch einmal angekündigt am", null=True, blank=True, editable=False
    )

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = []

    objects = UserManager()

    class Meta:
        verbose_name = "Konto"
        verbose_name_plural = "Konten"
        ordering: ClassVar = ["email"]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, **kwargs: Any) -> None:
        self.email = self.email.strip().lower()
        super().save(**kwargs)

    def get_full_name(self) -> str:
        return str(self)


class Membership(models.Model):
    """What a person may do for a municipality: read, edit, sign, manage its people."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships", verbose_name="Konto")
    municipality = models.ForeignKey(
        "municipalities.Municipality",
        models.CASCADE,
        related_name="memberships",
        verbose_name="Kommune",
    )
    may_read = models.BooleanField("lesen", default=True)
    may_edit = models.BooleanField("bearbeiten", default=True)
    may_sign = models.BooleanField("zeichnen und einreichen", default=False)
    may_manage = models.BooleanField("Personen verwalten", default=False)
    confirmed_at = models.DateTimeField("bestätigt am", null=True, blank=True)
    confirmed_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="bestätigt von"
    )
    created_at = models.DateTimeField("angelegt", default=timezone.now)
    history = HistoricalRecords()

    class Meta:
        verbose_name = "Zugehörigkeit"
        verbose_name_plural = "Zugehörigkeiten"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "municipality"],
                name="membership_once",
                violation_error_message="Diese Person gehört schon zu dieser Kommune.",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, confirmed_by__isnull=True)
                | Q(confirmed_at__isnull=False, confirmed_by__isnull=False),
                name="membership_confirmed_at_and_by",
                violation_error_message="Eine Bestätigung braucht Zeitpunkt und Person.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} – {self.municipality}"

    @property
    def is_confirmed(self) -> bool:
        """Whether the municipality or the authority has said that the person belongs to it."""
        return self.confirmed_at is not None

    @property
    def state(self) -> str:
        """Where it stands, in German."""
        return "bestätigt" if self.is_confirmed else "noch nicht bestätigt"

    @property
    def rights(self) -> str:
        """The rights in German, as people read them."""
        return ", ".join(label for name, label in RIGHTS.items() if getattr(self, name)) or "keine"


RIGHTS: dict[str, str] = {
    "may_read": "lesen",
    "may_edit": "bearbeiten",
    "may_sign": "zeichnen und einreichen",
    "may_manage": "Personen verwalten",
}
"""The rights a person can have for a municipality, by field."""


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open_at(self, at: datetime) -> InvitationQuerySet:
        """Those that can still be accepted."""
        return self.filter(accepted_at=None, withdrawn_at=None, expires_at__gt=at)


class Invitation(models.Model):
    """Somebody is asked by mail to act for a municipality.

    The mail holds a token; here stands only its hash, and it serves once.
    """

    municipality = models.ForeignKey(
        "municipalities.Municipality",
        models.CASCADE,
        related_name="invitations",
        verbose_name="Kommune",
    )
    email = models.EmailField("E-Mail")
    may_read = models.BooleanField("lesen", default=True)
    may_edit = models.BooleanField("bearbeiten", default=True)
    may_sign = models.BooleanField("zeichnen und einreichen", default=False)
    may_manage = models.BooleanField("Personen verwalten", default=False)
    token_hash = models.CharField("Prüfwert des Links", max_length=64, unique=True)
    created_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name="eingeladen von"
    )
    created_at = models.DateTimeField("eingeladen am")
    expires_at = models.DateTimeField("gilt bis")
    accepted_by = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name="angenommen von"
    )
    accepted_at = models.DateTimeField("angenommen am", null=True, blank=True)
    withdrawn_at = models.DateTimeField("zurückgezogen am", null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = "Einladung"
        verbose_name_plural = "Einladungen"
        ordering: ClassVar = ["-created_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["municipality", "email"],
                condition=Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="invitation_one_open_per_address",
                violation_error_message="Diese Adresse ist schon eingeladen.",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="invitation_accepted_at_and_by",
                violation_error_message="Eine Annahme braucht Zeitpunkt und Person.",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(withdrawn_at__isnull=True),
                name="invitation_accepted_or_withdrawn",
                violation_error_message=(
                    "Eine angenommene Einladung kann nicht zurückgezogen werden."
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} – {self.municipality}"

    @property
    def rights(self) -> str:
        """The rights it gives, in German."""
        return ", ".join(label for name, label in RIGHTS.items() if getattr(self, name)) or "keine"


class GrantState(models.TextChoices):
    """What has become of the wish to give somebody a role."""

    ASKED = "asked", "wartet auf die zweite Person"
    GRANTED = "granted", "erteilt"
    REFUSED = "refused", "nicht erteilt"


class FourEyes(models.Model):
    """What one person asks for somebody and another one agrees to, neither for oneself."""

    state = models.CharField("Stand", max_length=10, choices=GrantState, default=GrantState.ASKED)
    asked_by = models.ForeignKey(
        User, models.PROTECT, related_name="+", verbose_name="vorgeschlagen von"
    )
    asked_at = models.DateTimeField("vorgeschlagen am")
    decided_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name="entschieden von",
    )
    decided_at = models.DateTimeField("entschieden am", null=True, blank=True)

    class Meta:
        abstract = True
        ordering: ClassVar = ["-asked_at", "-pk"]


def _four_eyes(name: str, message: str) -> list[models.CheckConstraint]:
    """What the database holds such a row to: decided by somebody, and granted by another."""
    return [
        models.CheckConstraint(
            condition=Q(state="asked", decided_at__isnull=True, decided_by__isnull=True)
            | (~Q(state="asked") & Q(decided_at__isnull=False, decided_by__isnull=False)),
            name=f"{name}_decided_at_and_by",
            violation_error_message="Eine Entscheidung braucht Zeitpunkt und Person.",
        ),
        models.CheckConstraint(
            condition=~Q(user=F("asked_by"))
            & (~Q(state="granted") | (~Q(decided_by=F("asked_by")) & ~Q(decided_by=F("user")))),
            name=f"{name}_four_eyes",
            violation_error_message=message,
        ),
    ]


class RoleGrant(FourEyes):
    """A role for a colleague: one person asks for it, another one grants it, neither for oneself.

    Who administers people could otherwise make a second account of their own and decide alone.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="role_grants", verbose_name="Konto")
    role = models.CharField("Rolle", max_length=30, choices=StaffRole)

    class Meta(FourEyes.Meta):
        verbose_name = "Vergabe einer Rolle"
        verbose_name_plural = "Vergabe von Rollen"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "role"],
                condition=Q(state="asked"),
                name="role_grant_asked_once",
                violation_error_message="Diese Rolle ist für dieses Konto schon vorgeschlagen.",
            ),
            *_four_eyes(
                "role_grant",
                "Eine Rolle schlägt eine Person vor und eine andere erteilt sie, keine davon "
                "für sich selbst.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} für {self.user}"


class FactorReset(FourEyes):
    """A colleague has lost the second factor: one person asks for its removal, another agrees.

    Whoever could take it away alone could, with the mailbox, sign in as a colleague.
    """

    user = models.ForeignKey(
        User, models.CASCADE, related_name="factor_resets", verbose_name="Konto"
    )
    reason = models.CharField("Grund", max_length=200)

    class Meta(FourEyes.Meta):
        verbose_name = "Zurücksetzen eines zweiten Faktors"
        verbose_name_plural = "Zurücksetzen zweiter Faktoren"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"],
                condition=Q(state="asked"),
                name="factor_reset_asked_once",
                violation_error_message="Das ist für dieses Konto schon vorgeschlagen.",
            ),
            *_four_eyes(
                "factor_reset",
                "Das schlägt eine Person vor und eine andere stimmt zu, keine davon für sich "
                "selbst.",
            ),
        ]

    def __str__(self) -> str:
        return f"Zweiter Faktor von {self.user}"
