"""Filing an application: once, whole, in time or told as late, whatever happens meanwhile."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections
from django.utils import timezone

from applications import services
from applications.models import Application, ApplicationMember, NumberRange, Snapshot
from applications.rules import Step
from applications.services import log
from applications.workflow import Status
from kiv_portal.models import Job, OutboxMail
from municipalities.models import Membership
from tests import world
from tests.factories import NOW, MembershipFactory, MunicipalityFactory, PopulationFactory
from tests.parallel import in_threads


@pytest.mark.django_db
class TestOnePerson:
    def test_filing_gives_number_copy_receipt_and_a_job(self):
        w = world.build()
        application = world.submitted(w)
        application.refresh_from_db()
        assert application.status == Status.SUBMITTED
        assert application.reference == "KIV-2026-0001"
        assert application.submitted_at == NOW
        assert application.received_late is False
        assert application.first_snapshot == Snapshot.objects.get()
        assert list(OutboxMail.objects.values_list("recipient", "subject")) == [
            ("integration@musterstadt.example", "Antrag KIV-2026-0001 ist eingegangen"),
        ]
        assert list(Job.objects.values_list("kind", flat=True)) == ["application_pdf"]

    def test_the_figure_that_counted_is_frozen(self):
        w = world.build()
        application = world.submitted(w)
        PopulationFactory(municipality=w.town, value=9_000, basis="Zensus 2022")
        member = application.members.get()
        assert (member.population, member.population_basis, member.live) == (
            20_000,
            "Zensus 2011",
            True,
        )

    def test_filing_twice_is_refused_and_names_the_number(self):
        w = world.build()
        application = world.submitted(w)
        with pytest.raises(services.AlreadySubmitted) as refused:
            world.file(application, w.signatory)
        assert refused.value.application.reference == "KIV-2026-0001"
        assert NumberRange.objects.get().last == 1

    def test_what_makes_it_no_application_stops_it(self):
        w = world.build()
        with pytest.raises(services.NotSubmittable) as refused:
            world.file(world.draft(w), w.signatory)
        assert [finding.code for finding in refused.value.findings] == [
            "title_missing",
            "requested_amount_missing",
            "authority_not_declared",
        ]
        assert Application.objects.get().status == Status.DRAFT
        assert NumberRange.objects.count() == 0

    def test_findings_on_substance_are_confirmed_and_never_refused(self):
        w = world.build()
        application = world.filled(w)
        world.save(application, Step.ZEITPLAN, {"months": 30}, w.clerk)
        with pytest.raises(services.NotConfirmed) as refused:
            services.submit(
                application=application,
                confirmed="",
                declares_authority=True,
                by=w.signatory,
                at=NOW,
            )
        assert "period_outside_limits" in [f.code for f in refused.value.findings]
        assert world.file(application, w.signatory).status == Status.SUBMITTED

    def test_a_confirmation_holds_only_for_what_was_seen(self):
        w = world.build()
        application = world.filled(w)
        world.save(application, Step.ZEITPLAN, {"months": 30}, w.clerk)
        seen = services.confirmation_key(services.findings_of(application, NOW))
        world.save(application, Step.ZEITPLAN, {"months": 31}, w.clerk)
        with pytest.raises(services.NotConfirmed):
            services.submit(
                application=application,
                confirmed=seen,
                declares_authority=True,
                by=w.signatory,
                at=NOW,
            )

    def test_a_municipality_that_is_too_small_may_file_all_the_same(self):
        w = world.build()
        w.town.populations.update(value=500)
        assert world.submitted(w).status == Status.SUBMITTED

    def test_whoever_may_not_sign_cannot_file(self):
        w = world.build()
        application = world.filled(w)
        for person in (w.clerk, w.stranger, w.reviewer, w.administrator):
            with pytest.raises(services.NotAllowed):
                world.file(application, person)

    @pytest.mark.parametrize(
        ("offset", "late"),
        [(timedelta(seconds=-1), False), (timedelta(0), True), (timedelta(seconds=1), True)],
    )
    def test_the_end_of_the_call_is_an_instant(self, offset, late):
        w = world.build()
        application = world.filled(w)
        filed = world.file(application, w.signatory, w.call.closes_at + offset)
        assert filed.received_late is late
        assert filed.status == Status.SUBMITTED

    def test_nothing_is_filed_before_the_call_begins(self):
        w = world.build()
        application = world.filled(w)
        with pytest.raises(services.CallNotOpen):
            world.file(application, w.signatory, w.call.opens_at - timedelta(seconds=1))

    def test_a_second_live_application_becomes_a_finding(self):
        w = world.build()
        world.submitted(w)
        second = world.filled(w)
        with pytest.raises(services.NotSubmittable) as refused:
            world.file(second, w.signatory)
        assert [finding.code for finding in refused.value.findings] == ["application_exists"]
        assert "Musterstadt" in refused.value.findings[0].message
        second.refresh_from_db()
        assert second.status == Status.DRAFT

    def test_nobody_learns_by_filing_which_partner_has_applied(self):
        w = world.build()
        world.submitted(w)
        MembershipFactory(
            user=w.stranger,
            municipality=w.small,
            may_sign=True,
            confirmed_at=NOW,
            confirmed_by=w.administrator,
        )
        probe = services.start(call=w.call, lead=w.small, by=w.stranger, at=NOW)
        # Of the other town the stranger knows; of these two either may be the one.
        unknown = MunicipalityFactory(ags="06432099", short_name="Ort", district=w.town.district)
        partners = {"partners": [w.town.ags, unknown.ags]}
        probe = world.save(probe, Step.KOMMUNE, partners, w.stranger)
        for step, data in world.content(w.small).items():
            probe = world.save(probe, step, data, w.stranger)
        assert services.applied_before(probe, by=w.stranger) == []
        with pytest.raises(services.NotSubmittable) as refused:
            world.file(probe, w.stranger)
        [finding] = refused.value.findings
        assert finding.message.startswith(
            "Eine der beteiligten Kommunen ist in diesem Förderaufruf"
        )
        assert "darf das Portal Ihnen nicht sagen" in finding.way_out
        assert finding.field == "members"
        # What was told is told from then on, to the applicant's people, of these members only.
        probe.refresh_from_db()
        assert services.applied_before(probe, by=w.stranger) == [finding]
        assert services.applied_before(probe, by=w.reader) == []
        # With one partner the refusal says as much as the name.
        probe = world.save(probe, Step.KOMMUNE, {"partners": [w.town.ags]}, w.stranger)
        assert services.applied_before(probe, by=w.stranger) == []
        with pytest.raises(services.NotSubmittable) as refused:
            world.file(probe, w.stranger)
        [finding] = refused.value.findings
        assert finding.message.startswith("Musterstadt ist in diesem Förderaufruf bereits")
        assert "sprechen Sie mit der Partnerkommune" in finding.way_out
        assert finding.field == f"members-{w.town.ags}"
        probe.refresh_from_db()
        assert services.applied_before(probe, by=w.stranger) == [finding]
        services.withdraw(
            application=Application.objects.get(reference="KIV-2026-0001"),
            reason="x",
            by=w.signatory,
            at=NOW,
        )
        assert services.applied_before(probe, by=w.stranger) == []
        # A filed case keeps nothing of what another municipality had applied for.
        filed = world.file(probe, w.stranger)
        filed.refresh_from_db()
        assert (filed.status, filed.refused_members) == (Status.SUBMITTED, [])

    def test_after_a_withdrawal_a_new_one_can_be_filed(self):
        w = world.build()
        services.withdraw(
            application=world.submitted(w), reason="Neu geplant", by=w.signatory, at=NOW
        )
        assert world.submitted(w).reference == "KIV-2026-0002"

    def test_drafts_block_nobody(self):
        w = world.build()
        world.filled(w)
        assert world.submitted(w).status == Status.SUBMITTED

    def test_numbers_start_anew_with_the_german_year(self):
        w = world.build()
        call = w.call
        call.closes_at = None
        call.save()
        new_year = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
        filed = world.file(world.filled(w), w.signatory, new_year)
        assert filed.reference == "KIV-2027-0001"


def _drafts_of_many_towns(w: world.World, count: int, at: datetime = NOW) -> list[Application]:
    """Complete drafts of as many towns, all of them the signatory's."""
    drafts = []
    for number in range(count):
        town = MunicipalityFactory(
            ags=f"064320{number:02}", short_name=f"Ort {number}", district=w.town.district
        )
        PopulationFactory(municipality=town, value=20_000)
        Membership.objects.create(
            user=w.signatory,
            municipality=town,
            may_sign=True,
            confirmed_at=NOW,
            confirmed_by=w.administrator,
        )
        application = services.start(call=w.call, lead=town, by=w.signatory, at=at)
        for step, data in world.content(town).items():
            application = world.save(application, step, data, w.signatory)
        drafts.append(application)
    return drafts


