"""What every step page shows, whatever its form."""

from __future__ import annotations

import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from applications import documents, permissions, rules, services
from applications.forms.steps import Sheet
from applications.forms.team import CommentForm
from applications.models import Application, Presence
from applications.rules import Finding, Step
from applications.rules.unlocking import WHOLE, opens
from applications.services import checks, presence, unlocking
from applications.services import kept as sealing
from applications.views import case, comments, wording

if TYPE_CHECKING:
    from collections.abc import Iterable

    from applications.rules import Filing
    from applications.services.kept import Typed


def writable_page(request: HttpRequest, key: uuid.UUID, place: Step) -> Page:
    """The step for somebody who may write in it; 403 for all others who see the application."""
    application = case.with_parts(case.find(request, key))
    if not permissions.may_edit(case.person(request), application):
        raise PermissionDenied
    return Page(request, application, place, may_edit=True)


class Page:
    """What every step page shows, whatever its form."""

    def __init__(
        self,
        request: HttpRequest,
        application: Application,
        place: Step,
        *,
        may_edit: bool,
    ) -> None:
        self.request = request
        self.application = application
        self.place = place
        self.asked = unlocking.asked_for(application)
        self.opened = unlocking.opened(application, self.asked)
        self.open_steps = [one for one in Step if one in self.opened]
        self.may_edit = may_edit
        self.at = case.arrived(request)
        self.user = case.person(request)
        self.typed: Typed | None = None
        """What was typed when a session ended, where the page puts it back."""

    @property
    def targets(self) -> frozenset[str]:
        """What of this step may be written."""
        return self.opened.get(self.place, unlocking.CLOSED)

    def opens_whole(self, step: Step) -> bool:
        """Whether nothing of a step is closed."""
        return opens(self.opened.get(step, unlocking.CLOSED), WHOLE)

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
            councils=case.councils_of(application),
            suggested=self._suggested(),
            former={town.ags: town.short_name for town in case.former_members(application)}
            if self.place is Step.FINANZIERUNG
            else {},
            opened=self.targets,
        )

    def _suggested(self) -> dict[str, str]:
        """What the register knows of the applicant, for a step nobody has written into yet."""
        lead = self.application.lead
        if self.place is not Step.ANSPRECHPARTNER or lead is None:
            return {}
        if case.is_begun(self.application, self.place):
            return {}
        town = lead.municipality
        return {
            "addressee": town.body,
            "postal_code": town.postal_code,
            "city": town.short_name,
        }

    def filing(self) -> Filing:
        """The application as the rules of this step see it."""
        if self.place is Step.KOMMUNE:
            return checks.members_of(self.application, self.at)
        return checks.parts_of(self.application, self.at)

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
            "findings": mine,
            # Of a form nobody has begun it says so folded up; where only files go, what is due.
            "folded": not begun and self.place is not Step.ANLAGEN,
            "begun": begun,
            "asked": [item for item in self.asked if item.step == self.place],
            "partly": not self.opens_whole(self.place),
            "beats": self.may_edit,
            "seal": self.seal(),
            "unsaved": self.request.method == "POST" or self.typed is not None,
            "hold": self.typed is not None,
            "put_back": self.typed is not None,
            "files_again": list(self.typed.files) if self.typed else [],
            "present": wording.present(self._others_here()),
            "remarks": comments.open_comments(self.application).get(self.place.value, []),
            "comment_form": None,
            **more,
        }

    def seal(self) -> str:
        """Whose form this is, for the case that it is sent when the session is over."""
        if not self.may_edit:
            return ""
        return sealing.seal(
            user=self.user, application=self.application.uuid, step=self.place, at=self.at
        )

    def _others_here(self) -> list[Presence]:
        """Who else is in this section; whoever may write in it is noted to be here."""
        here = {
            "application": self.application,
            "step": self.place,
            "by": self.user,
            "at": self.at,
        }
        if not self.may_edit:
            return presence.others(**here)
        return presence.note(**here, within=self.searches)

    @property
    def searches(self) -> bool:
        """Whether a partner is looked for: out of the page that is open already."""
        return self.place is Step.KOMMUNE and (
            "suche" in self.request.GET or self.request.POST.get("aktion") == "suchen"
        )

    def _address(self, place: Step | None) -> str:
        return case.address("application_step", self.application, place.value) if place else ""

    def render(
        self,
        template: str,
        context: dict[str, Any],
        status: int = HTTPStatus.OK,
    ) -> HttpResponse:
        """A page of this step."""
        return render(self.request, template, context, status=status)

    def read_only(self) -> HttpResponse:
        """What is there, for people who may read and not write."""
        findings = rules.check(self.filing(), self.application.call.terms())
        names = case.names_of(self.application)
        section = None
        files: list[Any] = []
        if self.place is Step.ANLAGEN:
            files = files_of(self.application)
        else:
            content = {
                "steps": {self.place.value: services.read_step(self.application, self.place)}
            }
            in_rows = names if self.place is Step.KOMMUNE else case.names_in_rows(self.application)
            section = case.shown_section(documents.section(self.place, content, in_rows))
        return self.render(
            "applications/step_read_only.html",
            self.context(
                findings,
                section=section,
                files=files,
                names=names,
                comment_form=self._comment_form(),
                is_guest=not permissions.is_on_team(self.user, self.application),
            ),
        )

    def _comment_form(self) -> CommentForm | None:
        """Where a guest writes: nothing else can be typed on this page, so nothing is lost."""
        if permissions.is_guest_who_comments(self.user, self.application, at=self.at):
            return CommentForm(steps=[self.place], step=self.place)
        return None


def files_of(application: Application) -> list[dict[str, Any]]:
    names = case.names_in_rows(application)
    return [
        {
            "document": row,
            "kind": row.get_kind_display(),
            "type": documents.type_name(row.content_type),
            "scan": wording.scan(row),
            "who": names[row.municipality.ags] if row.municipality else "",
            "size": documents.size_text(row.size),
            "at": wording.instant(row.uploaded_at),
            "href": case.address("application_document", application, row.pk),
        }
        for row in case.documents_of(application)
    ]
