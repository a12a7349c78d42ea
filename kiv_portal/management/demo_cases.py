"""The demonstration's call, sample texts and cases; all of it made through the services."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import transaction
from django.utils import timezone

from applications import services
from applications.models import Application, CallBudget, CheckItem, FundingCall
from applications.rules import Step
from applications.services import cooperation, rendering
from kiv_portal import pdf
from kiv_portal.calendar import deadline
from kiv_portal.management.demo_answers import answers
from kiv_portal.models import DeliveryWay
from municipalities.models import Membership, Municipality, User
from projects.models import FundingRound

if TYPE_CHECKING:
    from collections.abc import Sequence

TITLE = "KIV – Förderaufruf zur Demonstration"

ALSFELD, KORBACH, LICH, WITZENHAUSEN, MUENZENBERG, ROCKENBERG = (
    "06535001",
    "06635015",
    "06531011",
    "06636016",
    "06440015",
    "06440022",
)
BUTZBACH, NIDDA, GRUENBERG = "06440005", "06440016", "06531006"
FURTHER = (ALSFELD, KORBACH, LICH, WITZENHAUSEN, MUENZENBERG)
"""Municipalities that share the third municipal account of the demonstration."""


@transaction.atomic
def create(at: datetime) -> bool:
    """Create the call, its sample texts and the cases; whether anything had to be created."""
    if FundingCall.objects.filter(title=TITLE).exists():
        return False
    opened = at - timedelta(days=60)
    sample_blocks()
    call = open_demo_call(opened, at)
    _cases(call, at)
    return True


def sample_blocks() -> None:
    """The sample texts of all letters, each marked as such."""
    call_command("loaddata", "demo/letter_blocks", verbosity=0)


def open_demo_call(opened: datetime, at: datetime) -> FundingCall:
    administrator = User.objects.get(email="verwaltung@rp.example")
    last_day = timezone.localdate(at) + timedelta(days=90)
    closes_at = timezone.make_aware(datetime.combine(last_day + timedelta(days=1), time()))
    funding_round, _ = FundingRound.objects.get_or_create(
        number=99,
        defaults={
            "title": "KIV-Demonstration",
            "years": f"{at.year}/{at.year + 1}",
            "source": "Demonstration",
        },
    )
    demo = "Festlegung der Demonstration"
    call = FundingCall.objects.create(
        title=TITLE,
        round=funding_round,
        is_demo=True,
        opens_at=opened,
        closes_at=closes_at,
        guideline="Förderrichtlinie zum Landesprogramm „WIR – Vielfalt und Teilhabe“",
        clause="2.6",
        purpose=(
            "Entwicklung einer kommunalen Vielfalts- und Integrationsstrategie mit Beteiligung "
            "der Einwohnerinnen und Einwohner"
        ),
        minimum_population=10_000,
        maximum_population=50_000,
        population_as_of=date(2023, 12, 31),
        population_basis="Zensus 2011",
        population_source="Programmseite",
        joint_allowed=True,
        joint_source="Programmseite",
        duration_min=12,
        duration_max=18,
        duration_source="Programmseite",
        cap=Decimal("30000.00"),
        cap_source="Förderaufruf KIV III",
        rate=Decimal("0.9000"),
        financing_type="share",
        earliest_decision_weeks=4,
        closing_note=f"Fördersatz und Finanzierungsart: {demo}.",
    )
    for year in (at.year, at.year + 1, at.year + 2):
        CallBudget.objects.create(
            call=call,
            year=year,
            funds=Decimal("150000.00"),
            commitment=Decimal("150000.00"),
            source=demo,
        )
    checklist(call)
    return services.open_call(call=call, by=administrator, at=opened)


def checklist(call: FundingCall) -> None:
    """The checklist a call starts from; staff change its rows at the call."""
    lines = json.loads((settings.BASE_DIR / "fixtures/demo/checklist.json").read_text())
    CheckItem.objects.bulk_create(
        CheckItem(call=call, position=position, **line) for position, line in enumerate(lines)
    )


def _cases(call: FundingCall, at: datetime) -> None:
    first = User.objects.get(email="pruefung@rp.example")
    second = User.objects.get(email="zeichnung@rp.example")

    draft = _draft(call, BUTZBACH, at - timedelta(days=6), email="sachbearbeitung@butzbach.example")
    clerk = draft.created_by
    for step in (Step.ANSPRECHPARTNER, Step.KONZEPTION, Step.ZEITPLAN):
        data = answers(draft, "Butzbach – Vielfalt gestalten", at)[step]
        if step is Step.KONZEPTION:
            data |= {"goals": "", "approach": ""}
        _save(draft, step, data, clerk, at - timedelta(days=2))

    alsfeld = _filed(call, ALSFELD, "Alsfeld im Gespräch", at - timedelta(days=3), at)
    _retrieves(alsfeld, first, at)

    _recorded(call, first, at)

    nidda = _filed(call, NIDDA, "Nidda gemeinsam", at - timedelta(days=21), at)
    services.begin_check(application=nidda, by=first, at=at - timedelta(days=18))
    services.set_file_number(
        application=nidda, file_number="II 25 – Demo 1", by=first, at=at - timedelta(days=18)
    )
    services.request_information(
        application=nidda,
        items=[
            (Step.KONZEPTION, "Bitte beschreiben Sie die Ausgangslage in den Ortsteilen genauer."),
            (Step.ANLAGEN, "Bitte legen Sie das Angebot der Prozessmoderation bei."),
        ],
        due_on=deadline(timezone.localdate(at), days=14),
        message="Vielen Dank für Ihren Antrag. Für die Prüfung fehlen uns noch zwei Dinge.",
        by=first,
        at=at - timedelta(days=10),
    )

    joint = _filed(
        call,
        MUENZENBERG,
        "Zwei Städte, ein Weg",
        at - timedelta(days=14),
        at,
        partners=(ROCKENBERG,),
    )
    services.begin_check(application=joint, by=first, at=at - timedelta(days=12))

    lich = _filed(call, LICH, "Lich hört zu", at - timedelta(days=40), at)
    _proposed(lich, first, "grant", "II 25 – Demo 2", at - timedelta(days=5))
    _retrieves(lich, first, at)

    korbach = _filed(call, KORBACH, "Korbach verbindet", at - timedelta(days=50), at)
    _proposed(korbach, first, "grant", "II 25 – Demo 3", at - timedelta(days=30))
    services.grant(application=korbach, by=second, at=at - timedelta(days=28))
    _told(korbach, first, at - timedelta(days=27))
    services.publish_project(
        application=korbach,
        mailbox="integration@korbach.example",
        by=first,
        at=at - timedelta(days=10),
    )

    witzenhausen = _filed(call, WITZENHAUSEN, "Witzenhausen plant", at - timedelta(days=45), at)
    _proposed(witzenhausen, first, "rejection", "II 25 – Demo 4", at - timedelta(days=25))
    services.reject(application=witzenhausen, by=second, at=at - timedelta(days=24))


def _recorded(call: FundingCall, by: User, at: datetime) -> None:
    """What came by post yesterday: recorded, and waiting for the second person."""
    day, title = at - timedelta(days=1), "Grünberg spricht miteinander"
    town = Municipality.objects.get(ags=GRUENBERG)
    application = services.start_recording(
        call=call,
        lead=town,
        received_as="post",
        arrived_at=day,
        reason="Die Kommune hat noch kein Konto.",
        upload=SimpleUploadedFile("Antrag.pdf", _sheet(town, title, at), "application/pdf"),
        by=by,
        at=day,
    )
    for step, data in answers(application, title, at).items():
        if step is Step.ANSPRECHPARTNER:
            data |= {
                "contact_email": "zusammenleben@gruenberg.example",
                "finance_email": "kaemmerei@gruenberg.example",
            }
        _save(application, step, data, by, day)
    services.present_recording(application=application, by=by, at=day)


def _sheet(town: Municipality, title: str, at: datetime) -> bytes:
    """A page that stands for what came by post."""
    words = {"town": town.short_name, "project": title}
    return pdf.render(
        "pdf/demo_paper.html", words, title="Antrag, wie er eingegangen ist", created_at=at
    )


def _retrieves(application: Application, by: User, at: datetime) -> None:
    """The municipality's consent is on file: its letters can be retrieved in the portal."""
    services.record_consent(
        application=application,
        given_on=timezone.localdate(at),
        note="Erklärung zur Demonstration, kein Blatt einer Akte",
        by=by,
        at=at,
    )


