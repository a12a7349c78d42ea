"""The people of a municipality: named, confirmed, given rights, handed over, ended.

Every writer locks the municipality first: who manages its people is decided by one at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from municipalities.eligibility import Kind
from municipalities.mails import tell
from municipalities.models import RIGHTS, EventKind, Invitation, Membership, Municipality
from municipalities.permissions import (
    may_administer_people,
    may_look_after,
    may_manage_for,
)
from municipalities.services.records import record

if TYPE_CHECKING:
    from datetime import datetime

    from municipalities.models import User

FIRST_RIGHTS = {"may_read": True, "may_edit": True, "may_sign": False, "may_manage": False}
"""What a person who names a municipality is put down for, until somebody confirms it."""


class NotAllowed(Exception):
    """The person may not do this; says why, in German."""


class NotPossible(Exception):
    """It cannot be done as things stand; says why, in German."""


class LastManager(NotPossible):
    """Nobody would be left who looks after the municipality's people."""

    def __init__(self) -> None:
        super().__init__(
            "Danach könnte niemand mehr die Personen dieser Kommune verwalten. Geben Sie zuerst "
            "einer anderen Person das Recht „Personen verwalten“."
        )


def check_no_staff(user: User) -> None:
    """Raises NotPossible for staff: whoever decides about applications makes none."""
    if user.is_staff:
        raise NotPossible(
            "Konten von Beschäftigten der Bewilligungsbehörde handeln nicht für Kommunen."
        )


def lock(municipality: Municipality) -> Municipality:
    """The municipality, locked until the end of the transaction."""
    return Municipality.objects.select_for_update().get(pk=municipality.pk)


def managers(municipality: Municipality) -> list[User]:
    """Who looks after its people today."""
    rows = municipality.memberships.filter(
        confirmed_at__isnull=False, may_manage=True, user__is_active=True
    ).select_related("user")
    return [row.user for row in rows.order_by("pk")]


def known_domains(municipality: Municipality) -> dict[str, int]:
    """Mail domains of its confirmed people, with how many use them: a hint, never a proof."""
    found: dict[str, int] = {}
    if municipality.mail_domain:
        found[municipality.mail_domain.lower()] = 0
    for email in municipality.memberships.filter(confirmed_at__isnull=False).values_list(
        "user__email", flat=True
    ):
        domain = email.rpartition("@")[2]
        found[domain] = found.get(domain, 0) + 1
    return found


def domain_hint(membership: Membership) -> str:
    """What the person's mail domain says about belonging to the municipality."""
    domain = membership.user.email.rpartition("@")[2]
    known = known_domains(membership.municipality)
    if domain not in known:
        return f"Die Mail-Domain {domain} ist für diese Kommune noch nicht bekannt."
    others = known[domain]
    if others == 0:
        return f"Die Mail-Domain {domain} ist bei der Kommune hinterlegt."
    people = "eine bestätigte Person" if others == 1 else f"{others} bestätigte Personen"
    verb = "nutzt" if others == 1 else "nutzen"
    return f"Die Mail-Domain {domain} {verb} schon {people} dieser Kommune."


def ask_membership(
    *, user: User, municipality: Municipality, at: datetime, tell_managers: bool = True
) -> Membership:
    """Put the person down for the municipality they name; somebody has still to confirm it.

    Until then they see and submit only what they began themselves. Its managers are told, at a
    registration only when the address is verified (`announce`). Raises NotPossible when they
    are put down already, for staff, or for what is no municipality today.
    """
    check_no_staff(user)
    _check_can_act(municipality, at)
    with transaction.atomic():
        town = lock(municipality)
        if town.memberships.filter(user=user).exists():
            raise NotPossible(f"Ihr Konto ist {town.short_name} schon zugeordnet.")
        membership = Membership.objects.create(
            user=user, municipality=town, created_at=at, **FIRST_RIGHTS
        )
        record(EventKind.MEMBERSHIP_ASKED, user=user, by=user, municipality=town, at=at)
        if tell_managers:
            _announce(membership, at)
    return membership


def announce(*, user: User, at: datetime) -> None:
    """Tell the managers of every municipality the person waits for: the address is verified."""
    with transaction.atomic():
        for membership in waiting().filter(user=user):
            _announce(membership, at)


def _announce(membership: Membership, at: datetime) -> None:
    for manager in managers(membership.municipality):
        tell(
            manager.email,
            "mails/accounts/asked.txt",
            at=at,
            event=f"{membership.pk}",
            membership=membership,
        )


