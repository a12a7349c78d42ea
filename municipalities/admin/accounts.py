"""Accounts, memberships, roles and the sign-in log at the review desk.

What changes a right is a service; these pages only call it.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from municipalities import services
from municipalities.admin.base import DeskInline, DeskModelAdmin
from municipalities.admin.decisions import FourEyesAdmin
from municipalities.admin.factors import reset_view
from municipalities.forms.desk import AccountForm, RolesForm
from municipalities.models import (
    RIGHTS,
    AccountEvent,
    Membership,
    RoleGrant,
    User,
)
from municipalities.permissions import may_administer_people

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


class ReadOnlyInline(DeskInline, admin.TabularInline):
    """Rows that are looked at here and changed elsewhere."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipInline(ReadOnlyInline):
    model = Membership
    fk_name = "user"
    fields = ("municipality", *RIGHTS, "confirmed_at")
    readonly_fields = fields
    show_change_link = True


class RoleGrantInline(ReadOnlyInline):
    model = RoleGrant
    fk_name = "user"
    fields = ("role", "state", "asked_by", "asked_at", "decided_by", "decided_at")
    readonly_fields = fields


OWN_FIXED = ("is_active", "is_staff")
"""Nobody takes their own desk away."""


@admin.register(User)
class UserAdmin(DeskModelAdmin):
    """Accounts without their password: whoever needs one asks for a link by e-mail.

    Roles have a page of their own: they are given by two persons.
    """

    list_display = ("email", "name", "is_staff", "is_active", "last_login")
    list_filter = ("is_staff", "is_active", "groups")
    search_fields = ("email", "name")
    fields = (
        "email",
        "name",
        "phone",
        "is_active",
        "is_staff",
        "roles",
        "is_superuser",
        "created_at",
        "last_login",
    )
    inlines = (MembershipInline, RoleGrantInline)
    form = AccountForm
    change_form_template = "admin/municipalities/user_form.html"

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        fixed = ["is_superuser", "created_at", "last_login", "roles"]
        if obj is not None:
            fixed.append("email")  # the address is the login and is changed by its owner
        if obj == request.user:
            fixed += OWN_FIXED
        return fixed

    @admin.display(description="Rollen")
    def roles(self, obj: User) -> str:
        """What the account holds, and what waits for the second person."""
        held = ", ".join(sorted(services.held_roles(obj))) or "keine"
        asked = ", ".join(sorted(services.asked_roles(obj)))
        return f"{held} (vorgeschlagen: {asked})" if asked else held

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is not None and obj.is_superuser and not request.user.is_superuser:
            return False
        return super().has_change_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        if not change:
            obj.set_unusable_password()
        super().save_model(request, obj, form, change)
        if change and "is_active" in form.changed_data and not obj.is_active:
            for town in services.managed_alone_by(obj):
                messages.warning(
                    request,
                    f"Die Personen von {town} verwaltet jetzt niemand mehr. Bitte geben Sie jemand "
                    "anderem der Kommune das Recht „Personen verwalten“.",
                )
        services.note_account(
            user=obj,
            created=not change,
            changed=form.changed_data,
            by=request.user,
            at=request.arrived_at,
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.roles_view)
        return [
            path("<int:pk>/rollen/", view, name="municipalities_user_roles"),
            path(
                "<int:pk>/zweiter-faktor/",
                self.admin_site.admin_view(partial(reset_view, self.admin_site)),
                name="municipalities_user_factor",
            ),
            *super().get_urls(),
        ]

    def roles_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Choose the roles of a colleague: what is taken goes at once, what is new waits."""
        if not may_administer_people(request.user):
            raise PermissionDenied("Das ist der Rolle „Personen“ vorbehalten.")
        user = User.objects.filter(pk=pk).first()
        if user is None:
            raise Http404("Dieses Konto gibt es nicht.")
        back = reverse("admin:municipalities_user_change", args=[user.pk])
        held, asked = services.held_roles(user), services.asked_roles(user)
        form = RolesForm(request.POST or None, initial={"roles": sorted(held | asked)})
        status = 200
        if request.method == "POST":
            status = 422
            if form.is_valid():
                try:
                    rows = services.set_roles(
                        user=user,
                        roles=form.cleaned_data["roles"],
                        by=request.user,
                        at=request.arrived_at,
                    )
                except services.RoleRefused as refusal:
                    form.add_error("roles", str(refusal))
                else:
                    messages.success(request, "Die Rollen sind gespeichert.")
                    if rows:
                        names = ", ".join(row.role for row in rows)
                        messages.info(
                            request, f"Neu vorgeschlagen: {names}. Eine zweite Person erteilt sie."
                        )
                    return HttpResponseRedirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Rollen: {user}",
            "form": form,
            "person": user,
            "own": user == request.user,
            "back": back,
            "asked": sorted(asked),
        }
        return TemplateResponse(request, "admin/municipalities/roles.html", context, status=status)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        person = self.get_object(request, object_id)
        may = person is not None and may_administer_people(request.user)
        href = reverse("admin:municipalities_user_roles", args=[person.pk]) if may else ""
        own = person == request.user
        extra = {"roles_href": "" if own else href, "factor_href": ""}
        if may and not own:
            extra["factor_href"] = reverse("admin:municipalities_user_factor", args=[person.pk])
        return super().change_view(request, object_id, form_url, {**extra, **(extra_context or {})})


@admin.register(RoleGrant)
class RoleGrantAdmin(FourEyesAdmin):
    """Wishes for roles: a second person gives them or does not."""

    list_display = ("user", "role", "state", "asked_by", "asked_at", "decided_by")
    list_filter = ("state", "role")
    agree = staticmethod(services.grant_role)
    refuse = staticmethod(services.refuse_role)
    waiting = "Rollen, die eine zweite Person erteilt"
    words: ClassVar = {
        "slug": "erteilen",
        "own": (
            "Diese Rolle erteilt eine zweite Person mit der Rolle „Personen“: weder wer sie "
            "vorgeschlagen hat noch wer sie bekommt."
        ),
        "look": (
            "Prüfen Sie, ob die Person die Rolle für ihre Arbeit braucht. Mit der Erteilung gilt "
            "sie sofort."
        ),
        "agree": "Rolle erteilen",
        "refuse": "Nicht erteilen",
        "agreed": "Die Rolle ist erteilt.",
        "refused": "Die Rolle wird nicht erteilt.",
    }


@admin.register(AccountEvent)
class AccountEventAdmin(DeskModelAdmin):
    """The sign-in log: searched, never changed."""

    list_display = ("at", "kind", "user", "by", "municipality", "detail", "address")
    list_select_related = ("user", "by", "municipality")
    list_filter = ("kind",)
    search_fields = (
        "user__email",
        "user__name",
        "by__email",
        "municipality__search_key",
        "address",
        "request_id",
    )
    date_hierarchy = "at"
    show_full_result_count = False
