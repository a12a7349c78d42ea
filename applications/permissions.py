"""Who may do what with an application. Each function answers with a bool, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from applications.models import Application, ApplicationGuest, Deputy, GuestRole, Recording
from applications.models.application import ApplicationQuerySet
from applications.models.members import MemberRole
from applications.rules import SignatureForm
from applications.workflow import Actor, Status, Transition
from municipalities.models import Membership
from municipalities.permissions import (
    may_administer,
    may_read_desk,
    may_review,
    may_sign_decisions,
    may_sign_for,
)

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.db.models import QuerySet

    from municipalities.models import Municipality, User


BEFORE_DECISION = frozenset(
    {
        Status.FORMAL_CHECK,
        Status.INFORMATION_REQUESTED,
        Status.SUBSTANTIVE_CHECK,
        Status.HEARING,
        Status.PROPOSED,
    }
)
"""States in which a case is handled and not decided yet."""

BEING_RECORDED = Q(status=Status.DRAFT) & ~Q(received_as="")
"""What staff are recording: no municipality sees or changes it before it is filed."""

_HELD = "_membership_of_reader"


def visible_to(user: User | AnonymousUser, *, at: datetime | None = None) -> ApplicationQuerySet:
    """What a person sees on the applicant's side: the team's own, and what they are a guest of.

    `at` is the instant that decides whether a guest's time is over; without it, now.
    """
    if isinstance(user, AnonymousUser) or not user.is_active:
        return Application.objects.none()
    guests = ApplicationGuest.objects.admitted(at or timezone.now())
    # Staff must not see a draft, so an account that became one loses its invitations.
    if user.is_staff:
        guests = guests.none()
    as_guest = Exists(guests.filter(application=OuterRef("pk"), user=user))
    seen = (_on_team(user) | as_guest) & ~BEING_RECORDED
    if user.is_staff:  # whoever records what came otherwise writes in it as applicants do
        seen |= BEING_RECORDED & Q(recording__recorded_by=user, recording__ready_at__isnull=True)
    return Application.objects.kept().filter(seen)


def visible_to_team(user: User | AnonymousUser) -> ApplicationQuerySet:
    """What a person sees as one of the municipality's people, guests left out.

    Confirmed people who may read see all applications their municipality leads; people not
    yet confirmed see what they began themselves. Staff work at the desk and see nothing here
    by being staff.
    """
    if isinstance(user, AnonymousUser) or not user.is_active:
        return Application.objects.none()
    return Application.objects.kept().filter(_on_team(user) & ~BEING_RECORDED)


def _on_team(user: User) -> Q:
    """Confirmed people of the lead who may read, and of the others whoever began it."""
    mine = Membership.objects.filter(
        Q(confirmed_at__isnull=False, may_read=True) | Q(user=OuterRef("created_by")),
        user=user,
        municipality__application_members__application=OuterRef("pk"),
        municipality__application_members__role=MemberRole.LEAD,
    )
    return Q(Exists(mine))


def visible_at_desk(user: User | AnonymousUser) -> ApplicationQuerySet:
    """What staff see: everything filed, never a draft."""
    if not may_read_desk(user):
        return Application.objects.none()
    return Application.objects.submitted()


def _membership(user: User | AnonymousUser, application: Application) -> Membership | None:
    """What the person may do for the applicant. What `see` found holds for its own request."""
    if application.erased_at is not None:  # its number is left, and nobody's
        return None
    if application.is_being_recorded:
        return None
    if isinstance(user, AnonymousUser) or not user.is_active:
        return None
    held: tuple[int, Membership | None] | None = application.__dict__.get(_HELD)
    if held is not None and held[0] == user.pk:
        return held[1]
    return Membership.objects.filter(
        user=user,
        municipality__application_members__application=application,
        municipality__application_members__role=MemberRole.LEAD,
    ).first()


def may_start(user: User | AnonymousUser, municipality: Municipality) -> bool:
    """May begin a draft for the municipality: its people who may write, confirmed or not yet."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return False
    return Membership.objects.filter(user=user, municipality=municipality, may_edit=True).exists()


