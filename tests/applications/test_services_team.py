"""Guests, remarks, handing over, and a new draft from an old application."""

from __future__ import annotations

import io
import re
import uuid
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from applications import permissions, services
from applications.models import (
    Application,
    ApplicationGuest,
    Expense,
    GuestRole,
    ParticipationFormat,
)
from applications.rules import DocumentKind, SignatureForm, Step
from applications.services import cooperation, guests, handover, log, partnership
from kiv_portal.models import OutboxMail
from municipalities.models import Membership, User
from tests import world
from tests.factories import NOW, FundingCallFactory, MembershipFactory, StaffFactory, UserFactory

pytestmark = pytest.mark.django_db

UNTIL = date(2026, 12, 31)


def _pixel() -> bytes:
    picture = io.BytesIO()
    Image.new("RGB", (1, 1)).save(picture, "PNG")
    return picture.getvalue()


PIXEL = _pixel()
DAY = timedelta(days=1)


@pytest.fixture
def w() -> world.World:
    return world.build()


def helper(email: str = "helferin@beratung.example", **fields: Any) -> User:
    """An account whose address is verified."""
    user = UserFactory(email=email, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user


def invite(application: Any, by: User, **changes: Any) -> ApplicationGuest:
    values: dict[str, Any] = {
        "email": "helferin@beratung.example",
        "role": GuestRole.COMMENT,
        "until": UNTIL,
        "at": NOW,
    }
    return services.invite_guest(application=application, by=by, **values | changes)


def token() -> str:
    """The token of the invitation mailed last."""
    body = OutboxMail.objects.filter(key__startswith="guest_invitation").latest("pk").read()
    found = re.search(r"/antraege/gast/([\w-]+)/", body)
    assert found is not None
    return found[1]


def admitted(application: Any, by: User, **changes: Any) -> User:
    """A guest who has accepted."""
    invite(application, by, **changes)
    user = helper()
    services.accept_invitation(token=token(), by=user, at=NOW)
    return user


class TestGuests:
    def test_an_invitation_is_mailed_with_a_link_and_nothing_of_the_application(self, w):
        application = world.filled(w)
        guest = invite(application, w.signatory)
        mail = OutboxMail.objects.get()
        assert (mail.recipient, mail.private) == ("helferin@beratung.example", True)
        assert "Vielfalt in Musterstadt" not in mail.subject + mail.read()
        assert "darf nicht Gast im Entwurf sein" in mail.read()
        assert token() not in str(guest.token_hash)
        assert guest.expires_at.isoformat() == "2027-01-01T00:00:00+01:00"

    def test_whoever_accepts_sees_that_application_and_no_other_and_never_writes(self, w):
        application, other = world.filled(w), world.draft(w)
        user = admitted(application, w.signatory)
        assert list(permissions.visible_to(user, at=NOW)) == [application]
        assert permissions.visible_to_team(user).count() == 0
        assert permissions.may_see(user, other) is False
        assert permissions.may_edit(user, application) is False
        assert permissions.may_file(user, application) is False
        assert permissions.may_manage_team(user, application) is False
        with pytest.raises(services.NotAllowed):
            world.save(application, Step.KONZEPTION, {"title": "Anders"}, user)

    def test_a_link_is_used_once(self, w):
        application = world.draft(w)
        admitted(application, w.signatory)
        with pytest.raises(services.InvitationGone):
            services.accept_invitation(token="", by=helper("b@c.example"), at=NOW)

    def test_only_the_invited_and_verified_address_accepts(self, w):
        invite(world.draft(w), w.signatory)
        stranger = helper("andere@beratung.example")
        unproved = UserFactory(email="helferin@beratung.example")
        for user in (stranger, unproved):
            with pytest.raises(services.WrongAddress):
                services.accept_invitation(token=token(), by=user, at=NOW)

    def test_staff_are_guests_of_no_draft(self, w):
        application = world.draft(w)
        invite(application, w.signatory)
        reviewer = StaffFactory(email="helferin@beratung.example")
        EmailAddress.objects.create(user=reviewer, email=reviewer.email, verified=True)
        with pytest.raises(services.NotAllowed):
            services.accept_invitation(token=token(), by=reviewer, at=NOW)

    def test_a_guest_who_becomes_staff_sees_the_draft_no_longer(self, w):
        application = world.draft(w)
        user = admitted(application, w.signatory)
        user.is_staff = True
        user.save()
        assert permissions.visible_to(user, at=NOW).count() == 0
        assert permissions.may_comment(user, application, at=NOW) is False

    def test_an_account_that_is_closed_sees_and_accepts_nothing(self, w):
        application = world.draft(w)
        user = admitted(application, w.signatory)
        user.is_active = False
        user.save()
        assert permissions.visible_to(user, at=NOW).count() == 0
        assert permissions.visible_to_team(user).count() == 0
        assert permissions.may_comment(user, application, at=NOW) is False
        invite(application, w.signatory, email="zu@beratung.example")
        closed = helper("zu@beratung.example", is_active=False)
        with pytest.raises(services.NotAllowed):
            services.accept_invitation(token=token(), by=closed, at=NOW)

    def test_the_link_lasts_two_weeks_and_the_access_until_the_day_said(self, w):
        application = world.draft(w)
        invite(application, w.signatory)
        with pytest.raises(services.InvitationGone):
            guests.invitation(token(), at=NOW + guests.INVITATION_LASTS)
        user = helper()
        services.accept_invitation(token=token(), by=user, at=NOW)
        end = ApplicationGuest.objects.get().expires_at
        assert permissions.visible_to(user, at=end - timedelta(seconds=1)).count() == 1
        assert permissions.visible_to(user, at=end).count() == 0

    def test_an_invitation_ends_with_the_right_of_whoever_sent_it_and_an_access_does_not(self, w):
        application = world.draft(w)
        guest = admitted(application, w.signatory)
        invite(application, w.signatory, email="b@c.example")
        sent, rights = token(), Membership.objects.filter(user=w.signatory)
        user = helper("b@c.example")
        account = User.objects.filter(pk=w.signatory.pk)
        for rows, before, after in (
            (account, {"is_active": True}, {"is_active": False}),
            (
                rights,
                {"may_sign": True, "may_manage": True},
                {"may_sign": False, "may_manage": False},
            ),
        ):
            rows.update(**after)
            with pytest.raises(services.InvitationGone):
                services.accept_invitation(token=sent, by=user, at=NOW)
            with pytest.raises(services.InvitationGone):
                services.register_guest(token=sent, name="N", password="x", at=NOW)
            rows.update(**before)
            assert guests.invitation(sent, at=NOW).email == user.email
        rights.delete()
        with pytest.raises(services.InvitationGone):
            guests.invitation(sent, at=NOW)
        assert list(permissions.visible_to(guest, at=NOW)) == [application]

    def test_an_access_is_changed_and_ended_at_once(self, w):
        application = world.draft(w)
        user = admitted(application, w.signatory, role=GuestRole.READ)
        guest = ApplicationGuest.objects.get()
        assert permissions.may_comment(user, application, at=NOW) is False
        services.change_guest(
            guest=guest, role=GuestRole.COMMENT, until=UNTIL, by=w.signatory, at=NOW
        )
        assert permissions.may_comment(user, application, at=NOW) is True
        for _ in range(2):
            services.end_guest(guest=guest, by=w.signatory, at=NOW)
        assert permissions.visible_to(user, at=NOW).count() == 0
        with pytest.raises(services.InvitationGone):
            services.change_guest(
                guest=guest, role=GuestRole.READ, until=UNTIL, by=w.signatory, at=NOW
            )
        assert [entry.action for entry in application.log.order_by("sequence")] == [
            "start",
            "invite_guest",
            "accept_invitation",
            "change_guest",
            "end_guest",
        ]
        assert log.verify(application) == []

    def test_an_address_is_invited_once_and_again_when_its_time_is_over(self, w):
        application = world.draft(w)
        invite(application, w.signatory)
        with pytest.raises(services.AlreadyInvited):
            invite(application, w.signatory, email=" HELFERIN@beratung.example ")
        later = ApplicationGuest.objects.get().expires_at
        invite(application, w.signatory, at=later, until=UNTIL + 30 * DAY)
        assert application.guests.standing().count() == 1

    @pytest.mark.parametrize("until", [NOW.date() - DAY, NOW.date() + 366 * DAY])
    def test_an_end_lies_ahead_within_a_year(self, w, until):
        with pytest.raises(services.EndOutOfRange):
            invite(world.draft(w), w.signatory, until=until)

    def test_nobody_on_the_team_is_a_guest(self, w):
        with pytest.raises(services.OnTheTeam):
            invite(world.draft(w), w.signatory, email=w.clerk.email)

    def test_there_is_a_limit(self, w, monkeypatch):
        monkeypatch.setattr(guests, "MOST_GUESTS", 1)
        application = world.draft(w)
        invite(application, w.signatory)
        with pytest.raises(services.TooManyGuests):
            invite(application, w.signatory, email="b@c.example")

    def test_who_may_invite(self, w):
        application = world.draft(w)  # begun by the clerk
        manager, writer, new = UserFactory(), UserFactory(), UserFactory()
        sure = {"municipality": w.town, "confirmed_at": NOW, "confirmed_by": w.administrator}
        MembershipFactory(user=manager, may_manage=True, **sure)
        MembershipFactory(user=writer, **sure)
        MembershipFactory(user=new, municipality=w.town, may_sign=True, may_manage=True)
        people = [w.clerk, w.signatory, manager, writer, new, w.stranger, w.administrator]
        assert [permissions.may_manage_team(person, application) for person in people] == [
            True,
            True,
            True,
            False,
            False,
            False,
            False,
        ]
        with pytest.raises(services.NotAllowed):
            invite(application, writer)
        Membership.objects.filter(user=w.clerk).update(may_edit=False)
        assert permissions.may_manage_team(w.clerk, application) is False

    def test_a_letter_is_not_opened_by_a_guest(self, w):
        from applications.services.delivery import open_letter

        application = world.granted(w)
        user = admitted(application, w.signatory)
        with pytest.raises(services.NotAllowed):
            open_letter(letter=application.letters.get(), by=user, at=NOW)


class TestComments:
    def add(self, application: Any, by: User, text: str = "Bitte prüfen.") -> Any:
        return services.add_comment(
            application=application, step=Step.KONZEPTION, text=text, by=by, at=NOW
        )

    def test_guests_and_people_who_write_leave_remarks(self, w):
        application = world.draft(w)
        user = admitted(application, w.signatory)
        assert [self.add(application, p, "Hm").by_guest for p in (user, w.clerk)] == [True, False]

    def test_the_same_page_sent_twice_leaves_one(self, w):
        application = world.draft(w)
        assert self.add(application, w.clerk) == self.add(application, w.clerk)
        assert application.comments.count() == 1

    def test_readers_strangers_and_staff_leave_none(self, w):
        application = world.draft(w)
        reader = admitted(application, w.signatory, role=GuestRole.READ)
        for person in (reader, w.stranger, w.reviewer):
            with pytest.raises(services.NotAllowed):
                self.add(application, person)

    def test_there_is_a_limit(self, w, monkeypatch):
        monkeypatch.setattr("applications.services.comments.MOST_COMMENTS", 1)
        application = world.draft(w)
        self.add(application, w.clerk, "Eins")
        with pytest.raises(services.TooManyComments):
            self.add(application, w.clerk, "Zwei")

    def test_they_are_settled_by_people_who_write_once(self, w):
        application = world.draft(w)
        user = admitted(application, w.signatory)
        comment = self.add(application, user)
        with pytest.raises(services.NotAllowed):
            services.settle_comment(comment=comment, by=user, at=NOW)
        services.settle_comment(comment=comment, by=w.clerk, at=NOW)
        services.settle_comment(comment=comment, by=w.signatory, at=NOW + DAY)
        comment.refresh_from_db()
        assert (comment.done_at, comment.done_by) == (NOW, w.clerk)

    def test_no_frozen_copy_holds_them_and_none_is_added_afterwards(self, w):
        application = world.filled(w)
        self.add(application, w.clerk, "Streng vertrauliche Bemerkung")
        filed = world.file(application, w.signatory)
        assert "Streng vertrauliche" not in filed.snapshots.get().payload
        with pytest.raises(services.NotEditable):
            self.add(filed, w.clerk)


class TestHandingOver:
    def test_the_new_person_is_told_and_gets_the_mails_from_now_on(self, w):
        application = world.draft(w)
        handed = services.hand_over(application=application, to=w.signatory, by=w.clerk, at=NOW)
        assert handed.created_by == w.signatory
        mail = OutboxMail.objects.get()
        assert (mail.recipient, mail.subject) == (
            w.signatory.email,
            "Ein Antrag ist Ihnen übergeben",
        )
        entry = application.log.latest("sequence")
        assert entry.action == "hand_over"
        assert entry.content.values == {"before": w.clerk.pk, "after": w.signatory.pk}

    def test_handing_it_to_who_has_it_changes_nothing(self, w):
        application = world.draft(w)
        services.hand_over(application=application, to=w.clerk, by=w.clerk, at=NOW)
        assert application.log.count() == 1

    def test_whoever_takes_it_on_needs_no_mail(self, w):
        services.hand_over(application=world.draft(w), to=w.signatory, by=w.signatory, at=NOW)
        assert OutboxMail.objects.count() == 0

    def test_only_confirmed_people_who_write_take_it_over(self, w):
        application = world.draft(w)
        new = UserFactory()
        MembershipFactory(user=new, municipality=w.town)
        assert list(handover.successors(application)) == [w.signatory]
        for person in (new, w.stranger, w.reviewer):
            with pytest.raises(services.CannotTakeOver):
                services.hand_over(application=application, to=person, by=w.clerk, at=NOW)

    def test_contacts_that_name_who_leaves_name_the_new_person_where_that_is_wished(self, w):
        leaving, new = w.clerk, w.signatory
        leaving.name, new.name, new.phone = "Sachbearbeitung Eins", "Sachbearbeitung Zwei", ""
        for person in (leaving, new):
            person.save()
        application = world.save(
            world.filled(w),
            Step.ANSPRECHPARTNER,
            {"contact_person": " sachbearbeitung  EINS", "finance_email": leaving.email.upper()},
            leaving,
        )
        assert handover.contacts_naming(application, leaving) == ["contact", "finance"]
        assert handover.contacts_naming(application, new) == []
        before = services.read_step(application, Step.ANSPRECHPARTNER)
        handed = services.hand_over(
            application=application, to=new, contacts=True, by=leaving, at=NOW
        )
        assert services.read_step(handed, Step.ANSPRECHPARTNER) == before | {
            "contact_person": new.name,
            "contact_email": new.email,
            "finance_person": new.name,
            "finance_email": new.email,
        }
        revision = handed.revisions.latest("number")
        assert (revision.step, revision.by) == (Step.ANSPRECHPARTNER, leaving)
        # Back again, this time with a number of its own, and where nobody is named any more.
        leaving.phone = "06151 99"
        leaving.save()
        handed = services.hand_over(application=handed, to=leaving, contacts=True, by=new, at=NOW)
        assert (handed.contact_phone, handed.finance_phone) == ("06151 99", "06151 99")
        world.save(handed, Step.ANSPRECHPARTNER, before | {"finance_email": ""}, leaving)
        world.save(handed, Step.ANSPRECHPARTNER, {"contact_person": ""}, leaving)
        count = handed.revisions.count()
        services.hand_over(application=handed, to=new, contacts=True, by=leaving, at=NOW)
        assert handed.revisions.count() == count

    def test_contacts_of_a_filed_application_stay_as_they_were_filed(self, w):
        application = world.submitted(w)
        assert not handover.may_change_contacts(application, w.clerk)
        with pytest.raises(services.NotEditable):
            services.hand_over(
                application=application, to=w.signatory, contacts=True, by=w.clerk, at=NOW
            )
        application.refresh_from_db()
        assert application.created_by == w.clerk

    def test_strangers_hand_nothing_over(self, w):
        application = world.draft(w)
        with pytest.raises(services.NotAllowed):
            services.hand_over(application=application, to=w.signatory, by=w.stranger, at=NOW)


class TestAnew:
    def upload(self, application: Any, name: str, kind: DocumentKind, by: User) -> Any:
        return services.add_document(
            application=application,
            upload=SimpleUploadedFile(name, PIXEL),
            kind=kind,
            by=by,
            at=NOW,
        )

    def test_texts_and_rows_go_along_with_new_ids_and_nothing_that_was_declared(self, w):
        filed = world.submitted(w)
        later = FundingCallFactory(title="Später")
        key = uuid.uuid4()
        new = services.start_anew(source=filed, call=later, key=key, by=w.clerk, at=NOW)
        assert (new.uuid, new.call, new.is_draft, new.title) == (
            key,
            later,
            True,
            "Vielfalt in Musterstadt",
        )
        assert [row.municipality for row in new.members.all()] == [w.town]
        assert [row.population for row in new.members.all()] == [None]
        assert (new.vat_deductible, new.budget_situation) == (None, "")
        assert (new.authority_declared, new.declares_correct, new.consents_publication) == (
            False,
            False,
            None,
        )
        for model in (Expense, ParticipationFormat):
            old = set(model.objects.filter(application=filed).values_list("pk", flat=True))
            copied = set(model.objects.filter(application=new).values_list("pk", flat=True))
            assert len(old) == len(copied) > 0
            assert old & copied == set()
        assert log.verify(new) == []

    def test_it_is_what_was_filed_and_not_what_was_typed_since(self, w):
        asked = world.requested(w)
        world.save(asked, Step.KONZEPTION, {"title": "Nie abgesendet"}, w.clerk)
        new = services.start_anew(source=asked, call=w.call, key=uuid.uuid4(), by=w.clerk, at=NOW)
        assert new.title == "Vielfalt in Musterstadt"

    def test_a_draft_goes_into_a_later_call_as_it_stands(self, w):
        draft = world.filled(w)
        later = FundingCallFactory()
        new = services.start_anew(source=draft, call=later, key=uuid.uuid4(), by=w.clerk, at=NOW)
        assert (new.title, new.starts_on) == ("Vielfalt in Musterstadt", date(2027, 7, 1))

    def test_the_same_page_sent_twice_begins_one(self, w):
        filed, key = world.submitted(w), uuid.uuid4()
        first, second = (
            services.start_anew(source=filed, call=w.call, key=key, by=w.clerk, at=NOW)
            for _ in range(2)
        )
        assert first == second

    def test_documents_go_along_by_choice_and_signed_ones_never(self, w):
        draft = world.draft(w)
        plan = self.upload(draft, "Plan.png", DocumentKind.CONCEPT, w.clerk)
        other = self.upload(draft, "Übrig.png", DocumentKind.OTHER, w.clerk)
        signed = self.upload(draft, "Blatt.png", DocumentKind.SIGNATURE_SHEET, w.clerk)
        assert services.documents_to_copy(draft) == [plan, other]
        new = services.start_anew(
            source=draft,
            call=FundingCallFactory(),
            key=uuid.uuid4(),
            documents={plan.pk, signed.pk},
            by=w.clerk,
            at=NOW,
        )
        copy = new.documents.get()
        assert (copy.name, copy.sha256, copy.kind) == ("Plan.png", plan.sha256, plan.kind)
        assert copy.file.name != plan.file.name
        assert Path(copy.file.path).read_bytes() == Path(plan.file.path).read_bytes() == PIXEL

    def test_a_closed_call_takes_nothing_and_leaves_no_file(self, w, settings):
        draft = world.draft(w)
        plan = self.upload(draft, "Plan.png", DocumentKind.CONCEPT, w.clerk)
        before = sum(1 for path in settings.MEDIA_ROOT.rglob("*") if path.is_file())
        with pytest.raises(services.CallNotOpen):
            services.start_anew(
                source=draft,
                call=FundingCallFactory(opened_at=None),
                key=uuid.uuid4(),
                documents={plan.pk},
                by=w.clerk,
                at=NOW,
            )
        assert sum(1 for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()) == before

    def test_strangers_and_guests_take_nothing_along(self, w):
        draft = world.filled(w)
        for person in (w.stranger, admitted(draft, w.signatory), w.reviewer):
            with pytest.raises(services.NotAllowed):
                services.start_anew(source=draft, call=w.call, key=uuid.uuid4(), by=person, at=NOW)


class TestSigning:
    def test_where_the_account_signs_an_unconfirmed_beginner_does_not_file(self, w):
        new = UserFactory()
        membership = MembershipFactory(user=new, municipality=w.town)
        application = world.draft(w, by=new)
        assert permissions.may_file(new, application) is True
        w.call.signature_form = SignatureForm.ACCOUNT
        w.call.save()
        application.refresh_from_db()
        assert permissions.may_file(new, application) is False
        membership.may_sign = True
        membership.save()
        assert permissions.may_file(new, application) is True

    def test_a_page_files_one_application(self, w):
        first, page = world.filled(w), uuid.uuid4()
        key = services.confirmation_key(services.findings_of(first, NOW))
        sent = {"confirmed": key, "declares_authority": True, "token": page}
        services.submit(application=first, by=w.signatory, at=NOW, **sent)
        with pytest.raises(services.AlreadySubmitted):
            services.submit(application=first, by=w.signatory, at=NOW, **sent)
        second = world.filled(w)
        with pytest.raises(services.PageUsed):
            services.submit(application=second, by=w.signatory, at=NOW, **sent)
        second.refresh_from_db()
        assert second.is_draft


class TestPartners:
    def verbund(self, w: world.World) -> Any:
        MembershipFactory(
            user=w.stranger,
            municipality=w.small,
            may_sign=True,
            confirmed_at=NOW,
            confirmed_by=w.administrator,
        )
        return world.shared(world.filled(w), w, w.small)

    def confirm(self, application: Any, w: world.World, by: User, seen: str = "") -> None:
        services.confirm_cooperation(
            application=application,
            partner=w.small,
            seen=seen or cooperation.statement_sha256(application, w.small),
            by=by,
            at=NOW,
        )

    def missing(self, application: Any) -> bool:
        found = services.findings_of(application, NOW)
        return any("Kooperationserklärung von: Kleinheim" in f.message for f in found)

    def test_a_partner_confirms_with_its_own_account_until_the_words_change(self, w):
        application = self.verbund(w)
        assert self.missing(application) is True
        for _ in range(2):
            self.confirm(application, w, w.stranger)
        assert self.missing(application) is False
        actions = list(application.log.values_list("action", flat=True))
        assert actions.count("confirm_cooperation") == 1
        world.save(application, Step.KONZEPTION, {"title": "Anders"}, w.clerk)
        assert self.missing(Application.objects.get()) is True

    def test_nobody_else_confirms(self, w):
        application = self.verbund(w)
        for person in (w.clerk, w.signatory, w.reviewer, UserFactory()):
            with pytest.raises(services.NotAllowed):
                self.confirm(application, w, person)
            with pytest.raises(services.NotAllowed):
                services.revoke_cooperation(
                    application=application, partner=w.small, by=person, at=NOW
                )

    def test_other_words_than_those_seen_are_not_confirmed(self, w):
        application = self.verbund(w)
        with pytest.raises(services.StatementChanged):
            self.confirm(application, w, w.stranger, seen="0" * 64)

    def test_what_does_not_say_project_and_share_is_not_confirmed(self, w):
        application = self.verbund(w)
        cover = services.read_step(application, Step.FINANZIERUNG)["cover"]
        lead_alone = [row for row in cover if row["municipality"] != w.small.ags]
        project = "der Projektname (Abschnitt Konzeption)"
        share = "der Anteil von Kleinheim (Eigenmittel im Finanzierungsplan; 0,00 € gilt auch)"
        for title, lines, lacking in (
            ("", cover, [project]),
            ("Vielfalt", lead_alone, [share]),
            ("", lead_alone, [project, share]),
        ):
            world.save(application, Step.KONZEPTION, {"title": title}, w.clerk)
            world.save(application, Step.FINANZIERUNG, {"cover": lines}, w.clerk)
            application = Application.objects.get()
            with pytest.raises(services.StatementIncomplete) as refused:
                self.confirm(application, w, w.stranger)
            assert [lack.label for lack in refused.value.lacking] == lacking
            assert self.missing(application) is True
        nothing = [row | {"amount": "0.00"} for row in cover if row not in lead_alone]
        world.save(application, Step.KONZEPTION, {"title": "Vielfalt"}, w.clerk)
        world.save(application, Step.FINANZIERUNG, {"cover": lead_alone + nothing}, w.clerk)
        application = Application.objects.get()
        assert cooperation.statement(application, w.small)["shares"] == [[2027, "0.00"]]
        self.confirm(application, w, w.stranger)
        assert self.missing(application) is False

    def test_the_page_says_what_is_lacking_and_has_no_button_until_it_is_there(self, w):
        application = self.verbund(w)
        world.save(application, Step.KONZEPTION, {"title": ""}, w.clerk)
        address = f"/kooperation/{partnership.token_of(application, w.small)}/"
        browser = Client()
        browser.force_login(w.stranger)
        page = browser.get(address).content.decode()
        assert "Noch nicht zu bestätigen" in page
        assert "der Projektname (Abschnitt Konzeption)" in page
        assert "Im Namen von" not in page
        seen = cooperation.statement_sha256(Application.objects.get(), w.small)
        browser.post(address, {"wortlaut": seen})
        assert "In der Erklärung fehlt noch etwas" in browser.get(address).content.decode()
        assert self.missing(application) is True
        world.save(application, Step.KONZEPTION, {"title": "Vielfalt"}, w.clerk)
        page = browser.get(address).content.decode()
        assert "Noch nicht zu bestätigen" not in page
        assert "Im Namen von Kleinheim bestätigen" in page
        assert "keine Angabe (freiwillig)" in page  # what it brings in besides

    def test_it_is_taken_back_before_filing_and_not_afterwards(self, w):
        application = self.verbund(w)
        self.confirm(application, w, w.stranger)
        for _ in range(2):
            services.revoke_cooperation(
                application=application, partner=w.small, by=w.stranger, at=NOW
            )
        assert self.missing(Application.objects.get()) is True
        filed = world.file(application, w.signatory)
        with pytest.raises(services.NoPartner):
            self.confirm(filed, w, w.stranger)

    def test_the_page_shows_the_words_to_who_signs_for_the_partner(self, w):
        application = self.verbund(w)
        browser = Client()
        browser.force_login(w.clerk)
        team = browser.get(f"/antraege/{application.uuid}/team/").content.decode()
        address, token = re.search(r"(/kooperation/([^/]+)/)", team).groups()
        assert partnership.read_token(token) == (application, w.small)
        assert browser.get(address).status_code == 403
        browser.force_login(w.stranger)
        page = browser.get(address).content.decode()
        assert "bevollmächtigt Musterstadt" in page
        seen = cooperation.statement_sha256(application, w.small)
        browser.post(address, {"wortlaut": "alt"})
        assert "Der Wortlaut hat sich geändert" in browser.get(address).content.decode()
        browser.post(address, {"wortlaut": seen})
        assert "Diese Erklärung ist bestätigt" in browser.get(address).content.decode()
        browser.post(address, {"aktion": "zuruecknehmen"})
        assert "zurückgenommen" in browser.get(address).content.decode()
        world.file(application, w.signatory)
        browser.post(address, {"wortlaut": seen})
        assert "inzwischen eingereicht" in browser.get(address).content.decode()

    def test_a_link_about_no_partner_is_no_link(self, w):
        application = world.filled(w)
        for token in (
            "x",
            partnership.token_of(application, w.small),
            partnership.token_of(Application(uuid=uuid.uuid4()), w.small),
        ):
            with pytest.raises(services.NoPartner):
                partnership.read_token(token)
