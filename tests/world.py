"""A small world to act in: an open call, its municipalities, people and texts, and cases in it.

Every case is made through the services, as pages do it.
"""

from __future__ import annotations

import hashlib
import io
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pikepdf
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from django.contrib.auth.models import Group
from django.core.files.base import ContentFile
from django.test import Client
from django.utils import timezone

from applications import services
from applications.models import Application, FundingCall, Letter, LetterBlock
from applications.models.letters import REQUIRED_BLOCKS
from applications.rules import Step
from kiv_portal.models import Authority
from municipalities import permissions
from municipalities.models import Municipality, User
from tests.factories import (
    NOW,
    DistrictFactory,
    FundingRoundFactory,
    MembershipFactory,
    MunicipalityFactory,
    PopulationFactory,
    StaffFactory,
    UserFactory,
)
from tests.remembered import remembered


@dataclass
class World:
    """Who and what is there; see `build`."""

    call: FundingCall
    town: Municipality
    other_town: Municipality
    small: Municipality
    clerk: User
    signatory: User
    stranger: User
    reader: User
    reviewer: User
    other_reviewer: User
    signer: User
    administrator: User
    auditor: User
    people: User


def staff(role: str, **fields: Any) -> User:
    """A person of the authority with that role."""
    Group.objects.get_or_create(name=role)
    return StaffFactory(roles=[role], **fields)


def give_second_factor(client: Client, user: User) -> None:
    """This session counts as signed in with a second factor."""
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password"}, {"method": "mfa"}]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()


@remembered
def build(at: datetime = NOW) -> World:
    """An open call with all its texts; two towns of 20.000 and one of 5.000; everybody's role."""
    for name in permissions.STAFF_GROUPS:
        Group.objects.get_or_create(name=name)
    district = DistrictFactory(ags="06431", name="Bergstraße", court="Darmstadt")
    town = _town("Musterstadt", 20_000, district=district)
    other_town = _town("Anderstadt", 20_000, district=district)
    small = _town("Kleinheim", 5_000, district=district)
    administrator = staff(permissions.ADMINISTER)
    clerk, signatory, stranger = UserFactory(), UserFactory(), UserFactory()
    confirmed = {"confirmed_at": at, "confirmed_by": administrator}
    MembershipFactory(user=clerk, municipality=town, **confirmed)
    MembershipFactory(user=signatory, municipality=town, may_sign=True, **confirmed)
    MembershipFactory(user=stranger, municipality=other_town, may_sign=True, **confirmed)
    Authority.objects.create(
        pk=1,
        name="Regierungspräsidium Darmstadt",
        street="Wilhelminenstr. 1–3",
        postal_code="64283",
        city="Darmstadt",
    )
    texts()
    call = services.open_call(call=call_in_preparation(at), by=administrator, at=at)
    return World(
        call=call,
        town=town,
        other_town=other_town,
        small=small,
        clerk=clerk,
        signatory=signatory,
        stranger=stranger,
        reader=staff(permissions.READ),
        reviewer=staff(permissions.REVIEW),
        other_reviewer=staff(permissions.REVIEW),
        signer=staff(permissions.SIGN),
        administrator=administrator,
        auditor=staff(permissions.AUDIT),
        people=staff(permissions.PEOPLE),
    )


def _town(name: str, population: int, **fields: Any) -> Municipality:
    town = MunicipalityFactory(
        short_name=name, official_name=f"{name}, Stadt", ags=_key(name), **fields
    )
    PopulationFactory(municipality=town, value=population)
    return town


def _key(name: str) -> str:
    return {"Musterstadt": "06431901", "Anderstadt": "06431902", "Kleinheim": "06431903"}[name]


def texts(valid_from: date = date(2020, 1, 1)) -> None:
    """Every block that letters need, valid and confirmed."""
    for kind, keys in REQUIRED_BLOCKS.items():
        for key in keys:
            LetterBlock.objects.create(
                kind=kind,
                key=key,
                text=f"{key.label}: {{gericht}}, Sitz {{sitz}}.",
                valid_from=valid_from,
                confirmed_by_office="Prüfende Stelle",
            )


