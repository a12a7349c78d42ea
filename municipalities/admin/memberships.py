"""Who acts for which municipality, and who is invited, at the review desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.http import HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_POST

from municipalities import services
from municipalities.admin.base import DeskModelAdmin, HistoryAdmin
from municipalities.admin.decisions import DecisionAdmin, only_people
from municipalities.models import RIGHTS, Invitation, Membership
from municipalities.permissions import may_administer_people

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse


class ConfirmedFilter(admin.SimpleListFilter):
    title = "Bestätigung"
    parameter_name = "bestaetigt"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("nein", "noch nicht bestätigt"), ("ja", "bestätigt")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() in {"ja", "nein"}:
            return queryset.filter(confirmed_at__isnull=self.value() == "nein")
        return queryset


class SuccessorFilter(admin.SimpleListFilter):
    title = "Nachfolge"
    parameter_name = "nachfolge"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("fehlt", "Verwaltung ohne Nachfolge")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "fehlt":
            return queryset.filter(pk__in=services.without_successor().values("pk"))
        return queryset


@admin.register(Membership)
class MembershipAdmin(DecisionAdmin, HistoryAdmin):
    """Who acts for which municipality: confirmed, refused and ended by moves."""

    list_display = ("user", "municipality", *RIGHTS, "confirmed_at")
    list_select_related = ("user", "municipality")
    list_filter = (ConfirmedFilter, SuccessorFilter)
    search_fields = ("user__email", "user__name", "municipality__search_key")
    autocomplete_fields = ("user", "municipality")
    fields = ("user", "municipality", *RIGHTS, "confirmed_at", "confirmed_by", "created_at")
    readonly_fields = ("confirmed_at", "confirmed_by", "created_at")
    change_form_template = "admin/municipalities/membership_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return (*self.readonly_fields, *(("user", "municipality") if obj is not None else ()))

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        """What changes a right is a service; the row takes over what it wrote."""
        rights = {name: getattr(obj, name) for name in RIGHTS}
        who = {"by": request.user, "at": request.arrived_at}
        if change:
            row = Membership.objects.get(pk=obj.pk)
            saved = services.change_rights(membership=row, rights=rights, **who)
        else:
            saved = services.add_membership(
                user=obj.user, municipality=obj.municipality, rights=rights, **who
            )
        obj.pk = saved.pk

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A refusal of the service is told on the page it came from; nothing was written."""
        try:
            return super().changeform_view(request, *args, **kwargs)
        except (services.NotAllowed, services.NotPossible) as refusal:
            messages.error(request, str(refusal))
            return HttpResponseRedirect(request.get_full_path())

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path(
                f"<int:pk>/{slug}/",
                wrap(method_decorator(require_POST)(view).__get__(self)),
                name=f"municipalities_membership_{name}",
            )
            for slug, name, view in (
                ("bestaetigen", "confirm", MembershipAdmin.confirm_view),
                ("ablehnen", "refuse", MembershipAdmin.refuse_view),
                ("beenden", "end", MembershipAdmin.end_view),
                ("schliessen", "close", MembershipAdmin.close_view),
            )
        ] + super().get_urls()

    def confirm_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Confirm with the rights the row stands with."""
        only_people(request)
        return self._move(
            request,
            pk,
            lambda row: services.confirm_membership(
                membership=row,
                rights={name: getattr(row, name) for name in RIGHTS},
                by=request.user,
                at=request.arrived_at,
            ),
            "Die Zugehörigkeit ist bestätigt.",
        )

    def refuse_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Refuse who is not confirmed."""
        only_people(request)
        return self._move(
            request,
            pk,
            lambda row: services.refuse_membership(
                membership=row, by=request.user, at=request.arrived_at
            ),
            "Die Zugehörigkeit ist abgelehnt.",
            gone=True,
        )

    def end_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """End a confirmed one."""
        only_people(request)
        return self._move(
            request,
            pk,
            lambda row: services.end_membership(
                membership=row, by=request.user, at=request.arrived_at
            ),
            "Die Zugehörigkeit ist beendet.",
            gone=True,
        )

    def close_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Where nobody takes over from the last manager: the whole municipality's access ends."""
        only_people(request)

        def close(row: Membership) -> None:
            if "sure" not in request.POST:
                raise services.NotPossible(
                    "Bitte bestätigen Sie, dass Sie den Zugang der Kommune schließen wollen."
                )
            services.close_organisation(
                municipality=row.municipality, by=request.user, at=request.arrived_at
            )

        return self._move(request, pk, close, "Der Zugang der Kommune ist geschlossen.", gone=True)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        extra = {
            "decidable": row is not None and may_administer_people(request.user),
            "hint": services.domain_hint(row) if row is not None and not row.is_confirmed else "",
            "alone": row is not None and row.municipality in services.managed_alone_by(row.user),
        }
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})

    def desk_tasks(self, request: HttpRequest) -> list[dict[str, Any]]:
        """People nobody has confirmed yet, and places nobody is left to look after."""
        if not may_administer_people(request.user):
            return []
        changelist = reverse("admin:municipalities_membership_changelist")
        return [
            {
                "label": "Personen, die auf Bestätigung warten",
                "count": services.waiting().count(),
                "href": f"{changelist}?bestaetigt=nein",
                "to_do": True,
            },
            {
                "label": "Verwaltung einer Kommune ohne Nachfolge (Konto gesperrt oder ungenutzt)",
                "count": services.without_successor().count(),
                "href": f"{changelist}?nachfolge=fehlt",
                "to_do": True,
            },
        ]


@admin.register(Invitation)
class InvitationAdmin(DeskModelAdmin):
    """Invitations as the municipalities sent them; their link is shown to nobody."""

    list_display = ("email", "municipality", "created_by", "created_at", "expires_at", "stage")
    list_select_related = ("municipality", "created_by")
    search_fields = ("email", "municipality__search_key")
    fields = (
        "email",
        "municipality",
        *RIGHTS,
        "created_by",
        "created_at",
        "expires_at",
        "accepted_by",
        "accepted_at",
        "withdrawn_at",
    )

    @admin.display(description="Stand")
    def stage(self, obj: Invitation) -> str:
        if obj.accepted_at:
            return "angenommen"
        return "zurückgezogen oder ersetzt" if obj.withdrawn_at else "offen, solange sie gilt"
