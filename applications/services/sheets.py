"""Form sheets: asked for by what stands on them, rendered once by the worker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import transaction

from applications.models import Application, FormSheet, SheetKind
from applications.rules import Declaration, ends_on, requested
from applications.rules.values import Period
from applications.services import checks, cooperation
from applications.services.content import plain
from applications.services.log import canonical, sha256
from applications.services.snapshots import addressee_lines
from kiv_portal.euro import format_euro
from kiv_portal.outbox import enqueue_job

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from municipalities.models import Municipality


def ask(
    *,
    kind: SheetKind,
    values: Mapping[str, Any],
    at: datetime,
    application: Application | None = None,
    about: str = "",
) -> FormSheet:
    """The sheet with exactly these values; made by the worker if it is not there yet.

    A sheet that says something else about the same goes with it: what is on the way is only
    ever the newest. `values` are plain JSON values, `about` the AGS of whom it speaks.
    """
    whose = str(application.uuid) if application else ""
    key = sha256(canonical([kind, whose, about, values]))
    found = FormSheet.objects.filter(key=key).first()
    if found is not None:
        return found
    with transaction.atomic():
        sheet, made = FormSheet.objects.get_or_create(
            key=key,
            defaults={
                "kind": kind,
                "application": application,
                "about": about,
                "values": values,
                "created_at": at,
            },
        )
        if made:
            _forget(sheet)
            enqueue_job(
                kind="sheet_pdf", argument=str(sheet.pk), key=f"sheet_pdf:{sheet.pk}", at=at
            )
    return sheet


def _forget(newest: FormSheet) -> None:
    older = FormSheet.objects.filter(
        kind=newest.kind, application=newest.application, about=newest.about
    ).exclude(pk=newest.pk)
    files = [(sheet.file.storage, sheet.file.name) for sheet in older if sheet.file]
    older.delete()
    for storage, name in files:
        transaction.on_commit(lambda storage=storage, name=name: storage.delete(name))


def cooperation_sheet(
    *, application: Application, partner: Municipality, at: datetime
) -> FormSheet:
    """The Kooperationserklärung of a partner, filled in; raises StatementIncomplete."""
    values = cooperation.complete_statement(application, partner)
    return ask(
        kind=SheetKind.COOPERATION,
        values=values | {"partner_name": partner.short_name},
        application=application,
        about=partner.ags,
        at=at,
    )


def signature_sheet(*, application: Application, at: datetime) -> FormSheet:
    """The Unterschriftsblatt: what is applied for and declared, and who signs."""
    lead = application.lead
    period = Period(application.starts_on, application.months)
    last = ends_on(period)
    given = {
        Declaration.CORRECT: application.declares_correct,
        Declaration.NOT_STARTED: application.declares_not_started,
        Declaration.FINANCING_SECURED: application.declares_financing_secured,
    }
    amount = requested(checks.plan_of(application))
    values = {
        "call": application.call.title,
        "title": application.title,
        "applicant": addressee_lines(application, lead.municipality if lead else None),
        "partners": [member.municipality.official_name for member in application.partners],
        "requested": format_euro(amount) if amount else "",
        "starts_on": plain(application.starts_on),
        "ends_on": plain(last),
        "declarations": [code.label for code in Declaration if given[code]],
        "signatory_name": application.signatory_name,
        "signatory_function": application.signatory_function,
    }
    return ask(kind=SheetKind.SIGNATURE, values=values, application=application, at=at)