def call_in_preparation(at: datetime = NOW, **changes: Any) -> FundingCall:
    """A call with everything it needs, not opened yet; starts a day before, ends in 60 days."""
    values: dict[str, Any] = {
        "title": "Testaufruf",
        "round": FundingRoundFactory(number=4, title="KIV IV", years="2026/2027"),
        "opens_at": at - timedelta(days=1),
        "closes_at": at + timedelta(days=60),
        "guideline": "WIR-Richtlinie",
        "clause": "2.6",
        "purpose": "Entwicklung einer Strategie",
        "minimum_population": 10_000,
        "maximum_population": 50_000,
        "population_as_of": date(2023, 12, 31),
        "population_basis": "Zensus 2011",
        "population_source": "Programmseite",
        "joint_allowed": True,
        "joint_source": "Programmseite",
        "duration_min": 12,
        "duration_max": 18,
        "duration_source": "Programmseite",
        "cap": Decimal("30000.00"),
        "cap_source": "Förderaufruf",
        "financing_type": "share",
    }
    return FundingCall.objects.create(**values | changes)


def row(**values: Any) -> dict[str, Any]:
    """A row of a step's content with a fresh id."""
    return {"id": str(uuid.uuid4()), **values}


def content(town: Municipality) -> dict[Step, dict[str, Any]]:
    """Every step filled in so that no rule has anything to say."""
    return {
        Step.ANSPRECHPARTNER: {
            "addressee": town.body,
            "street": "Marktplatz 1",
            "postal_code": "64283",
            "city": "Musterstadt",
            "contact_unit": "Fachstelle Integration",
            "contact_person": "",
            "contact_email": "integration@musterstadt.example",
            "contact_phone": "06151 1234",
            "finance_unit": "Kämmerei",
            "finance_person": "",
            "finance_email": "kaemmerei@musterstadt.example",
            "finance_phone": "06151 1235",
            "signatory_name": "Zeichnende Person",
            "signatory_function": "Bürgermeisteramt",
            "account_holder": "Stadtkasse Musterstadt",
            "iban": "DE89370400440532013000",
            "payment_reference": "5.0123.456789.0",
        },
        Step.KONZEPTION: {
            "title": "Vielfalt in Musterstadt",
            "summary": "Kurz",
            "situation": "Lage",
            "goals": "Ziele",
            "target_groups": "Alle",
            "topics": "Ankommen",
            "approach": "Vorgehen",
            "procurement_way": "quotes",
            "procurement_text": "Drei Angebote",
            "continuation": "Jedes Jahr",
        },
        Step.BETEILIGUNG: {
            "social_space": "Ortsteile",
            "bodies": "Gremien",
            "wir_centre": "Zentrum",
            "formats": [
                row(
                    name="Werkstatt",
                    reaches="alle",
                    when="Herbst",
                    how_many="zwei Termine",
                    barriers="abends",
                )
            ],
        },
        Step.ZEITPLAN: {
            "starts_on": "2027-07-01",
            "months": 18,
            "milestones": [row(text="Auftakt", due_on="2027-09-01")],
            "adoptions": [
                row(
                    municipality=town.ags,
                    body="Stadtverordnetenversammlung",
                    planned_on="2028-12-01",
                )
            ],
        },
        Step.FINANZIERUNG: {
            "vat_deductible": False,
            "budget_situation": "approved",
            "expenses": [
                row(year=y, category="moderation", text="", amount="10000.00", eligible=True)
                for y in (2027, 2028)
            ],
            "cover": [
                line
                for y in (2027, 2028)
                for line in (
                    row(year=y, kind="grant", text="", municipality=None, amount="9000.00"),
                    row(year=y, kind="own", text="", municipality=town.ags, amount="1000.00"),
                )
            ],
        },
        Step.ERKLAERUNGEN: {
            "authority_declared": True,
            "declares_correct": True,
            "declares_not_started": True,
            "declares_financing_secured": True,
            "other_funding": False,
            "other_funding_text": "",
            "consents_publication": True,
        },
    }


@remembered
def draft(world: World, at: datetime = NOW, by: User | None = None) -> Application:
    """An empty draft of the town."""
    return services.start(call=world.call, lead=world.town, by=by or world.clerk, at=at)


def save(
    application: Application, step: Step, data: dict[str, Any], by: User, at: datetime = NOW
) -> Application:
    """Save a step on top of what is there now."""
    application.refresh_from_db()
    return services.save_step(
        application=application,
        step=step,
        data=data,
        base_revision=application.revision,
        by=by,
        at=at,
    )


@remembered
def filled(world: World, at: datetime = NOW, by: User | None = None) -> Application:
    """A draft in which every step is filled in."""
    application = draft(world, at, by)
    for step, data in content(world.town).items():
        application = save(application, step, data, by or world.clerk, at)
    return application


