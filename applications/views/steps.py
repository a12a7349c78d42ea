"""The pages on which an application is written, one for each step."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from applications import documents, permissions, rules, services
from applications.forms import conflict
from applications.forms.filing import DocumentForm
from applications.forms.members import PartnersForm, search_text
from applications.forms.steps import FORMS, Sheet, StepForm
from applications.models import Application
from applications.rules import DocumentKind, Finding, Step
from applications.services import checks
from applications.services.eligibility import municipalities_to_choose
from applications.services.uploads import MAX_DOCUMENTS
from applications.views import case, wording
from kiv_portal.euro import format_euro
from municipalities.models import REGISTER_SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from applications.rules import Filing
    from applications.services import EditConflict

MOST_RESULTS: Final = 20


@require_http_methods(["GET", "HEAD", "POST"])
def step(request: HttpRequest, key: uuid.UUID, step: str) -> HttpResponse:
    """A step of the application: read what was typed, save it, say what the rules find."""
    application = case.with_parts(case.find(request, key))
    place = case.step_of(step)
    may_edit = permissions.may_edit(case.person(request), application)
    open_steps = [one for one in Step if one in services.editable_steps(application)]
    if request.method == "POST" and not may_edit:
        raise PermissionDenied
    if place not in open_steps:
        if request.method == "POST":
            messages.error(
                request,
                f"Der Abschnitt „{place.label}“ ist geschlossen: Der Antrag ist eingereicht. "
                "Es wurde nichts geändert.",
            )
        return redirect(f"{case.address('application_review', application)}#{place.value}")
    page = Page(request, application, place, open_steps, may_edit=may_edit)
    if not may_edit:
        return page.read_only()
    if place is Step.KOMMUNE:
        return _members(page)
    if place is Step.ANLAGEN:
        return _documents(page)
    return _filled_in(page)


class Page:
    """What every step page shows, whatever its form."""

    def __init__(
        self,
        request: HttpRequest,
        application: Application,
        place: Step,
        open_steps: Sequence[Step],
        *,
        may_edit: bool,
    ) -> None:
        self.request = request
        self.application = application
        self.place = place
        self.open_steps = open_steps
        self.may_edit = may_edit
        self.at = case.arrived(request)
        self.user = case.person(request)

    # --- where to --------------------------------------------------------------------------------

    @property
    def href(self) -> str:
        """This page."""
        return case.address("application_step", self.application, self.place.value)

    @property
    def home(self) -> str:
        """Where the person comes from: the task list, or what was asked for."""
        name = "application" if self.application.is_draft else "application_answer"
        return case.address(name, self.application)

    def neighbour(self, distance: int) -> Step | None:
        """The step before (-1) or after (1) this one, of those that are open."""
        place = self.open_steps.index(self.place) + distance
        return self.open_steps[place] if 0 <= place < len(self.open_steps) else None

    def after_saving(self) -> str:
        """Where the button that was pressed leads."""
        pressed = self.request.POST.get("aktion", "")
        following = self.neighbour(1)
        if pressed == "bleiben":
            return f"{self.href}#stand"
        if pressed == "uebersicht" or following is None:
            return self.home
        return case.address("application_step", self.application, following.value)

    # --- what it shows ---------------------------------------------------------------------------

    def sheet(self, values: dict[str, Any] | None = None, revision: int | None = None) -> Sheet:
        """What the step's form has to know."""
        application = self.application
        return Sheet(
            application=application.uuid,
            revision=application.revision if revision is None else revision,
            values=services.read_step(application, self.place) if values is None else values,
            members=tuple(case.names_of(application).items()),
            years=case.years(application),
            terms=application.call.terms(),
            at=self.at,
        )

    def filing(self) -> Filing:
        """The application as the rules see it."""
        return checks.filing_of(self.application, self.at)

    def context(self, findings: Iterable[Finding], **more: Any) -> dict[str, Any]:
        """The variables of a step page."""
        mine = [finding for finding in findings if finding.step == self.place]
        begun = case.is_begun(self.application, self.place)
        before, after = self.neighbour(-1), self.neighbour(1)
        return {
            "application": self.application,
            "place": self.place,
            "number": self.open_steps.index(self.place) + 1,
            "count": len(self.open_steps),
            "text": wording.STEP_TEXTS[self.place],
            "home": self.home,
            "before": before,
            "before_href": self._address(before),
            "after": after,
            "after_href": self._address(after),
            "findings": mine if begun else [],
            "begun": begun,
            "asked": self._asked(),
            **more,
        }

    def _address(self, place: Step | None) -> str:
        return case.address("application_step", self.application, place.value) if place else ""

    def _asked(self) -> list[str]:
        """What was asked for in this step, after filing."""
        if self.application.is_draft:
            return []
        found = self.application.information_requests.filter(closed_at__isnull=True)
        return list(found.filter(items__step=self.place).values_list("items__sentence", flat=True))

    def render(
        self,
        template: str,
        context: dict[str, Any],
        status: int = HTTPStatus.OK,
    ) -> HttpResponse:
        """A page of this step."""
        return render(self.request, f"applications/{template}.html", context, status=status)

    def read_only(self) -> HttpResponse:
        """What is there, for people who may read and not write."""
        findings = rules.check(self.filing(), self.application.call.terms())
        names = case.names_of(self.application)
        section = None
        files: list[Any] = []
        if self.place is Step.ANLAGEN:
            files = _files(self.application)
        elif self.place is not Step.KOMMUNE:
            content = {
                "steps": {self.place.value: services.read_step(self.application, self.place)}
            }
            section = case.shown_section(documents.section(self.place, content, names))
        return self.render(
            "step_read_only",
            self.context(findings, section=section, files=files, names=names),
        )