def _assert_no_half_state() -> None:
    """Every application is filed whole or not at all; numbers without gap; chains whole."""
    filed = Application.objects.submitted().order_by("reference")
    assert [a.reference for a in filed] == [
        f"KIV-{filed[0].reference[4:8]}-{number:04d}" for number in range(1, len(filed) + 1)
    ]
    for application in Application.objects.all():
        is_filed = application.status == Status.SUBMITTED
        assert application.snapshots.count() == int(is_filed)
        assert application.log.filter(action="submit").count() == int(is_filed)
        assert [m.live for m in application.members.all()] == [is_filed]
        assert log.verify(application) == []
    assert Job.objects.count() == len(filed)
    assert OutboxMail.objects.filter(subject__endswith="ist eingegangen").count() == len(filed)
    assert NumberRange.objects.get().last == len(filed)


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def test_fifty_clicks_on_one_draft_file_it_once(self):
        w = world.build()
        application = world.filled(w)
        key = services.confirmation_key(services.findings_of(application, NOW))

        def click(_: int) -> str | None:
            return services.submit(
                application=application,
                confirmed=key,
                declares_authority=True,
                by=w.signatory,
                at=NOW,
            ).reference

        results = in_threads(50, click)
        assert sorted(map(str, results)) == sorted(
            ["KIV-2026-0001", *[str(services.AlreadySubmitted)] * 49]
        )
        _assert_no_half_state()

    def test_twenty_municipalities_get_twenty_numbers(self):
        w = world.build()
        drafts = _drafts_of_many_towns(w, 20)

        def file(number: int) -> str | None:
            return world.file(drafts[number], w.signatory).reference

        assert sorted(in_threads(20, file)) == [f"KIV-2026-{n:04d}" for n in range(1, 21)]
        assert ApplicationMember.objects.filter(live=True).count() == 20

    def test_two_joint_applications_that_name_each_other_do_not_lock_each_other_out(self):
        w = world.build()
        Membership.objects.create(
            user=w.signatory,
            municipality=w.other_town,
            may_sign=True,
            confirmed_at=NOW,
            confirmed_by=w.administrator,
        )
        pair = [(w.town, w.other_town), (w.other_town, w.town)]
        drafts = []
        for lead, partner in pair:
            draft = services.start(call=w.call, lead=lead, by=w.signatory, at=NOW)
            draft = world.save(draft, Step.KOMMUNE, {"partners": [partner.ags]}, w.signatory)
            for step, data in world.content(lead).items():
                draft = world.save(draft, step, data, w.signatory)
            drafts.append(draft)
        results = in_threads(2, lambda n: world.file(drafts[n], w.signatory).reference)
        assert sorted(map(str, results)) == sorted(["KIV-2026-0001", str(services.NotSubmittable)])

    def test_submitting_and_saving_at_once_freezes_one_whole_state(self):
        w = world.build()
        application = world.filled(w)
        key = services.confirmation_key(services.findings_of(application, NOW))

        def act(number: int) -> Any:
            if number == 0:
                return services.submit(
                    application=application,
                    confirmed=key,
                    declares_authority=True,
                    by=w.signatory,
                    at=NOW,
                ).reference
            return services.save_step(
                application=application,
                step=Step.KONZEPTION,
                data={"goals": f"Ziel {number}", "approach": f"Weg {number}"},
                base_revision=10_000,
                by=w.clerk,
                at=NOW,
            ).revision

        results = in_threads(8, act)
        assert results[0] == "KIV-2026-0001"
        application.refresh_from_db()
        frozen = application.first_snapshot.content["steps"]["konzeption"]
        assert (frozen["goals"], frozen["approach"]) == (application.goals, application.approach)
        assert frozen["goals"].removeprefix("Ziel ") == frozen["approach"].removeprefix("Weg ") or (
            frozen["goals"],
            frozen["approach"],
        ) == ("Ziele", "Vorgehen")


