"""The people of a municipality: named, confirmed, invited, handed over, ended; never leaderless."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction

from kiv_portal.models import OutboxMail
from municipalities import services
from municipalities.eligibility import Kind
from municipalities.models import (
    AccountEvent,
    EventKind,
    Invitation,
    Membership,
    Municipality,
    User,
)
from municipalities.permissions import ADMINISTER, PEOPLE
from municipalities.services import invitations
from tests import world
from tests.factories import NOW, PASSWORD, MembershipFactory, MunicipalityFactory, UserFactory

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)
ALL = {"may_read": True, "may_edit": True, "may_sign": True, "may_manage": True}
READING = {"may_read": True}


@pytest.fixture
def town() -> Municipality:
    return MunicipalityFactory(short_name="Musterstadt")


@pytest.fixture
def keeper() -> User:
    return world.staff(PEOPLE)


def person(town: Municipality, by: User, **fields: Any) -> Membership:
    """A confirmed person of the town."""
    given = {"confirmed_at": NOW, "confirmed_by": by, **fields}
    membership: Membership = MembershipFactory(municipality=town, **given)
    return membership


@pytest.fixture
def manager(town: Municipality, keeper: User) -> Membership:
    return person(town, keeper, may_manage=True)


def events() -> list[str]:
    return list(AccountEvent.objects.order_by("pk").values_list("kind", flat=True))


def mails() -> list[tuple[str, str]]:
    return list(OutboxMail.objects.order_by("pk").values_list("recipient", "subject"))


def rights(membership: Membership) -> list[bool]:
    membership.refresh_from_db()
    return [getattr(membership, name) for name in ALL]


def refused(error: type[Exception], act: Any, **arguments: Any) -> str:
    with pytest.raises(error) as caught:
        act(**arguments)
    return str(caught.value)


# --- Named and confirmed --------------------------------------------------------------------------


def test_whoever_names_a_municipality_waits_and_its_managers_are_told(manager: Membership) -> None:
    user = UserFactory()
    row = services.ask_membership(user=user, municipality=manager.municipality, at=NOW)
    assert (row.is_confirmed, row.state) == (False, "noch nicht bestätigt")
    assert rights(row) == [True, True, False, False]
    assert mails() == [
        (manager.user.email, "Bitte bestätigen: neue Person für Musterstadt"),
    ]
    assert list(services.waiting(manager.municipality)) == [row]
    assert list(services.waiting()) == [row]
    assert events() == [EventKind.MEMBERSHIP_ASKED]


def test_nobody_is_put_down_twice(manager: Membership) -> None:
    said = refused(
        services.NotPossible,
        services.ask_membership,
        user=manager.user,
        municipality=manager.municipality,
        at=NOW,
    )
    assert said == "Ihr Konto ist Musterstadt schon zugeordnet."


@pytest.mark.parametrize(
    "fields", [{"kind": Kind.UNINCORPORATED}, {"valid_to": NOW.date() - timedelta(days=1)}]
)
def test_nobody_acts_for_what_is_no_municipality_today(fields: dict[str, Any]) -> None:
    place = MunicipalityFactory(**fields)
    assert "keine Kommune handeln" in refused(
        services.NotPossible,
        services.ask_membership,
        user=UserFactory(),
        municipality=place,
        at=NOW,
    )


@pytest.mark.parametrize("who", ["manager", "keeper"])
def test_a_manager_or_the_authority_confirms(
    who: str, manager: Membership, keeper: User, town: Municipality
) -> None:
    by = {"manager": manager.user, "keeper": keeper}[who]
    row = services.ask_membership(user=UserFactory(), municipality=town, at=NOW)
    after = services.confirm_membership(membership=row, rights=ALL, by=by, at=LATER)
    assert (after.confirmed_by, after.confirmed_at, after.state) == (by, LATER, "bestätigt")
    assert rights(row) == [True] * 4
    assert mails()[-1] == (row.user.email, "Sie sind für Musterstadt bestätigt")
    assert events()[-1] == EventKind.MEMBERSHIP_CONFIRMED
    assert "schon bestätigt" in refused(
        services.NotPossible,
        services.confirm_membership,
        membership=row,
        rights=READING,
        by=by,
        at=LATER,
    )


def test_others_confirm_nobody_and_nobody_confirms_themselves(
    manager: Membership, town: Municipality, keeper: User
) -> None:
    row = services.ask_membership(user=UserFactory(), municipality=town, at=NOW)
    elsewhere = person(MunicipalityFactory(), keeper, may_manage=True).user
    colleague = person(town, keeper, may_sign=True).user
    for by in (row.user, elsewhere, colleague, world.staff(ADMINISTER)):
        for act in (services.confirm_membership, services.change_rights):
            refused(services.NotAllowed, act, membership=row, rights=ALL, by=by, at=LATER)
        refused(services.NotAllowed, services.refuse_membership, membership=row, by=by, at=LATER)
    own = MembershipFactory(municipality=town, user=keeper)
    assert "sich selbst" in refused(
        services.NotAllowed,
        services.confirm_membership,
        membership=own,
        rights=ALL,
        by=keeper,
        at=LATER,
    )


def test_who_is_refused_is_told_and_belongs_there_no_more(manager: Membership) -> None:
    town = manager.municipality
    row = services.ask_membership(user=UserFactory(), municipality=town, at=NOW)
    services.refuse_membership(membership=row, by=manager.user, at=LATER)
    assert not Membership.objects.filter(pk=row.pk).exists()
    assert mails()[-1][1] == "Ihre Angabe zu Musterstadt wurde nicht bestätigt"
    assert events()[-1] == EventKind.MEMBERSHIP_REFUSED
    assert "gibt es nicht mehr" in refused(
        services.NotPossible, services.refuse_membership, membership=row, by=manager.user, at=LATER
    )
    assert "schon bestätigt" in refused(
        services.NotPossible,
        services.refuse_membership,
        membership=manager,
        by=manager.user,
        at=LATER,
    )


def test_staff_put_somebody_down_who_needs_no_more_confirmation(
    town: Municipality, keeper: User
) -> None:
    user = UserFactory()
    row = services.add_membership(user=user, municipality=town, rights=ALL, by=keeper, at=NOW)
    assert (row.confirmed_by, rights(row)) == (keeper, [True] * 4)
    again = {"municipality": town, "rights": ALL, "at": NOW}
    refused(services.NotPossible, services.add_membership, user=user, by=keeper, **again)
    refused(services.NotAllowed, services.add_membership, user=keeper, by=keeper, **again)
    refused(services.NotAllowed, services.add_membership, user=UserFactory(), by=user, **again)


def test_the_mail_domain_is_a_hint(town: Municipality, keeper: User) -> None:
    def hint(email: str) -> str:
        row = MembershipFactory(municipality=town, user=UserFactory(email=email))
        return services.domain_hint(row)

    assert "noch nicht bekannt" in hint("a@stadt.example")
    person(town, keeper, user=UserFactory(email="b@stadt.example"))
    assert "nutzt schon eine bestätigte Person" in hint("c@stadt.example")
    person(town, keeper, user=UserFactory(email="d@stadt.example"))
    assert "nutzen schon 2 bestätigte Personen" in hint("e@stadt.example")
    town.mail_domain = "Rathaus.example"
    town.save()
    assert "ist bei der Kommune hinterlegt" in hint("f@rathaus.example")


# --- Rights, end, successor -----------------------------------------------------------------------


def test_rights_change_and_the_log_says_from_what_to_what(
    manager: Membership, keeper: User
) -> None:
    row = person(manager.municipality, keeper)
    services.change_rights(membership=row, rights=ALL, by=manager.user, at=LATER)
    assert rights(row) == [True] * 4
    entry = AccountEvent.objects.get()
    assert entry.detail == (
        "vorher lesen, bearbeiten; jetzt lesen, bearbeiten, zeichnen und einreichen, "
        "Personen verwalten"
    )
    services.change_rights(membership=row, rights=ALL, by=manager.user, at=LATER)
    assert AccountEvent.objects.count() == 1


def test_the_last_manager_neither_leaves_nor_gives_the_right_up(
    manager: Membership, keeper: User
) -> None:
    person(manager.municipality, keeper)
    for by in (manager.user, keeper):
        said = refused(
            services.LastManager, services.end_membership, membership=manager, by=by, at=LATER
        )
        assert "Geben Sie zuerst einer anderen Person" in said
        refused(
            services.LastManager,
            services.change_rights,
            membership=manager,
            rights=READING,
            by=by,
            at=LATER,
        )
    assert rights(manager)[3] is True
    assert events() == []


def test_with_a_successor_the_manager_leaves(manager: Membership, keeper: User) -> None:
    person(manager.municipality, keeper, may_manage=True)
    services.end_membership(membership=manager, by=manager.user, at=LATER)
    assert not Membership.objects.filter(pk=manager.pk).exists()
    assert (mails(), events()) == ([], [EventKind.MEMBERSHIP_ENDED])


def test_a_manager_whose_account_is_closed_counts_no_more(
    manager: Membership, keeper: User
) -> None:
    person(manager.municipality, keeper, may_manage=True, user=UserFactory(is_active=False))
    refused(services.LastManager, services.end_membership, membership=manager, by=keeper, at=LATER)


def test_everybody_may_leave_and_who_is_sent_away_is_told(
    manager: Membership, keeper: User
) -> None:
    leaving, sent = (person(manager.municipality, keeper) for _ in range(2))
    refused(
        services.NotAllowed, services.end_membership, membership=sent, by=leaving.user, at=LATER
    )
    services.end_membership(membership=leaving, by=leaving.user, at=LATER)
    services.end_membership(membership=sent, by=manager.user, at=LATER)
    assert mails() == [(sent.user.email, "Ihr Zugang für Musterstadt ist beendet")]


@pytest.mark.parametrize("leave", [True, False])
def test_the_looking_after_is_handed_over(manager: Membership, keeper: User, leave: bool) -> None:
    row = person(manager.municipality, keeper)
    services.hand_over(membership=row, leave=leave, by=manager.user, at=LATER)
    assert services.managers(manager.municipality) == [row.user]
    assert Membership.objects.filter(pk=manager.pk).exists() is not leave
    assert mails()[-1][0] == row.user.email
    entry = AccountEvent.objects.get()
    assert (entry.kind, entry.detail) == (
        EventKind.HANDED_OVER,
        "und ausgeschieden" if leave else "",
    )


def test_it_is_handed_over_by_a_manager_to_another_confirmed_person(
    manager: Membership, keeper: User
) -> None:
    waiting = MembershipFactory(municipality=manager.municipality)
    row = person(manager.municipality, keeper)
    closed = person(manager.municipality, keeper, user=UserFactory(is_active=False))
    for to in (waiting, manager, closed):
        refused(
            services.NotPossible,
            services.hand_over,
            membership=to,
            leave=False,
            by=manager.user,
            at=NOW,
        )
    for by in (row.user, keeper):
        refused(services.NotAllowed, services.hand_over, membership=row, leave=False, by=by, at=NOW)


def test_closing_ends_all_memberships_and_invitations(manager: Membership, keeper: User) -> None:
    town = manager.municipality
    colleague = person(town, keeper)
    invitation = services.invite(
        municipality=town, email="neu@stadt.example", rights=READING, by=manager.user, at=NOW
    )
    refused(
        services.NotAllowed,
        services.close_organisation,
        municipality=town,
        by=colleague.user,
        at=NOW,
    )
    assert services.close_organisation(municipality=town, by=manager.user, at=LATER) == 2
    assert town.memberships.count() == 0
    invitation.refresh_from_db()
    assert invitation.withdrawn_at == LATER
    assert mails()[-1] == (colleague.user.email, "Ihr Zugang für Musterstadt ist beendet")
    assert AccountEvent.objects.get(kind=EventKind.ORGANISATION_CLOSED).detail == "2 Personen"
    assert services.close_organisation(municipality=town, by=keeper, at=LATER) == 0


# --- Invitations ----------------------------------------------------------------------------------


def invited(manager: Membership, email: str = "Neu@Stadt.example", **given: bool) -> str:
    """Invite and read the token from the mail, the only place that has it."""
    services.invite(
        municipality=manager.municipality,
        email=email,
        rights=given or READING,
        by=manager.user,
        at=NOW,
    )
    mail = OutboxMail.objects.order_by("-pk").first()
    assert mail is not None
    assert (mail.recipient, mail.private) == (email.lower(), True)
    found = re.search(r"/konto/einladung/([\w-]+)/", mail.read())
    assert found is not None
    return found[1]


def test_the_token_is_in_the_mail_and_only_its_hash_is_kept(manager: Membership) -> None:
    token = invited(manager)
    row = Invitation.objects.get()
    assert row.token_hash == invitations.hash_of(token) != token
    assert row.expires_at == NOW + timedelta(days=14)
    assert events() == [EventKind.INVITED]


def test_an_invitation_is_taken_once_by_the_invited_address(manager: Membership) -> None:
    token = invited(manager, may_read=True, may_sign=True)
    refused(
        services.NotAllowed, services.accept_invitation, token=token, by=UserFactory(), at=LATER
    )
    user = UserFactory(email="neu@stadt.example")
    row = services.accept_invitation(token=token, by=user, at=LATER)
    assert rights(row) == [True, False, True, False]
    assert (row.confirmed_by, row.confirmed_at) == (manager.user, LATER)
    assert mails()[-1][0] == manager.user.email
    said = refused(services.NotPossible, services.accept_invitation, token=token, by=user, at=LATER)
    assert said == "Diese Einladung gilt nicht mehr."


def test_an_invitation_ends(manager: Membership) -> None:
    token = invited(manager)
    user = UserFactory(email="neu@stadt.example")
    end = NOW + timedelta(days=14)
    assert services.find_invitation(token, end - timedelta(seconds=1)) is not None
    refused(services.NotPossible, services.accept_invitation, token=token, by=user, at=end)
    refused(services.NotPossible, services.accept_invitation, token="falsch", by=user, at=NOW)


def test_an_invitation_is_withdrawn_or_replaced(manager: Membership) -> None:
    first = invited(manager)
    second = invited(manager)
    assert services.find_invitation(first, LATER) is None
    row = services.find_invitation(second, LATER)
    assert row is not None
    refused(
        services.NotAllowed,
        services.withdraw_invitation,
        invitation=row,
        by=UserFactory(),
        at=LATER,
    )
    services.withdraw_invitation(invitation=row, by=manager.user, at=LATER)
    assert services.find_invitation(second, LATER) is None
    refused(
        services.NotPossible,
        services.withdraw_invitation,
        invitation=row,
        by=manager.user,
        at=LATER,
    )
    assert events()[-1] == EventKind.INVITATION_WITHDRAWN


@pytest.mark.parametrize("how", ["ended", "right taken", "blocked"])
def test_what_somebody_sent_away_has_invited_is_void_and_of_whoever_left_it_stays(
    manager: Membership, keeper: User, how: str
) -> None:
    """Nobody comes back by an invitation of their own to another mailbox."""
    other = person(manager.municipality, keeper, may_manage=True)
    token, mine = invited(manager), invited(other, "andere@stadt.example")
    if how == "ended":
        services.end_membership(membership=manager, by=other.user, at=LATER)
    elif how == "right taken":
        services.change_rights(membership=manager, rights=READING, by=other.user, at=LATER)
    else:
        User.objects.filter(pk=manager.user_id).update(is_active=False)
    assert services.find_invitation(token, LATER) is None
    person(manager.municipality, keeper, may_manage=True)
    services.end_membership(membership=other, by=other.user, at=LATER)
    assert services.find_invitation(mine, LATER) is not None


def test_an_invitation_makes_the_account_of_whoever_has_none(manager: Membership) -> None:
    token = invited(manager, may_read=True, may_edit=True)
    user = services.register_invited(token=token, name="Fachstelle", password=PASSWORD, at=LATER)
    assert (user.email, user.name, user.check_password(PASSWORD)) == (
        "neu@stadt.example",
        "Fachstelle",
        True,
    )
    address = EmailAddress.objects.get(user=user)
    assert (address.verified, address.primary) == (True, True)
    assert user.memberships.get().is_confirmed
    other = invited(manager, email="zweite@stadt.example")
    UserFactory(email="zweite@stadt.example")
    assert "schon ein Konto" in refused(
        services.NotPossible,
        services.register_invited,
        token=other,
        name="",
        password=PASSWORD,
        at=LATER,
    )


def test_an_invitation_confirms_who_waited_and_lowers_nobody(
    manager: Membership, keeper: User
) -> None:
    town = manager.municipality
    waiting = MembershipFactory(municipality=town, user=UserFactory(email="a@stadt.example"))
    token = invited(manager, email="a@stadt.example", may_read=True, may_sign=True)
    services.accept_invitation(token=token, by=waiting.user, at=LATER)
    assert rights(waiting) == [True, False, True, False]
    token = invited(manager, email="b@stadt.example")
    strong = person(town, keeper, user=UserFactory(email="b@stadt.example"), may_sign=True)
    services.accept_invitation(token=token, by=strong.user, at=LATER)
    assert rights(strong) == [True, True, True, False]


def test_who_is_not_manager_invites_nobody_and_members_are_not_invited(
    manager: Membership, keeper: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    colleague = person(manager.municipality, keeper)
    values = {"municipality": manager.municipality, "rights": READING, "at": NOW}
    refused(services.NotAllowed, services.invite, email="x@y.example", by=colleague.user, **values)
    refused(
        services.NotPossible,
        services.invite,
        email=colleague.user.email,
        by=manager.user,
        **values,
    )
    monkeypatch.setattr(invitations, "MOST_OPEN", 1)
    services.invite(email="x@y.example", by=keeper, **values)
    assert "sehr viele" in refused(
        services.NotPossible, services.invite, email="z@y.example", by=keeper, **values
    )


def test_the_database_keeps_one_open_invitation_per_address(manager: Membership) -> None:
    invited(manager)
    row = Invitation.objects.get()
    row.pk, row.token_hash = None, "anders"
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


def test_nothing_of_an_account_mail_is_shown_to_staff(manager: Membership) -> None:
    invited(manager)
    assert set(OutboxMail.objects.values_list("private", flat=True)) == {True}