# --- Steps that are filled in --------------------------------------------------------------------


def _filled_in(page: Page) -> HttpResponse:
    form_class = FORMS[page.place]
    if page.request.method != "POST":
        return _form_page(page, form_class(sheet=page.sheet()))
    form = form_class(page.request.POST, sheet=page.sheet())
    if _rows_changed(page, form):
        return _form_page(page, form)
    if not form.is_valid():
        return _form_page(page, form, problems=form.problems())
    settlement = conflict.Settlement(page.request.POST)
    data = settlement.apply(form.step_data(), services.read_step(page.application, page.place))
    if not settlement.is_complete:
        return _undecided(page, form, settlement)
    try:
        services.save_step(
            application=page.application,
            step=page.place,
            data=data,
            base_revision=form.basis,
            by=page.user,
            at=page.at,
        )
    except services.EditConflict as error:
        return _conflict_page(page, form, error)
    except services.NotEditable:
        messages.error(page.request, "Der Antrag wurde inzwischen eingereicht oder abgesendet.")
        return redirect(page.application)
    except services.RowNotFound as error:
        raise Http404 from error
    except services.NotAllowed as error:
        raise PermissionDenied from error
    _saved(page)
    return redirect(page.after_saving())


def _saved(page: Page) -> None:
    text = f"„{page.place.label}“ ist gespeichert."
    if not page.application.is_draft:
        text += " Abgesendet ist noch nichts."
    messages.success(page.request, text)


def _rows_changed(page: Page, form: StepForm) -> bool:
    """Add or leave out a row where that was asked for; nothing is saved by it."""
    post = page.request.POST
    if rows := form.rows.get(post.get("zeile_hinzufuegen", "")):
        if rows.addable:
            rows.add()
        return True
    part, _, row_id = post.get("zeile_entfernen", "").partition(":")
    if rows := form.rows.get(part):
        if rows.addable and rows.remove(row_id):
            rows.removed = True
        return True
    return False


def _form_page(page: Page, form: StepForm, problems: Sequence[Any] = ()) -> HttpResponse:
    filing = page.filing()
    findings = rules.check(filing, page.application.call.terms())
    template = "step_finanzierung" if page.place is Step.FINANZIERUNG else "step"
    more: dict[str, Any] = {"form": form, "problems": problems}
    if page.place is Step.FINANZIERUNG:
        more |= {"plan": plan_table(filing.plan), "years_known": bool(form.sheet.years)}
    if page.place is Step.ZEITPLAN:
        last = rules.ends_on(filing.period)
        more["ends_on"] = last
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
        "balanced": not any(column.gap for column in columns),
    }


def _gap(totals: rules.Totals) -> dict[str, Any]:
    if totals.gap > 0:
        return {"text": f"{format_euro(totals.gap)} fehlen", "even": False}
    if totals.gap < 0:
        return {"text": f"{format_euro(-totals.gap)} zu viel", "even": False}
    return {"text": "ausgeglichen", "even": True}


# --- Two people at once --------------------------------------------------------------------------


def _conflict_page(page: Page, form: StepForm, error: EditConflict) -> HttpResponse:
    """Both texts, field by field; everything else that was typed goes along."""
    typed = conflict.with_mine(error.merged, error.conflicts)
    return _choose(page, form, typed, error.revision, error.conflicts, {})