def _told(application: Application, by: User, at: datetime) -> None:
    """The Bescheid went out and came back with its Empfangsbekenntnis."""
    letter = application.letters.get()
    rendering.render_letter_pdf(str(letter.pk), at)
    services.deliver(letter=letter, way=DeliveryWay.RECEIPT, by=by, at=at)
    services.acknowledge(
        letter=letter,
        received_on=timezone.localdate(at + timedelta(days=3)),
        by=by,
        at=at + timedelta(days=4),
    )


def _applicant(ags: str) -> User:
    """Whoever may file for the municipality in the demonstration."""
    return Membership.objects.filter(municipality__ags=ags, may_sign=True).order_by("pk")[0].user


def _draft(call: FundingCall, ags: str, at: datetime, email: str = "") -> Application:
    by = User.objects.get(email=email) if email else _applicant(ags)
    return services.start(call=call, lead=Municipality.objects.get(ags=ags), by=by, at=at)


def _save(
    application: Application, step: Step, data: dict[str, Any], by: User, at: datetime
) -> None:
    application.refresh_from_db()
    services.save_step(
        application=application,
        step=step,
        data=data,
        base_revision=application.revision,
        by=by,
        at=at,
    )


def _filed(
    call: FundingCall,
    ags: str,
    title: str,
    at: datetime,
    now: datetime,
    partners: Sequence[str] = (),
) -> Application:
    application = _draft(call, ags, at - timedelta(days=5))
    by = application.created_by
    if partners:
        rows = [
            {
                "id": str(cooperation.key_of(application, partner)),
                "municipality": partner.ags,
                "contribution": "Stellt Räume, lädt ein und arbeitet in der Steuerungsgruppe mit.",
            }
            for partner in Municipality.objects.filter(ags__in=partners)
        ]
        data = {"partners": list(partners), "cooperations": rows}
        _save(application, Step.KOMMUNE, data, by, at)
    for step, data in answers(application, title, now).items():
        _save(application, step, data, by, at - timedelta(days=1))
    application.refresh_from_db()
    findings = services.findings_of(application, at)
    return services.submit(
        application=application,
        confirmed=services.confirmation_key(findings),
        declares_authority=True,
        reason="Antrag der Demonstration" if services.to_confirm(findings) else "",
        by=by,
        at=at,
    )


