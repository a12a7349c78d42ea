"""Steps that are filled in: read, check, save, settle what two people wrote at once."""

from __future__ import annotations

from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from applications import rules, services
from applications.forms import conflict
from applications.forms.steps import FORMS, Problem, StepForm
from applications.rules import Step
from applications.rules.unlocking import EVERYTHING
from applications.services import checks, drafts
from applications.views import case, wording
from applications.views.steps import kept
from applications.views.steps.page import Page
from kiv_portal.euro import format_euro

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from applications.models import Application
    from applications.services import EditConflict
    from applications.services.kept import Typed

    Show = Callable[[Page, StepForm, Sequence[Any]], HttpResponse]

CLOSED: Final = "Der Antrag wurde inzwischen eingereicht oder abgesendet."
NOT_ASKED: Final = (
    "Das Regierungspräsidium hat inzwischen nach etwas anderem gefragt. Diese Angaben sind nicht "
    "mehr frei."
)


def filled_in_step(page: Page, show: Show | None = None) -> HttpResponse:
    """Read what was typed and save it. `show` draws the page of a step that has more than that."""
    form_class = FORMS[page.place]
    show = show or _form_page
    if page.request.method != "POST":
        if typed := kept.found(page):
            return _put_back(page, typed, show)
        return show(page, form_class(sheet=page.sheet()), ())
    if "eingaben_verwerfen" in page.request.POST:
        kept.forget(page)
        return redirect(page.href)
    form = form_class(page.request.POST, sheet=page.sheet())
    if not form.is_for_what_is_open:
        return closed_step(page, NOT_ASKED)
    if _rows_changed(page, form):
        full = [Problem(f"#{rows.part}", rows.error) for rows in form.rows.values() if rows.error]
        return show(page, form, full)
    if not form.is_valid():
        return show(page, form, form.problems())
    settlement = conflict.Settlement(page.request.POST)
    data = settlement.apply(form.step_data(), services.read_step(page.application, page.place))
    if not settlement.is_complete:
        return _undecided(page, form, settlement)
    try:
        saved = services.save_step(
            application=page.application,
            step=page.place,
            data=data,
            base_revision=form.basis,
            own_revisions=form.own,
            by=page.user,
            at=page.at,
        )
    except services.EditConflict as error:
        return _conflict_page(page, form, error)
    except services.NotUnlocked:
        return closed_step(page, NOT_ASKED)
    except services.NotEditable:
        return closed_step(page)
    except services.RowNotFound as error:
        raise Http404 from error
    except services.NotAllowed as error:
        raise PermissionDenied from error
    kept.forget(page)
    _saved(page)
    if page.place is Step.ZEITPLAN and _outside(page, checks.plan_of(page.application), saved):
        return redirect(case.address("application_years", page.application))
    return redirect(page.after_saving())


def _outside(page: Page, plan: rules.Plan, application: Application) -> list[int]:
    """The Haushaltsjahre of the plan outside the period, where the person can do something."""
    if not page.opens_whole(Step.FINANZIERUNG):
        return []
    due = case.years(application)
    return [year for year in rules.plan_years(plan) if due and year not in due]


def _put_back(page: Page, typed: Typed, show: Show) -> HttpResponse:
    """The form as it was sent when the session was over: to be looked at, not saved yet."""
    data = kept.as_post(typed)
    form = FORMS[page.place](data, sheet=page.sheet())
    settlement = conflict.Settlement(data)
    if form.is_valid() and settlement.keys:
        return _undecided(page, form, settlement)
    page.typed = typed
    return show(page, form, form.problems())


def closed_step(page: Page, reason: str = CLOSED) -> HttpResponse:
    """The section cannot be written any more: nothing is saved, and nothing typed is lost."""
    # All that was typed is shown, whatever of it is open now.
    sheet = replace(page.sheet(), opened=EVERYTHING)
    form = FORMS[page.place](page.request.POST, sheet=sheet)
    context = {
        "application": page.application,
        "place": page.place,
        "home": page.home,
        "reason": reason,
        "typed": form.typed(),
    }
    return page.render("applications/not_saved.html", context, status=HTTPStatus.CONFLICT)


def _saved(page: Page) -> None:
    text = f"„{page.place.label}“ ist gespeichert."
    if not page.application.is_draft:
        text += " Abgesendet ist noch nichts."
    messages.success(page.request, text)


def _rows_changed(page: Page, form: StepForm) -> bool:
    """Add or leave out a row where that was asked for; nothing is saved by it."""
    post = page.request.POST
    if rows := form.rows.get(post.get("zeile_hinzufuegen", "")):
        if rows.addable and rows.may_add:
            rows.add()
        return True
    part, _, row_id = post.get("zeile_entfernen", "").partition(":")
    if rows := form.rows.get(part):
        if rows.addable and rows.remove(row_id):
            rows.removed = True
        return True
    return False