def shared(application: Application, world: World, *partners: Municipality) -> Application:
    """The draft with these partners, each with its share: what a Kooperationserklärung needs."""
    by = world.clerk
    save(application, Step.KOMMUNE, {"partners": [town.ags for town in partners]}, by)
    application.refresh_from_db()
    cover = services.read_step(application, Step.FINANZIERUNG)["cover"]
    for town in partners:
        cover.append(row(year=2027, kind="own", text="", municipality=town.ags, amount="500.00"))
    return save(application, Step.FINANZIERUNG, {"cover": cover}, by)


@remembered
def submitted(world: World, at: datetime = NOW) -> Application:
    """A filed application of the town."""
    return file(filled(world, at), world.signatory, at)


def file(application: Application, by: User, at: datetime = NOW) -> Application:
    """File it, confirming whatever the rules have to say."""
    application.refresh_from_db()
    findings = services.findings_of(application, at)
    return services.submit(
        application=application,
        confirmed=services.confirmation_key(findings),
        declares_authority=True,
        by=by,
        at=at,
    )


@remembered
def in_check(world: World, at: datetime = NOW) -> Application:
    """In the formal check, with a Geschäftszeichen."""
    application = services.begin_check(application=submitted(world, at), by=world.reviewer, at=at)
    return services.set_file_number(
        application=application, file_number="II 25 – 1", by=world.reviewer, at=at
    )


@remembered
def requested(
    world: World, steps: tuple[Step, ...] = (Step.KONZEPTION,), at: datetime = NOW
) -> Application:
    """Waiting for what was asked for."""
    application = in_check(world, at)
    services.request_information(
        application=application,
        items=[(step, "Bitte ergänzen.") for step in steps],
        due_on=date(2026, 12, 15),
        by=world.reviewer,
        at=at,
    )
    application.refresh_from_db()
    return application


def grant_proposal(**changes: Any) -> services.Proposal:
    """A proposal to grant all that `content` asks for."""
    values: dict[str, Any] = {
        "kind": "grant",
        "reasons": "Überzeugt.",
        "amount": Decimal("18000.00"),
        "years": {2027: Decimal("9000.00"), 2028: Decimal("9000.00")},
        "eligible_costs": Decimal("20000.00"),
        "starts_on": date(2027, 7, 1),
        "ends_on": date(2028, 12, 31),
    }
    return services.Proposal(**values | changes)


REJECTION = services.Proposal(
    kind="rejection",
    reasons="Die Mittel reichen nicht.",
    hearing_skipped="Versagt wird nur, was beantragt war.",
)


@remembered
def in_substance(world: World, at: datetime = NOW) -> Application:
    """In the substantive check."""
    return services.accept_formally(application=in_check(world, at), by=world.reviewer, at=at)


@remembered
def proposed(
    world: World, proposal: services.Proposal | None = None, at: datetime = NOW
) -> Application:
    """Waiting for the final signature."""
    application = in_substance(world, at)
    services.propose(
        application=application, proposal=proposal or grant_proposal(), by=world.reviewer, at=at
    )
    application.refresh_from_db()
    return application


@remembered
def granted(world: World, at: datetime = NOW) -> Application:
    """Granted, its project not yet public."""
    return services.grant(application=proposed(world, at=at), by=world.signer, at=at)


def with_pdf(letter: Letter, at: datetime = NOW) -> Letter:
    """The letter once the worker has made its PDF, without the seconds that takes."""
    content = b"%PDF-1.7 " + str(letter.pk).encode()
    letter.file.save(f"{letter.pk}.pdf", ContentFile(content), save=False)
    letter.sha256 = hashlib.sha256(content).hexdigest()
    letter.save()
    return letter


def consented(world: World, application: Application, at: datetime = NOW) -> None:
    """The town's consent to retrieval is on file."""
    services.record_consent(
        application=application,
        given_on=timezone.localdate(at),
        note="Blatt 12",
        by=world.reviewer,
        at=at,
    )


def offered(world: World, at: datetime = NOW) -> Letter:
    """The letter of a granted case, offered for retrieval."""
    application = granted(world, at)
    letter = with_pdf(application.letters.get(), at)
    consented(world, application, at)
    services.deliver(letter=letter, way="retrieval", by=world.reviewer, at=at)
    return letter


def plan_for(years: dict[int, Decimal], own: dict[int, Decimal], ags: str) -> list[Any]:
    """An adjusted plan that balances: all of it Prozessmoderation."""
    lines = []
    for year in sorted({*years, *own}):
        granted_part, own_part = years.get(year, Decimal(0)), own.get(year, Decimal(0))
        lines += [
            services.PlanLine("expense", "moderation", year, granted_part + own_part),
            services.PlanLine("cover", "grant", year, granted_part),
            services.PlanLine("cover", "own", year, own_part, ags),
        ]
    return lines