def may_see(
    user: User | AnonymousUser, application: Application, *, at: datetime | None = None
) -> bool:
    """May read the application on the applicant's side: what `visible_to` says of one."""
    if isinstance(user, AnonymousUser) or not user.is_active:
        return False
    return (
        is_on_team(user, application)
        or may_record(user, application)
        or (
            not user.is_staff
            and application.guests.admitted(at or timezone.now()).filter(user=user).exists()
        )
    )


def see(user: User | AnonymousUser, application: Application, *, at: datetime) -> bool:
    """`may_see`, asked once for a page: what it finds of the person is held at the application.

    For an instance that one request has read for itself. Services read their own under the lock
    and ask anew.
    """
    application.__dict__[_HELD] = (user.pk, _membership(user, application))
    return may_see(user, application, at=at)


def is_on_team(user: User | AnonymousUser, application: Application) -> bool:
    """Is one of the municipality's people and no guest: sees letters, team and reminders."""
    member = _membership(user, application)
    if member is None:
        return False
    began = application.created_by_id == member.user_id
    return began or (member.confirmed_at is not None and member.may_read)


def may_retrieve(user: User | AnonymousUser, application: Application) -> bool:
    """May retrieve a letter, with what follows in law: confirmed people of the lead who may read.

    Never staff, no guest, and nobody whom the authority has not confirmed yet.
    """
    member = _membership(user, application)
    if member is None or member.user.is_staff:
        return False
    return member.confirmed_at is not None and member.may_read


def may_edit(user: User | AnonymousUser, application: Application) -> bool:
    """May write in it: confirmed people with that right, and whoever began it.

    What came otherwise is written by whoever records it.
    """
    if may_record(user, application):
        return True
    member = _membership(user, application)
    if member is None or not member.may_edit:
        return False
    return member.confirmed_at is not None or application.created_by_id == member.user_id


def recordings() -> QuerySet[Recording]:
    """What is being recorded, or waits for its second person."""
    return Recording.objects.filter(confirmed_at__isnull=True, application__erased_at__isnull=True)


def may_record(user: User | AnonymousUser, application: Application) -> bool:
    """May write what came otherwise into the form: who began to record it, until presented."""
    if not application.is_being_recorded or application.erased_at or not may_review(user):
        return False
    mine = Recording.objects.filter(application=application, recorded_by=user.pk)
    return mine.filter(ready_at__isnull=True).exists()


def may_confirm_recording(user: User | AnonymousUser, application: Application) -> bool:
    """May confirm what colleagues recorded and presented; never what one wrote in oneself."""
    if not application.is_being_recorded or application.erased_at or not may_review(user):
        return False
    presented = Recording.objects.filter(application=application, ready_at__isnull=False)
    return presented.exclude(hands__user=user.pk).exists()


def may_take_recording_over(user: User | AnonymousUser, application: Application) -> bool:
    """May go on with what a colleague began to record and has not presented."""
    if not application.is_being_recorded or application.erased_at or not may_review(user):
        return False
    begun = Recording.objects.filter(application=application, ready_at__isnull=True)
    return begun.exclude(recorded_by=user.pk).exists()


def may_speak_publicly(user: User | AnonymousUser, application: Application) -> bool:
    """May say what the public reads of a granted case: confirmed people who may write or sign."""
    member = _membership(user, application)
    if member is None or member.confirmed_at is None or member.user.is_staff:
        return False
    return member.may_edit or member.may_sign


def may_file(user: User | AnonymousUser, application: Application) -> bool:
    """May submit, answer and withdraw.

    Confirmed people with the right to sign. Whoever is not confirmed yet may do so with what
    they began themselves: the authority confirms people before or after (PROGRAMME §6).
    """
    member = _membership(user, application)
    if member is None:
        return False
    if member.confirmed_at is None:
        began = member.may_edit and application.created_by_id == member.user_id
        # Where the account itself signs, the right to sign is the signature.
        by_account = application.call.signature_form == SignatureForm.ACCOUNT
        return began and (member.may_sign or not by_account)
    return member.may_sign


def may_manage_team(user: User | AnonymousUser, application: Application) -> bool:
    """May invite guests and hand the application over.

    Confirmed people who manage the municipality's people or sign for it, and whoever is in
    charge of the application.
    """
    member = _membership(user, application)
    return member is not None and manages_team(member, application)