def _check_can_act(municipality: Municipality, at: datetime) -> None:
    """Raises NotPossible for what is no municipality that can apply on that day."""
    unincorporated = municipality.kind == Kind.UNINCORPORATED
    if unincorporated or not municipality.is_in_force(timezone.localdate(at)):
        raise NotPossible("Für dieses Gebiet kann keine Kommune handeln.")


def confirm_membership(
    *, membership: Membership, rights: dict[str, bool], by: User, at: datetime
) -> Membership:
    """Say that the person belongs to the municipality, with these rights; they are told.

    Raises NotAllowed for everybody but its managers and staff with that role, and for
    oneself; NotPossible when it is confirmed or gone already, or for staff.
    """
    with transaction.atomic():
        town = lock(membership.municipality)
        row = _locked(membership)
        _check_may_look_after(by, town)
        if row.user_id == by.pk:
            raise NotAllowed("Niemand bestätigt sich selbst.")
        if row.is_confirmed:
            raise NotPossible("Diese Person ist schon bestätigt.")
        check_no_staff(row.user)
        _set(row, rights)
        row.confirmed_at, row.confirmed_by = at, by
        row.save()
        record(
            EventKind.MEMBERSHIP_CONFIRMED,
            user=row.user,
            by=by,
            municipality=town,
            at=at,
            detail=row.rights,
        )
        _tell_person(row, "mails/accounts/confirmed.txt", at)
    return row


def refuse_membership(*, membership: Membership, by: User, at: datetime) -> None:
    """Say that the person does not belong to the municipality: the row goes, the log keeps it.

    Raises NotAllowed as `confirm_membership`, NotPossible when it is confirmed already.
    """
    with transaction.atomic():
        town = lock(membership.municipality)
        row = _locked(membership)
        _check_may_look_after(by, town)
        if row.is_confirmed:
            raise NotPossible("Diese Person ist schon bestätigt. Beenden Sie ihre Zugehörigkeit.")
        record(EventKind.MEMBERSHIP_REFUSED, user=row.user, by=by, municipality=town, at=at)
        _tell_person(row, "mails/accounts/refused.txt", at)
        row.delete()


def add_membership(
    *, user: User, municipality: Municipality, rights: dict[str, bool], by: User, at: datetime
) -> Membership:
    """Staff put a person down for a municipality, confirmed at once.

    Raises NotAllowed without the role „Personen", NotPossible for staff or when they belong to
    it already.
    """
    if not may_administer_people(by):
        raise NotAllowed("Das ist der Rolle „Personen“ vorbehalten.")
    if user.pk == by.pk:
        raise NotAllowed("Niemand ordnet sich selbst einer Kommune zu.")
    check_no_staff(user)
    _check_can_act(municipality, at)
    with transaction.atomic():
        town = lock(municipality)
        if town.memberships.filter(user=user).exists():
            raise NotPossible("Diese Person gehört schon zu dieser Kommune.")
        row = Membership(
            user=user, municipality=town, created_at=at, confirmed_at=at, confirmed_by=by
        )
        _set(row, rights)
        row.save()
        record(
            EventKind.MEMBERSHIP_CONFIRMED,
            user=user,
            by=by,
            municipality=town,
            at=at,
            detail=row.rights,
        )
        _tell_person(row, "mails/accounts/confirmed.txt", at)
    return row


def change_rights(
    *, membership: Membership, rights: dict[str, bool], by: User, at: datetime
) -> Membership:
    """Change what a person may do for the municipality; it does not confirm them.

    Raises NotAllowed as `confirm_membership`; LastManager when nobody would be left who looks
    after its people.
    """
    with transaction.atomic():
        town = lock(membership.municipality)
        row = _locked(membership)
        _check_may_look_after(by, town)
        before, had_manager = row.rights, bool(managers(town))
        _set(row, rights)
        if row.rights == before:
            return row
        row.save()
        _check_manager_left(town, had_manager)
        if row.user_id != by.pk and not row.may_manage:
            _void_invitations(town, row.user, at)
        record(
            EventKind.MEMBERSHIP_CHANGED,
            user=row.user,
            by=by,
            municipality=town,
            at=at,
            detail=f"vorher {before}; jetzt {row.rights}",
        )
    return row


def end_membership(*, membership: Membership, by: User, at: datetime) -> None:
    """The person acts for the municipality no more; whoever it is may also leave.

    Raises NotAllowed for others than its managers, staff with that role and the person itself;
    LastManager when nobody would be left who looks after its people.
    """
    with transaction.atomic():
        town = lock(membership.municipality)
        row = _locked(membership)
        if row.user_id != by.pk:
            _check_may_look_after(by, town)
        had_manager = bool(managers(town))
        person = row.user
        row.delete()
        _check_manager_left(town, had_manager)
        record(EventKind.MEMBERSHIP_ENDED, user=person, by=by, municipality=town, at=at)
        if person.pk != by.pk:
            _void_invitations(town, person, at)
            tell(
                person.email,
                "mails/accounts/ended.txt",
                at=at,
                event=f"{person.pk}:{town.pk}:{at.isoformat()}",
                municipality=town,
            )


