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
from applications.views import case, wording
from applications.views.steps import kept
from applications.views.steps.filled import filled_in_step
from applications.views.steps.page import Page
from municipalities.models import REGISTER_SOURCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.http import QueryDict

    from applications.forms.steps import StepForm
    from applications.models import Application
    from applications.rules import Filing
    from municipalities.models import Municipality

MOST_RESULTS: Final = 20


def members_step(page: Page) -> HttpResponse:
    post = page.request.POST
    if page.request.method != "POST":
        if kept.token_of(page.request):
            case.with_statements(page.application)
            return filled_in_step(page, _with_form)
        return _members_page(page)
    if post.get("aktion") == "suchen":
        return _members_page(page, form=_typed(page, post))
    if {"aktion", "eingaben_verwerfen"} & post.keys():
        return filled_in_step(page, _with_form)
    return _change_partners(page)


def _with_form(page: Page, form: StepForm, problems: Sequence[Any]) -> HttpResponse:
    return _members_page(page, form=form, problems=problems)


def _typed(page: Page, post: QueryDict) -> StepForm | None:
    """What the page held besides the button that was pressed; None where it held no form."""
    if not any(name.startswith("cooperations-") for name in post):
        return None
    return FORMS[Step.KOMMUNE](post, sheet=page.sheet())


def _is_unsaved(form: StepForm) -> bool:
    """Whether anything was typed that is not stored."""
    if not form.is_valid():
        return True
    rows = (form.sheet.values["cooperations"], form.step_data()["cooperations"])
    stored, typed = (
        {row["municipality"]: row["contribution"] for row in part if row["contribution"]}
        for part in rows
    )
    return stored != typed


def _members_page(
    page: Page,
    problem: str = "",
    status: int = HTTPStatus.OK,
    *,
    refusal: str = "",
    form: StepForm | None = None,
    problems: Sequence[Any] = (),
) -> HttpResponse:
    filing = page.filing()
    searched = "suche" in page.request.GET or page.request.POST.get("aktion") == "suchen"
    search = search_text(page.request.POST if page.request.method == "POST" else page.request.GET)
    taken = {member.ags for member in filing.members}
    found = (
        municipalities_to_choose(search, on=timezone.localdate(page.at))
        if searched and search
        else []
    )
    others = [row for row in found if row.ags not in taken]
    limits = page.application.call.limits()
    full = ""
    if not limits.joint_allowed:
        full = "Dieser Förderaufruf sieht keinen Antrag im Verbund vor."
    elif len(filing.partners) >= limits.max_partners:
        full = f"Ein Verbund hat höchstens {limits.max_partners} Partnerkommunen."
    if full and refusal:  # there is no search field beside which it could stand
        problem, refusal = refusal, ""
    rows = {row.municipality.ags: row.municipality for row in page.application.members.all()}
    with_statements = case.with_statements(page.application)
    sheets = {sheet.ags: sheet for sheet in case.cooperation_sheets(with_statements)}
    members = page.application.members.all()
    findings = [
        *services.applied_before(page.application, by=page.user, members=members),
        *rules.check(filing, page.application.call.terms()),
    ]
    return page.render(
        "applications/step_kommune.html",
        page.context(
            findings,
            members=[
                {
                    "member": member,
                    "row": rows[member.ags],
                    "figure": _figure(member),
                    "sheet": sheets.get(member.ags),
                    "findings": [f for f in findings if f.field == f"members-{member.ags}"],
                }
                for member in filing.members
            ],
            register=REGISTER_SOURCE,
            search=search,
            found=others[:MOST_RESULTS],
            more=max(0, len(others) - MOST_RESULTS),
            refusal=refusal
            or (_nothing_found(search, found, filing) if searched and not others else ""),
            full=full,
            problem=problem,
            problems=problems,
            form=form or FORMS[Step.KOMMUNE](sheet=page.sheet()),
        ),
        status,
    )


def _nothing_found(search: str, found: Sequence[Municipality], filing: Filing) -> str:
    """Why a search leads to no partner, beside its field."""
    if not search:
        return "Bitte geben Sie den Namen oder den Gemeindeschlüssel einer Kommune ein."
    if not found:
        return (
            f"Zu „{search}“ gibt es keine hessische Kommune. Bitte prüfen Sie die Schreibweise; "
            "ein Teil des Namens genügt."
        )
    return " ".join(
        f"{row.short_name} ist die antragstellende Kommune."
        if filing.lead and row.ags == filing.lead.ags
        else f"{row.short_name} ist schon Partnerkommune."
        for row in found
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
    """Add or take out one partner and keep whatever else is typed on the page."""
    post = page.request.POST
    form = PartnersForm(post)
    typed = _typed(page, post)
    if not form.is_valid():
        return _members_page(
            page,
            refusal="Diese Änderung war nicht möglich. Bitte wählen Sie die Kommune noch einmal.",
            form=typed,
        )
    try:
        saved = services.save_step(
            application=page.application,
            step=Step.KOMMUNE,
            data=form.step_data(),
            base_revision=form.basis,
            own_revisions=typed.own if typed else (),
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
            form=typed,
        )
    except services.PartnerTaken:
        return _members_page(
            page,
            refusal=(
                "Diese Kommune ist in diesem Förderaufruf schon an einem anderen Antrag beteiligt."
            ),
            form=typed,
        )
    except services.NotEditable:
        messages.error(page.request, "Der Antrag wurde inzwischen eingereicht oder abgesendet.")
        return redirect(page.application)
    except services.NotAllowed as error:
        raise PermissionDenied from error
    if form.adds and form.adds not in services.read_step(saved, Step.KOMMUNE)["partners"]:
        return _members_page(page, refusal=_never(page, form.adds), form=typed)
    said = (
        "Die Partnerkommune ist hinzugefügt." if form.adds else "Die Partnerkommune ist entfernt."
    )
    if typed is None:
        messages.success(page.request, said)
        return redirect(page.href)
    return _changed(page, said, typed, saved)


def _never(page: Page, key: str) -> str:
    lead = page.application.lead
    if lead and lead.municipality.ags == key:
        return f"{lead.municipality.short_name} ist die antragstellende Kommune."
    return "Diese Kommune gibt es im Gemeindeverzeichnis nicht. Bitte suchen Sie sie noch einmal."


def _changed(page: Page, said: str, typed: StepForm, saved: Application) -> HttpResponse:
    """The page after the change; what was typed and not saved yet stands there as it was typed."""
    fresh = Page(
        page.request,
        case.find(page.request, page.application.uuid),
        page.place,
        may_edit=page.may_edit,
    )
    post = page.request.POST.copy()
    # The change is this page's own: without it the next one would look like somebody else's.
    post["eigene"] = ",".join(map(str, [*typed.own, saved.revision]))
    form = FORMS[Step.KOMMUNE](post, sheet=fresh.sheet())
    if not _is_unsaved(form):
        messages.success(page.request, said)
        return redirect(page.href)
    messages.success(page.request, f"{said} Ihr Text unten ist noch nicht gespeichert.")
    return _members_page(fresh, form=form, problems=form.problems())