def manages_team(member: Membership, application: Application) -> bool:
    """`may_manage_team` of one of the lead's people whose account is open."""
    if application.created_by_id == member.user_id:
        return member.may_edit
    return member.confirmed_at is not None and (member.may_manage or member.may_sign)


def may_confirm_cooperation(user: User | AnonymousUser, partner: Municipality) -> bool:
    """May give the Kooperationserklärung in the partner's own name: its confirmed signatories."""
    return may_sign_for(user, partner)


def may_comment(user: User | AnonymousUser, application: Application, *, at: datetime) -> bool:
    """May leave remarks: people who write in it, and guests invited to comment."""
    return may_edit(user, application) or is_guest_who_comments(user, application, at=at)


def is_guest_who_comments(
    user: User | AnonymousUser, application: Application, *, at: datetime
) -> bool:
    """Is a guest whose invitation is to comment, and whose time is not over."""
    if isinstance(user, AnonymousUser) or not user.is_active or user.is_staff:
        return False
    guests = application.guests.admitted(at)
    return guests.filter(user=user, role=GuestRole.COMMENT).exists()


def owns_address(user: User, email: str) -> bool:
    """Has this e-mail address and has proved it, which a sign-in alone does not say."""
    return EmailAddress.objects.filter(user=user, email__iexact=email, verified=True).exists()


def may_review_application(user: User | AnonymousUser, application: Application) -> bool:
    """May check a filed application and prepare its decision."""
    return may_review(user) and not application.is_draft and not is_recused(user, application)


def is_recused(user: User | AnonymousUser, application: Application) -> bool:
    """Is befangen in this case (§§ 20, 21 HVwVfG): neither writes nor signs in it."""
    return user.pk in application.recused


def may_take_part(user: User | AnonymousUser, application: Application) -> bool:
    """May write Vermerke and messages in a filed case: who checks or signs, unless befangen."""
    if application.is_draft or not (may_review(user) or may_sign_decisions(user)):
        return False
    return not is_recused(user, application)


def stood_in_for(user: User, *, on: date) -> frozenset[int]:
    """The reviewers, by key, whose list the person works on that day besides their own."""
    rows = Deputy.objects.in_force(on).filter(deputy=user)
    return frozenset(rows.values_list("absent", flat=True))


def may_name_deputy(user: User | AnonymousUser, absent: User) -> bool:
    """May say who stands in: reviewers for themselves, administrators for everybody."""
    return may_administer(user) or (user.pk == absent.pk and may_review(user))


def may_sign_decision(user: User | AnonymousUser, application: Application) -> bool:
    """May put the final signature under the open proposal: not whoever wrote it.

    The database refuses it as well (unique person per decision).
    """
    if isinstance(user, AnonymousUser) or not may_sign_decisions(user):
        return False
    proposed = application.decisions.filter(state="proposed")
    if not proposed.exists() or proposed.filter(hands__user=user).exists():
        return False
    return not is_recused(user, application)


def may_correct_letter(user: User | AnonymousUser, application: Application) -> bool:
    """May correct the open proposal's letter: a signer, whether or not they wrote in it before.

    Who countersigned or signed has another hand in it.
    """
    if isinstance(user, AnonymousUser) or not may_sign_decisions(user):
        return False
    proposed = application.decisions.filter(state="proposed")
    return (
        not is_recused(user, application)
        and proposed.exists()
        and not proposed.filter(
            hands__user=user, hands__role__in=("signed", "countersigned")
        ).exists()
    )


def may_allow_early_start(user: User | AnonymousUser, application: Application) -> bool:
    """May sign the consent to an early start: a signer who does not handle the case, before a
    decision. Its writer never does: the letter says who that is."""
    if isinstance(user, AnonymousUser) or not may_sign_decisions(user):
        return False
    if is_recused(user, application):
        return False
    return application.state in BEFORE_DECISION and application.reviewer_id not in (None, user.pk)


def may_make(user: User | AnonymousUser, application: Application, move: Transition) -> bool:
    """May make this move, as far as the person goes; whether the state allows it is separate."""
    if move.actor is Actor.APPLICANT:
        return may_file(user, application)
    if move.action == "confirm_recording":
        return may_confirm_recording(user, application)
    if move.actor is Actor.REVIEWER:
        return may_review_application(user, application)
    if move.action == "correct_letter":
        return may_correct_letter(user, application)
    return may_sign_decision(user, application)
