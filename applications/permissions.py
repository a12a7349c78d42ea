"""Who may do what with an application. Each function answers with a bool, nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q

from applications.models import Application, ApplicationMember
from applications.models.application import ApplicationQuerySet
from applications.models.members import MemberRole
from applications.workflow import Actor, Status, Transition
from municipalities.models import Membership
from municipalities.permissions import may_read_desk, may_review, may_sign_decisions

if TYPE_CHECKING:
    from municipalities.models import Municipality, User


def visible_to(user: User | AnonymousUser) -> ApplicationQuerySet:
    """What a person sees on the applicant's side.

    Confirmed people who may read see all applications their municipality leads; people not
    yet confirmed see what they began themselves. Staff work at the desk and see nothing here
    by being staff.
    """
    if isinstance(user, AnonymousUser) or not user.is_active:
        return Application.objects.none()
    mine = Membership.objects.filter(user=user, municipality=OuterRef("municipality"))
    leads = ApplicationMember.objects.filter(application=OuterRef("pk"), role=MemberRole.LEAD)
    confirmed = leads.filter(Exists(mine.filter(confirmed_at__isnull=False, may_read=True)))
    return Application.objects.filter(
        Exists(confirmed) | (Q(created_by=user) & Exists(leads.filter(Exists(mine))))
    )


def visible_at_desk(user: User | AnonymousUser) -> ApplicationQuerySet:
    """What staff see: everything filed, never a draft."""
    if not may_read_desk(user):
        return Application.objects.none()
    return Application.objects.submitted()


def _membership(user: User | AnonymousUser, application: Application) -> Membership | None:
    if isinstance(user, AnonymousUser) or not user.is_active:
        return None
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


def may_see(user: User | AnonymousUser, application: Application) -> bool:
    """May read the application on the applicant's side."""
    return visible_to(user).filter(pk=application.pk).exists()


def may_edit(user: User | AnonymousUser, application: Application) -> bool:
    """May write in it: confirmed people with that right, and whoever began it."""
    member = _membership(user, application)
    if member is None or not member.may_edit:
        return False
    return member.confirmed_at is not None or application.created_by_id == member.user_id


def may_file(user: User | AnonymousUser, application: Application) -> bool:
    """May submit, answer and withdraw.

    Confirmed people with the right to sign. Whoever is not confirmed yet may do so with what
    they began themselves: the authority confirms people before or after (PROGRAMME §6).
    """
    member = _membership(user, application)
    if member is None:
        return False
    if member.confirmed_at is None:
        return member.may_edit and application.created_by_id == member.user_id
    return member.may_sign


def may_review_application(user: User | AnonymousUser, application: Application) -> bool:
    """May check a filed application and prepare its decision."""
    return may_review(user) and not application.is_draft


def may_sign_decision(user: User | AnonymousUser, application: Application) -> bool:
    """May put the final signature under the open proposal: not whoever wrote it.

    The database refuses it as well (unique person per decision).
    """
    if isinstance(user, AnonymousUser) or not may_sign_decisions(user):
        return False
    if application.state is not Status.PROPOSED:
        return False
    return not application.decisions.filter(state="proposed", hands__user=user).exists()


def may_make(user: User | AnonymousUser, application: Application, move: Transition) -> bool:
    """May make this move, as far as the person goes; whether the state allows it is separate."""
    if move.actor is Actor.APPLICANT:
        return may_file(user, application)
    if move.actor is Actor.REVIEWER:
        return may_review_application(user, application)
    return may_sign_decision(user, application)