def _form_page(page: Page, form: StepForm, problems: Sequence[Any]) -> HttpResponse:
    filing = page.filing()
    findings = rules.check(filing, page.application.call.terms())
    template = (
        "applications/step_finanzierung.html"
        if page.place is Step.FINANZIERUNG
        else "applications/step.html"
    )
    form.remark(findings)
    more: dict[str, Any] = {"form": form, "problems": problems}
    more["outside"] = (
        _outside(page, filing.plan, page.application)
        if page.place in (Step.ZEITPLAN, Step.FINANZIERUNG)
        else []
    )
    if page.place is Step.FINANZIERUNG:
        more |= {
            "plan": plan_table(filing.plan),
            "years_known": bool(form.sheet.years),
        }
    if page.place is Step.ZEITPLAN:
        more["ends_on"] = rules.ends_on(filing.period)
    return page.render(template, page.context(findings, **more))


def plan_table(plan: rules.Plan) -> dict[str, Any] | None:
    """The saved plan as a table: kinds down, Haushaltsjahre across, what is missing below."""
    totals = rules.plan_totals(plan)
    if not totals.years:
        return None
    columns = [*totals.years, totals.total]

    def amounts(lines: Iterable[Any], **wanted: str) -> list[str]:
        (name, value), *_ = wanted.items()
        fitting = [line for line in lines if getattr(line, name) == value]
        return [
            format_euro(
                sum((x.amount for x in fitting if c.year in (None, x.year)), checks.NOTHING)
            )
            for c in columns
        ]

    expenses = [
        (kind.label, amounts(plan.expenses, category=kind.value))
        for kind in rules.ExpenseCategory
        if any(line.category == kind.value for line in plan.expenses)
    ]
    cover = [
        (kind.label, [format_euro(column.cover[kind.value]) for column in columns])
        for kind in rules.CoverKind
        if any(line.kind == kind.value for line in plan.cover)
    ]
    return {
        "years": [str(column.year) if column.year else "Summe" for column in columns],
        "width": len(columns) + 1,
        "expenses": expenses,
        "expenses_total": [format_euro(column.expenses) for column in columns],
        "eligible_total": [format_euro(column.eligible) for column in columns],
        "cover": cover,
        "cover_total": [format_euro(column.cover_total) for column in columns],
        "gaps": [_gap(column) for column in columns],
        "short": " · ".join(
            f"{column.year or 'Summe'}: {_gap(column)['text']}" for column in columns
        ),
        "balanced": not any(column.gap for column in columns),
    }


def _gap(totals: rules.Totals) -> dict[str, Any]:
    if totals.gap > 0:
        return {"text": f"{format_euro(totals.gap)} fehlen", "even": False}
    if totals.gap < 0:
        return {"text": f"{format_euro(-totals.gap)} zu viel", "even": False}
    return {"text": "ausgeglichen", "even": True}


def _conflict_page(page: Page, form: StepForm, error: EditConflict) -> HttpResponse:
    """Both texts, field by field; everything else that was typed goes along."""
    typed = conflict.with_mine(error.merged, error.conflicts)
    return _choose(page, form, typed, error.revision, error.conflicts, {})


def _undecided(page: Page, form: StepForm, settlement: conflict.Settlement) -> HttpResponse:
    """Some field in dispute has no choice yet: ask again, with what was chosen so far."""
    saved = services.read_step(page.application, page.place)
    typed = form.step_data()
    flat_saved, flat_typed = drafts.flat(saved), drafts.flat(typed)
    conflicts = [
        services.Conflict(key, None, flat_saved.get(key), flat_typed.get(key))
        for key in settlement.keys
        if key in flat_saved or key in flat_typed
    ]
    return _choose(page, form, typed, form.basis, conflicts, settlement.chosen, again=True)


def _choose(
    page: Page,
    form: StepForm,
    typed: dict[str, Any],
    revision: int,
    conflicts: Sequence[services.Conflict],
    chosen: dict[str, str],
    *,
    again: bool = False,
) -> HttpResponse:
    carrier = type(form)(sheet=page.sheet(values=typed, revision=revision))
    saved_by = (
        page.application.revisions.filter(step=page.place, number__lte=revision)
        .select_related("by")
        .order_by("-number")
        .first()
    )
    return page.render(
        "applications/conflict.html",
        {
            "application": page.application,
            "place": page.place,
            "home": page.home,
            "href": page.href,
            "choices": conflict.choices(conflicts, case.names_in_rows(page.application), chosen),
            "inputs": carrier.inputs(),
            "seal": page.seal(),
            "basis": revision,
            "action": page.request.POST.get("aktion", ""),
            "again": again,
            "saved_by": _who(page, saved_by),
            "saved_at": wording.instant(saved_by.at) if saved_by else "",
        },
        status=HTTPStatus.CONFLICT,
    )


def _who(page: Page, revision: Any) -> str:
    if revision is None:
        return "einer anderen Person"
    if revision.by_id == page.user.pk:
        return "Ihnen selbst, in einem anderen Fenster"
    return str(revision.by)
