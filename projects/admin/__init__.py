"""Rounds, projects and contacts at the review desk.

Texts are edited here; what the public sees changes through services alone: publishing,
withdrawing, hiding and confirming are buttons, never fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone

from kiv_portal.folding import search_terms
from municipalities.admin import DeskInline, HistoryAdmin
from projects import services
from projects.admin import renewals
from projects.admin.imports import ContactImport, ProjectImport
from projects.models import (
    ChangeSubject,
    Contact,
    FundingRound,
    Project,
    ProjectDocument,
    ProjectMember,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

MAX_REASON: Final = 300


class HasCase(Exception):
    """The project came from an application: its case publishes and withdraws it."""


HAS_CASE: Final = {HasCase: "Bitte über den Fall veröffentlichen oder zurückziehen"}


class MemberInline(DeskInline, admin.StackedInline):
    """The municipalities of a project; removing one is a change of the project.

    Stacked, because Django gives the fields of a tabular inline no labels.
    """

    model = ProjectMember
    extra = 0
    min_num = 1
    fields = (("municipality", "position"), ("declared_name", "declared_population"))
    autocomplete_fields = ("municipality",)

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        return super().get_formset(request, obj, validate_min=True, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")


class ContactForm(forms.ModelForm):
    def save(self, commit: bool = True) -> Contact:
        self.instance.phone_e164 = services.international(self.instance.phone)
        contact: Contact = super().save(commit)
        return contact


class ContactInline(DeskInline, admin.StackedInline):
    """Whom to ask; here it can also be erased, as a person may demand."""

    model = Contact
    form = ContactForm
    fields = ("person", "email", "phone", "phone_e164", "basis", "confirmed_on")
    fields += ("expires_on", "person_until", "hidden")
    readonly_fields = ("phone_e164", "hidden")

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")


class DocumentInline(DeskInline, admin.StackedInline):
    """The strategy and the resolutions on it, once they exist."""

    model = ProjectDocument
    extra = 0
    fields = ("kind", "title", "file", "address", "dated_on", "accessible")
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, "change")


class StateFilter(admin.SimpleListFilter):
    title = "Stand"
    parameter_name = "stand"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("public", "öffentlich"), ("new", "noch nicht"), ("withdrawn", "zurückgezogen")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "public":
            return queryset.filter(published_at__isnull=False, withdrawn_at__isnull=True)
        if self.value() == "new":
            return queryset.filter(published_at__isnull=True)
        if self.value() == "withdrawn":
            return queryset.filter(withdrawn_at__isnull=False)
        return queryset


@admin.register(Project)
class ProjectAdmin(ProjectImport, HistoryAdmin):
    list_display = ("title", "places", "round", "amif", "public")
    list_filter = (StateFilter, "round", "amif")
    search_fields = ("search_key",)
    inlines = (MemberInline, DocumentInline, ContactInline)
    actions = ("publish", "withdraw")
    change_form_template = "projects/admin_project.html"
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    fields = (
        "round",
        "title",
        "slug",
        "amif",
        "summary",
        "unit",
        ("film_label", "film_address"),
        ("starts_on", "ends_on"),
        "amount_class",
        ("as_of", "source"),
        ("published_at", "withdrawn_at", "withdrawn_reason"),
    )
    readonly_fields = ("published_at", "withdrawn_at", "withdrawn_reason")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Project]:
        return super().get_queryset(request).with_members()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return queryset.matching(search_terms(search_term)), False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        fixed = tuple(self.readonly_fields)
        # Others link to an address that was public once.
        return (*fixed, "slug") if obj is not None and obj.published_at else fixed

    @admin.display(description="Kommunen", ordering="sort_key")
    def places(self, obj: Project) -> str:
        return obj.places

    @admin.display(description="öffentlich", boolean=True)
    def public(self, obj: Project) -> bool:
        return obj.is_public

    # --- Editing ----------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj._history_date = request.arrived_at
        super().save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for part in formset.forms:
            part.instance._history_user = request.user
            part.instance._history_date = request.arrived_at
        super().save_formset(request, form, formset, change)
        for part in formset.forms:
            if isinstance(part.instance, Contact) and "person" in part.changed_data:
                part.instance.forget_persons_before()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        shown_before = Contact.objects.shown().filter(project=form.instance).exists()
        super().save_related(request, form, formsets, change)
        changed = {formset.model for formset in formsets if formset.has_changed()}
        if not form.has_changed() and not changed:
            return
        shown = shown_before or Contact.objects.shown().filter(project=form.instance).exists()
        subjects = {
            ChangeSubject.PROJECT: form.has_changed() or ProjectMember in changed,
            ChangeSubject.DOCUMENTS: ProjectDocument in changed,
            ChangeSubject.CONTACT: Contact in changed and shown,
        }
        services.settle_edit(
            project=form.instance,
            at=request.arrived_at,
            subjects=[subject for subject, is_so in subjects.items() if is_so],
        )

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> list[dict[str, Any]]:
        """The admin's own message without the names of contacts: they outlive an erasure there."""
        message: list[dict[str, Any]] = super().construct_change_message(
            request, form, formsets, add
        )
        for part in (part for entry in message for part in entry.values()):
            if part.get("name") == Contact._meta.verbose_name:
                part["object"] = form.instance.title
        return message

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        """The two buttons beside „Sichern"; both save first."""
        chosen = Project.objects.filter(pk=obj.pk)
        if "_publish" in request.POST:
            self.publish(request, chosen)
            return HttpResponseRedirect(request.path)
        if "_withdraw" in request.POST and not obj.from_application:
            return self._ask_reason(request, chosen)
        return super().response_change(request, obj)

    # --- What the public sees ---------------------------------------------------------------------

    @admin.action(description="Veröffentlichen", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def act(project: Project) -> None:
            _refuse_case(project)
            services.publish(project=project, by=request.user, at=request.arrived_at)

        _for_each(
            self,
            request,
            queryset,
            act,
            done="veröffentlicht",
            refused={
                **HAS_CASE,
                services.AlreadyPublished: "ist schon öffentlich",
                services.NoMunicipality: "hat keine Kommune und wurde nicht veröffentlicht",
            },
        )

    @admin.action(description="Aus dem Verzeichnis nehmen …", permissions=["change"])
    def withdraw(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        if not queryset.filter(from_application=False).exists():
            self.message_user(request, f"{HAS_CASE[HasCase]}.", messages.WARNING)
            return None
        reason = " ".join(request.POST.get("reason", "").split())
        if not reason or len(reason) > MAX_REASON:
            return self._ask_reason(request, queryset)

        def act(project: Project) -> None:
            _refuse_case(project)
            services.withdraw_from_public(
                project=project,
                reason=reason,
                by=request.user,
                at=request.arrived_at,
            )

        _for_each(
            self,
            request,
            queryset,
            act,
            done="aus dem Verzeichnis genommen",
            refused={**HAS_CASE, services.NotPublished: "ist nicht öffentlich"},
        )
        return None

    def _ask_reason(self, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Aus dem Verzeichnis nehmen",
            "opts": self.opts,
            "projects": chosen,
            "checkbox_name": ACTION_CHECKBOX_NAME,
            "max_reason": MAX_REASON,
            "reason": request.POST.get("reason", ""),
            "asked_before": "reason" in request.POST,
        }
        return TemplateResponse(request, "projects/admin_withdraw.html", context)


class WishFilter(admin.SimpleListFilter):
    """Contacts that said what should be changed."""

    title = "Änderung gewünscht"
    parameter_name = "wunsch"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("ja", "ja")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.exclude(wish="") if self.value() == "ja" else queryset


@admin.register(Contact)
class ContactAdmin(ContactImport, HistoryAdmin):
    """All contacts at a glance: which are old, which are hidden. Texts change at the project."""

    list_display = ("project", "person", "email", "phone", "basis", "confirmed_on", "expires_on")
    list_display += ("wish", "hidden")
    list_filter = ("hidden", "expires_on", WishFilter, "basis")
    list_select_related = ("project",)
    search_fields = ("project__search_key", "person", "email")
    date_hierarchy = "confirmed_on"
    ordering = ("confirmed_on", "project__sort_key")
    actions = ("hide", "show", "confirm_today")
    readonly_fields = ("project", "person", "email", "phone", "phone_e164", "basis")
    readonly_fields += ("confirmed_on", "expires_on", "person_until")
    readonly_fields += ("asked_on", "wish", "hidden")
    fields = readonly_fields

    def desk_tasks(self, request: HttpRequest) -> list[dict[str, Any]]:
        """What of the contacts waits; nothing for whoever may not change them."""
        if not self.has_change_permission(request):
            return []
        return renewals.tasks(timezone.localdate(request.arrived_at))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a contact is entered with its project

    @admin.action(description="Ausblenden", permissions=["change"])
    def hide(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def act(contact: Contact) -> None:
            services.hide_contact(project=contact.project, by=request.user, at=request.arrived_at)

        _for_each(self, request, queryset, act, done="ausgeblendet")

    @admin.action(description="Wieder einblenden", permissions=["change"])
    def show(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        def act(contact: Contact) -> None:
            services.show_contact(project=contact.project, by=request.user, at=request.arrived_at)

        _for_each(self, request, queryset, act, done="wieder eingeblendet")

    @admin.action(description="Heute bestätigt", permissions=["change"])
    def confirm_today(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        at = request.arrived_at

        def act(contact: Contact) -> None:
            services.confirm_contact(
                project=contact.project,
                on=timezone.localdate(at),
                by=request.user,
                at=at,
            )

        _for_each(self, request, queryset, act, done="als heute bestätigt vermerkt")


@admin.register(FundingRound)
class FundingRoundAdmin(HistoryAdmin):
    list_display = ("title", "number", "years", "as_of", "source")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj._history_date = request.arrived_at
        super().save_model(request, obj, form, change)
        services.settle_round(round=obj, at=request.arrived_at)


def _refuse_case(project: Project) -> None:
    if project.from_application:
        raise HasCase


def _for_each(
    desk: admin.ModelAdmin,
    request: HttpRequest,
    records: QuerySet[Any],
    act: Callable[[Any], None],
    *,
    done: str,
    refused: dict[type[Exception], str] | None = None,
) -> None:
    """Call the service for each record, and say what was done and what was refused."""
    refusals = refused or {}
    count = 0
    for record in records:
        try:
            act(record)
        except tuple(refusals) as refusal:
            desk.message_user(request, f"{record}: {refusals[type(refusal)]}.", messages.WARNING)
        else:
            count += 1
    if count:
        desk.message_user(request, f"{count} {done}.", messages.SUCCESS)