def _undecided(page: Page, form: StepForm, settlement: conflict.Settlement) -> HttpResponse:
    """Some field in dispute has no choice yet: ask again, with what was chosen so far."""
    saved = services.read_step(page.application, page.place)
    typed = form.step_data()
    flat_saved, flat_typed = _flat(saved), _flat(typed)
    conflicts = [
        services.Conflict(key, None, flat_saved.get(key), flat_typed.get(key))
        for key in settlement.keys
        if key in flat_saved or key in flat_typed
    ]
    return _choose(page, form, typed, form.basis, conflicts, settlement.chosen, again=True)


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, list):
            flat |= {f"{key}:{row['id']}": row for row in value}
        else:
            flat[key] = value
    return flat


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
        "conflict",
        {
            "application": page.application,
            "place": page.place,
            "home": page.home,
            "href": page.href,
            "choices": conflict.choices(conflicts, case.names_of(page.application), chosen),
            "inputs": carrier.inputs(),
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


# --- Who applies ---------------------------------------------------------------------------------


def _members(page: Page) -> HttpResponse:
    if page.request.method == "POST":
        return _change_partners(page)
    return _members_page(page)


def _members_page(page: Page, problem: str = "", status: int = HTTPStatus.OK) -> HttpResponse:
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
        "step_kommune",
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


# --- Documents -----------------------------------------------------------------------------------


def _documents(page: Page) -> HttpResponse:
    if page.request.method == "POST" and "entfernen" in page.request.POST:
        return _remove_document(page)
    names = [*case.names_of(page.application).items()]
    limit = settings.UPLOAD_MAX_BYTES // documents.MEGABYTE
    form = DocumentForm(
        page.request.POST if page.request.method == "POST" else None,
        page.request.FILES if page.request.method == "POST" else None,
        partners=names[1:],
        hint=f"Eine Datei, höchstens {limit} MB. Möglich sind: {documents.ALLOWED}.",
    )
    if page.request.method == "POST" and form.is_valid() and _add_document(page, form):
        return redirect(page.href)
    files = _files(page.application)
    asked = page.request.GET.get("entfernen", "")
    return page.render(
        "step_anlagen",
        page.context(
            rules.check(page.filing(), page.application.call.terms()),
            form=form,
            files=files,
            leaving=next((row for row in files if str(row["document"].pk) == asked), None),
            required=[
                DocumentKind(kind).label for kind in page.application.call.required_documents
            ],
            several=len(names) > 1,
            full=len(files) >= MAX_DOCUMENTS,
        ),
    )


def _files(application: Application) -> list[dict[str, Any]]:
    return [
        {
            "document": row,
            "kind": row.get_kind_display(),
            "who": row.municipality.short_name if row.municipality else "",
            "size": documents.size_text(row.size),
            "at": wording.instant(row.uploaded_at),
            "href": case.address("application_document", application, row.pk),
        }
        for row in case.documents_of(application)
    ]


def _add_document(page: Page, form: DocumentForm) -> bool:
    """Keep the document; False where the form has to say why not."""
    kind = DocumentKind(form.cleaned_data["art"])
    whose = form.cleaned_data.get("kommune") if kind is DocumentKind.COOPERATION else ""
    town = next(
        (
            row.municipality
            for row in page.application.members.all()
            if row.municipality.ags == whose
        ),
        None,
    )
    try:
        added = services.add_document(
            application=page.application,
            upload=form.cleaned_data["datei"],
            kind=kind,
            municipality=town,
            by=page.user,
            at=page.at,
        )
    except documents.UploadRefused as error:
        form.add_error("datei", str(error))
        return False
    except services.TooManyDocuments:
        form.add_error("datei", "Mehr Anlagen sind nicht möglich. Bitte entfernen Sie zuerst eine.")
        return False
    except services.NotEditable:
        messages.error(page.request, "Der Antrag wurde inzwischen eingereicht oder abgesendet.")
        return True
    except services.NotAllowed as error:
        raise PermissionDenied from error
    messages.success(page.request, f"„{added.name}“ ist hochgeladen.")
    return True


def _remove_document(page: Page) -> HttpResponse:
    try:
        wanted = uuid.UUID(page.request.POST["entfernen"])
    except ValueError as error:
        raise Http404 from error
    document = page.application.documents.filter(pk=wanted).first()
    if document is None:
        raise Http404
    try:
        services.remove_document(
            application=page.application, document=document, by=page.user, at=page.at
        )
    except services.NotEditable:
        messages.error(page.request, "Der Antrag wurde inzwischen eingereicht oder abgesendet.")
        return redirect(page.application)
    except services.NotAllowed as error:
        raise PermissionDenied from error
    messages.success(page.request, f"„{document.name}“ ist entfernt.")
    return redirect(page.href)