def hand_over(*, membership: Membership, leave: bool, by: User, at: datetime) -> None:
    """A manager makes a confirmed colleague manager, and with `leave` goes.

    Without `leave` they stay with their other rights. Raises NotAllowed for whoever is no
    manager, NotPossible for somebody not confirmed or for oneself.
    """
    with transaction.atomic():
        town = lock(membership.municipality)
        row = _locked(membership)
        if not may_manage_for(by, town):
            raise NotAllowed("Übergeben kann nur, wer die Personen dieser Kommune verwaltet.")
        if row.user_id == by.pk or not (row.is_confirmed and row.user.is_active):
            raise NotPossible("Bitte wählen Sie eine andere, bestätigte Person.")
        row.may_manage = True
        row.save()
        own = town.memberships.get(user=by)
        if leave:
            own.delete()
        else:
            own.may_manage = False
            own.save()
        record(
            EventKind.HANDED_OVER,
            user=row.user,
            by=by,
            municipality=town,
            at=at,
            detail="und ausgeschieden" if leave else "",
        )
        _tell_person(row, "mails/accounts/handed_over.txt", at)


def close_organisation(*, municipality: Municipality, by: User, at: datetime) -> int:
    """End all memberships and open invitations of the municipality; returns how many people.

    What was filed stays with the authority, drafts stay until their period ends. Whoever comes
    later is confirmed by the authority. Raises NotAllowed for others than its managers and staff
    with that role.
    """
    with transaction.atomic():
        town = lock(municipality)
        _check_may_look_after(by, town)
        people = [row.user for row in town.memberships.select_related("user")]
        Invitation.objects.filter(municipality=town, accepted_at=None, withdrawn_at=None).update(
            withdrawn_at=at
        )
        for row in town.memberships.all():
            row.delete()
        record(
            EventKind.ORGANISATION_CLOSED,
            by=by,
            municipality=town,
            at=at,
            detail=f"{len(people)} Personen" if len(people) != 1 else "1 Person",
        )
        for person in people:
            record(EventKind.MEMBERSHIP_ENDED, user=person, by=by, municipality=town, at=at)
            if person.pk != by.pk:
                tell(
                    person.email,
                    "mails/accounts/ended.txt",
                    at=at,
                    event=f"{person.pk}:{town.pk}:{at.isoformat()}",
                    municipality=town,
                )
    return len(people)


def waiting(municipality: Municipality | None = None) -> Any:
    """Memberships nobody has confirmed yet, oldest first; not those of unverified addresses."""
    towns = Q() if municipality is None else Q(municipality=municipality)
    return (
        Membership.objects.filter(towns, confirmed_at=None)
        .exclude(user__emailaddress__verified=False)
        .select_related("user", "municipality")
        .order_by("created_at", "pk")
    )


def _locked(membership: Membership) -> Membership:
    """The row as it is now. Raises NotPossible when it is gone."""
    row = (
        Membership.objects.select_for_update(of=("self",))
        .select_related("user", "municipality")
        .filter(pk=membership.pk)
        .first()
    )
    if row is None:
        raise NotPossible("Diese Zugehörigkeit gibt es nicht mehr.")
    return row


def _check_may_look_after(by: User, municipality: Municipality) -> None:
    if not may_look_after(by, municipality):
        raise NotAllowed("Die Personen dieser Kommune verwalten andere.")


def _check_manager_left(municipality: Municipality, had_manager: bool) -> None:
    if had_manager and not managers(municipality):
        raise LastManager


def _void_invitations(municipality: Municipality, person: User, at: datetime) -> None:
    """Whoever was sent away does not come back by an invitation of their own."""
    sent = municipality.invitations.filter(created_by=person, accepted_at=None, withdrawn_at=None)
    sent.update(withdrawn_at=at)


def _set(row: Membership, rights: dict[str, bool]) -> None:
    for name in RIGHTS:
        setattr(row, name, bool(rights.get(name, False)))


def _tell_person(row: Membership, template: str, at: datetime) -> None:
    tell(
        row.user.email,
        template,
        at=at,
        event=f"{row.pk}:{at.isoformat()}",
        municipality=row.municipality,
        membership=row,
    )