def _database_url() -> str:
    """The tests' own database, as another process finds it."""
    values = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{values['NAME']}"
    host = values["HOST"].replace("/", "%2F")
    user = f"{values['USER']}:{values['PASSWORD']}".rstrip(":")
    return f"postgres://{user}@{host}:{values['PORT']}/{values['NAME']}"


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_while_filing_leaves_no_half_state(tmp_path: Path):
    now = timezone.now()  # the process takes its own time from the clock
    w = world.build(now)
    _drafts_of_many_towns(w, 12, now)
    signatory = w.signatory.email
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "kiv_portal.settings",
        "DATABASE_URL": _database_url(),
        "PORTAL_DEMO": "1",
        "ALLOWED_HOSTS": "localhost",
        "MEDIA_ROOT": str(tmp_path),
    }
    connections.close_all()
    acknowledged: list[str] = []
    kills = 0
    while True:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.applications.submitter", signatory],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        finished = False
        # After two acknowledgements the third is under way: killed at whatever moment that is.
        for said in process.stdout:
            if said.strip() == "done":
                finished = True
                break
            acknowledged.append(said.strip())
            if kills < 3 and len(acknowledged) >= 3 * (kills + 1):
                process.kill()
                kills += 1
        process.stdout.close()
        code = process.wait(60)
        if finished:
            break
        assert code == -9, "the process ended by itself with an error"
    assert kills == 3
    filed = set(Application.objects.submitted().values_list("reference", flat=True))
    assert set(acknowledged) <= filed
    assert len(acknowledged) == len(set(acknowledged))
    assert len(filed) == 12
    _assert_no_half_state()
