"""A person named in a public entry: only by that person's own consent, and only until its end.

They are asked at their own address, which is never shown. The link in the mail is signed and
serves as long as they are named: by it they agree, agree again, or disappear at once.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from applications import mails
from applications.models import Application, PersonConsent
from applications.services import log
from kiv_portal.folding import clean_text
from kiv_portal.models import Erasure
from kiv_portal.outbox import drop_waiting
from projects import services as projects
from projects.models import Contact

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.db.models import QuerySet

    from municipalities.models import User

SALT: Final = "applications.person"

AHEAD: Final = timedelta(days=30)
"""So long before the end a person is asked whether they want to be named further."""

UNANSWERED: Final = timedelta(days=30)
"""So long a person has to agree; then their name is deleted."""


class ConsentGone(Exception):
    """The link belongs to nobody who is named or asked."""


def link_of(consent: PersonConsent) -> str:
    """The address of the page on which the person agrees or disappears."""
    token = signing.dumps([consent.pk, consent.nonce], salt=SALT)
    return f"{settings.PORTAL_ADDRESS}/kontakt/einwilligung/{token}/"


def consent_of(token: str) -> PersonConsent:
    """The person of a link that was sent. Raises ConsentGone."""
    try:
        pk, nonce = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError) as error:
        raise ConsentGone from error
    found = (
        PersonConsent.objects.filter(pk=pk, nonce=nonce)
        .select_related("application__project")
        .first()
    )
    if found is None or found.application.project is None:
        raise ConsentGone
    return found


def named(application: Application) -> PersonConsent | None:
    """Who is asked or named for this case, if anybody."""
    return PersonConsent.objects.filter(application=application).first()


def last_day(at: datetime) -> date:
    """Until when somebody who agrees now is named."""
    return timezone.localdate(at) + timedelta(days=settings.CONTACT_DAYS)


def ask(
    application: Application, *, name: str, email: str, by: User, at: datetime
) -> PersonConsent:
    """Ask the person by mail; nobody is named before they agree. The caller holds the lock."""
    consent = PersonConsent.objects.create(
        application=application,
        name=" ".join(clean_text(name).split()),
        email=email.strip(),
        asked_at=at,
        asked_by=by,
    )
    _mail(consent, f"person_asked:{consent.nonce}", at)
    return consent


def agree_by_link(*, token: str, at: datetime) -> PersonConsent:
    """The person agrees to be named for a year from today. Raises ConsentGone."""
    with transaction.atomic():
        consent = _locked(token)
        project = consent.application.project
        assert project is not None  # consent_of looked
        consent.given_at, consent.until = at, last_day(at)
        try:
            projects.name_person(
                project=project, person=consent.name, until=consent.until, by=None, at=at
            )
        except projects.NoContact as error:  # taken back since the mail was sent
            raise ConsentGone from error
        consent.save(update_fields=["given_at", "until"])
        log.record(
            consent.application, "person_agreed", by=None, at=at, until=consent.until.isoformat()
        )
    return consent


def refuse_by_link(*, token: str, at: datetime) -> None:
    """The person does not want to be named, or no longer: gone at once. Raises ConsentGone."""
    with transaction.atomic():
        consent = _locked(token)
        application = consent.application
        _erase(consent, "removed_by_person", at)
        log.record(application, "person_refused", by=None, at=at)


def forget(application: Application, at: datetime) -> None:
    """Name nobody any more in this case's entry, at once. The caller holds the case's lock."""
    for consent in PersonConsent.objects.filter(application=application):
        _erase(consent, "named_no_longer", at)


def forget_address(email: str, at: datetime) -> None:
    """Name nobody any more who was asked at this address: their account is erased."""
    named = PersonConsent.objects.filter(email__iexact=email)
    for pk in _keys(named):
        with transaction.atomic():
            if consent := _held(named, pk):
                _erase(consent, "account_erased", at)


def repeat(consent: PersonConsent, *, rule: str, at: datetime) -> None:
    """Remove once more a person whom a restored backup brought back."""
    with transaction.atomic():
        _erase(consent, rule, at)


def persons_over(argument: str, at: datetime) -> None:
    """The worker's daily look: ask before the end, forget whose time is over or who is silent."""
    today = timezone.localdate(at)
    near = PersonConsent.objects.filter(until__gte=today, until__lte=today + AHEAD)
    near = near.exclude(reminded_of=F("until"))
    for pk in _keys(near):
        with transaction.atomic():
            if consent := _held(near, pk):
                PersonConsent.objects.filter(pk=pk).update(reminded_of=consent.until)
                _mail(consent, f"person_ends:{consent.nonce}:{consent.until}", at)
    over = PersonConsent.objects.filter(
        Q(until__lt=today) | Q(given_at__isnull=True, asked_at__lte=at - UNANSWERED)
    )
    for pk in _keys(over):
        with transaction.atomic():
            if consent := _held(over, pk):
                _erase(consent, "person_over", at)


def _locked(token: str) -> PersonConsent:
    """The consent of a link, its case locked first, so that nobody settles the same at once."""
    found = consent_of(token)
    Application.objects.select_for_update().get(pk=found.application_id)
    return consent_of(token)


def _keys(due: QuerySet[PersonConsent]) -> list[int]:
    return list(due.order_by("pk").values_list("pk", flat=True))


def _held(due: QuerySet[PersonConsent], pk: int) -> PersonConsent | None:
    """One of those due, read after its case is locked; None where the person answered meanwhile."""
    cases = Application.objects.select_for_update(of=("self",))
    return due.filter(pk=pk).first() if cases.filter(person_consent=pk).first() else None


def _erase(consent: PersonConsent, rule: str, at: datetime) -> None:
    """Delete the person, in the entry and all its earlier versions too; a ledger keeps it so."""
    project = consent.application.project
    Erasure.objects.note(consent, proof=consent.nonce, rule=rule, at=at, files=[])
    PersonConsent.objects.filter(pk=consent.pk).delete()
    # Nobody is asked any more for what was taken back.
    drop_waiting(f"person_asked:{consent.nonce}", f"person_ends:{consent.nonce}:")
    there = Contact.objects.filter(project=project).exclude(person="").exists()
    if project is not None and consent.given_at is not None and there:
        projects.name_person(project=project, person="", until=None, by=None, at=at)


def _mail(consent: PersonConsent, key: str, at: datetime) -> None:
    project = consent.application.project
    mails.tell(
        consent.email,
        "mails/person_consent.txt",
        key=key,
        at=at,
        private=True,
        forget=True,
        consent=consent,
        project=project,
        link=link_of(consent),
        last_day=consent.until or last_day(at),
        usable_until=timezone.localdate(at + UNANSWERED),
    )
