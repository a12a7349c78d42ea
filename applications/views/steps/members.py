"""The step in which the partners of a Verbund are chosen."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from applications import rules, services
from applications.forms.members import PartnersForm, search_text
from applications.forms.steps import FORMS
from applications.rules import Step
from applications.services.eligibility import municipalities_to_choose
from applications.views import wording
from applications.views.steps import kept
from applications.views.steps.filled import filled_in_step
from applications.views.steps.page import Page
from municipalities.models import REGISTER_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from applications.forms.steps import StepForm

MOST_RESULTS: Final = 20


def members_step(page: Page) -> HttpResponse:
    typed = {"aktion", "eingaben_verwerfen"} & page.request.POST.keys()
    if typed or (page.request.method != "POST" and kept.token_of(page.request)):
        return filled_in_step(page, _with_form)
    if page.request.method == "POST":
        return _change_partners(page)
    return _members_page(page)


def _with_form(page: Page, form: StepForm, problems: Sequence[Any]) -> HttpResponse:
    return _members_page(page, form=form, problems=problems)


def _members_page(
    page: Page,
    problem: str = "",
    status: int = HTTPStatus.OK,
    *,
    form: StepForm | None = None,
    problems: Sequence[Any] = (),
) -> HttpResponse:
    filing = page.filing()
    search = search_text(page.request.GET)
    taken = {member.ags for member in filing.members}
    found = municipalities_to_choose(search, on=timezone.localdate(page.at)) if search else []
    others = [row for row in found if row.ags not in taken]
    limits = page.application.call.limits()
    full = ""
    if not limits.joint_allowed:
        full = "Dieser Förderaufruf sieht keinen Antrag im Verbund vor."
    elif len(filing.partners) >= limits.max_partners:
        full = f"Ein Verbund hat höchstens {limits.max_partners} Partnerkommunen."
    rows = {row.municipality.ags: row.municipality for row in page.application.members.all()}
    return page.render(
        "applications/step_kommune.html",
        page.context(
            rules.check(filing, page.application.call.terms()),
            members=[
                {"member": member, "row": rows[member.ags], "figure": _figure(member)}
                for member in filing.members
            ],
            register=REGISTER_SOURCE,
            search=search,
            searched="suche" in page.request.GET,
            found=others[:MOST_RESULTS],
            more=max(0, len(others) - MOST_RESULTS),
            already=[
                f"{row.short_name} ist die antragstellende Kommune."
                if filing.lead and row.ags == filing.lead.ags
                else f"{row.short_name} ist schon Partnerkommune."
                for row in found
                if row.ags in taken
            ],
            full=full,
            problem=problem,
            problems=problems,
            form=form or FORMS[Step.KOMMUNE](sheet=page.sheet()),
        ),
        status,
    )


def _figure(member: Any) -> str:
    if member.population is None:
        return ""
    text = f"{wording.number(member.population)} Einwohnerinnen und Einwohner"
    if member.population_as_of:
        text += f", Stand {member.population_as_of:%d.%m.%Y}"
    if member.population_basis:
        text += f", {member.population_basis}"
    return text


def _change_partners(page: Page) -> HttpResponse:
    form = PartnersForm(page.request.POST)
    if not form.is_valid():
        messages.error(page.request, "Diese Änderung war nicht möglich. Bitte wählen Sie neu.")
        return redirect(page.href)
    try:
        services.save_step(
            application=page.application,
            step=Step.KOMMUNE,
            data=form.step_data(),
            base_revision=form.basis,
            by=page.user,
            at=page.at,
        )
    except services.EditConflict:
        changed = "hinzugefügt" if form.adds else "entfernt"
        return _members_page(
            page,
            problem=(
                "Die Partnerkommunen wurden zwischenzeitlich von jemand anderem geändert. Unten "
                f"steht der neue Stand; Ihre Kommune wurde noch nicht {changed}. Bitte "
                "wiederholen Sie die Änderung, wenn sie noch gewünscht ist."
            ),
            status=HTTPStatus.CONFLICT,
        )
    except services.PartnerTaken:
        messages.error(
            page.request,
            "Diese Kommune ist in diesem Förderaufruf schon an einem anderen Antrag beteiligt.",
        )
        return redirect(page.href)
    except services.NotEditable:
        messages.error(page.request, "Der Antrag wurde inzwischen eingereicht oder abgesendet.")
        return redirect(page.application)
    except services.NotAllowed as error:
        raise PermissionDenied from error
    messages.success(
        page.request,
        "Die Partnerkommune ist hinzugefügt." if form.adds else "Die Partnerkommune ist entfernt.",
    )
    return redirect(page.href)