@remembered
def heard(world: World, at: datetime = NOW) -> Application:
    """A rejection is intended, the municipality is being heard."""
    application = in_substance(world, at)
    services.begin_hearing(
        application=application,
        text="Wir beabsichtigen, den Antrag abzulehnen.",
        due_on=timezone.localdate(at) + timedelta(days=29),
        by=world.reviewer,
        at=at,
    )
    application.refresh_from_db()
    return application


def extension(application: Application, **changes: Any) -> services.Proposal:
    """A cost-neutral extension by three months."""
    ags = application.members.get(role="lead").municipality.ags
    half, own = Decimal("9000.00"), Decimal("1000.00")
    values: dict[str, Any] = {
        "kind": "amendment",
        "reasons": "Die Befragung dauert länger.",
        "ends_on": date(2029, 3, 31),
        "plan": plan_for({2027: half, 2028: half}, {2027: own, 2028: own}, ags),
    }
    return grant_proposal(**values | changes)


@remembered
def change_proposed(world: World, at: datetime = NOW) -> Application:
    """Granted, and an extension waits for its signature."""
    application = granted(world, at)
    services.propose_change(
        application=application, proposal=extension(application), by=world.reviewer, at=at
    )
    return application


@remembered
def revocation_heard(world: World, at: datetime = NOW) -> Application:
    """Granted, and the hearing before a revocation is over."""
    application = granted(world, at)
    services.begin_revocation_hearing(
        application=application,
        text="Wir beabsichtigen, den Bescheid zu widerrufen.",
        due_on=timezone.localdate(at) + timedelta(days=29),
        by=world.reviewer,
        at=at,
    )
    services.end_revocation_hearing(
        application=application,
        answer="Wir sind einverstanden.",
        answered_on=timezone.localdate(at),
        by=world.reviewer,
        at=at,
    )
    return application


def revocation(**changes: Any) -> services.Proposal:
    """A revocation that leaves nothing."""
    values: dict[str, Any] = {
        "kind": "revocation",
        "basis": "49",
        "reasons": "Das Vorhaben findet nicht statt.",
        "amount": Decimal("0.00"),
        "years": {},
        "plan": [],
    }
    return services.Proposal(**values | changes)


@remembered
def revoked(world: World, at: datetime = NOW) -> Application:
    """Granted once, and revoked as a whole."""
    application = revocation_heard(world, at)
    services.propose_change(
        application=application, proposal=revocation(), by=world.reviewer, at=at
    )
    return services.revoke(application=application, by=world.signer, at=at)


def pdf_bytes() -> bytes:
    """A real PDF with one empty page."""
    out = io.BytesIO()
    with pikepdf.new() as made:
        made.add_blank_page()
        made.save(out, deterministic_id=True)
    return out.getvalue()


def another(world: World, number: int, at: datetime = NOW) -> Application:
    """A granted-to-be case of one more town, waiting for its signature."""
    town = MunicipalityFactory(district=world.town.district, ags=f"06431{number:03}")
    PopulationFactory(municipality=town, value=20_000)
    MembershipFactory(
        user=world.signatory,
        municipality=town,
        may_sign=True,
        confirmed_at=at,
        confirmed_by=world.administrator,
    )
    application = services.start(call=world.call, lead=town, by=world.signatory, at=at)
    for step, data in content(town).items():
        application = save(application, step, data, world.signatory, at)
    application = file(application, world.signatory, at)
    services.begin_check(application=application, by=world.reviewer, at=at)
    services.set_file_number(
        application=application, file_number=f"II 25 – {number}", by=world.reviewer, at=at
    )
    services.accept_formally(application=application, by=world.reviewer, at=at)
    services.propose(application=application, proposal=grant_proposal(), by=world.reviewer, at=at)
    application.refresh_from_db()
    return application


def notified(world: World, at: datetime = NOW) -> Application:
    """Granted, and the letter was retrieved."""
    letter = offered(world, at)
    services.open_letter(letter=letter, by=world.clerk, at=at)
    return letter.application


def published(world: World, at: datetime = NOW, mailbox: str = "") -> Application:
    """Granted, notified, and in the public directory; the municipality is asked for its words."""
    return services.publish_project(
        application=notified(world, at), mailbox=mailbox, by=world.reviewer, at=at
    )


def words(**changes: str) -> services.Words:
    """What a municipality says of its public entry."""
    said = {
        "summary": "Wir fragen alle.",
        "unit": "Fachstelle Integration",
        "mailbox": "vielfalt@musterstadt.example",
        "phone": "06151 12345",
    }
    return services.Words(**said | changes)