def _proposed(
    application: Application, by: User, kind: str, file_number: str, at: datetime
) -> None:
    services.begin_check(application=application, by=by, at=at - timedelta(days=3))
    services.set_file_number(
        application=application, file_number=file_number, by=by, at=at - timedelta(days=3)
    )
    services.accept_formally(application=application, by=by, at=at - timedelta(days=2))
    application.refresh_from_db()
    start = application.starts_on
    assert start is not None
    services.propose(
        application=application,
        proposal=services.Proposal(
            kind=kind,
            reasons=(
                "Das Vorhaben bindet die Ortsteile, die Gremien und das WIR-Vielfaltszentrum gut "
                "ein. Die Gesamtfinanzierung ist schlüssig."
                if kind == "grant"
                else "Die Mittel dieses Aufrufs reichen für das Vorhaben nicht aus; andere "
                "Vorhaben erreichen mehr Menschen."
            ),
            amount=Decimal("27600.00"),
            years={start.year: Decimal("13800.00"), start.year + 1: Decimal("13800.00")},
            eligible_costs=Decimal("31000.00"),
            starts_on=start,
            ends_on=date(start.year + 1, 12, 31),
            hearing_skipped=(
                "" if kind == "grant" else "Die Ablehnung versagt nur, was beantragt war."
            ),
        ),
        by=by,
        at=at,
    )
