"""A municipality looks after its own people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from municipalities import services
from municipalities.forms.account import HandOverForm, InviteForm, RightsForm
from municipalities.models import RIGHTS, Invitation, Membership, Municipality
from municipalities.permissions import endable_by, managed_by, may_manage_for
from municipalities.views.account import arrived, not_here, person

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

REFUSED = (services.NotAllowed, services.NotPossible)


def _town(request: HttpRequest, ags: str) -> Municipality:
    """The municipality whose people the person manages; for all others there is no such page."""
    found = managed_by(person(request)).filter(ags=ags).first()
    if found is None:
        raise not_here()
    return found


def _member(town: Municipality, pk: int) -> Membership:
    found = town.memberships.select_related("user", "municipality").filter(pk=pk).first()
    if found is None:
        raise not_here()
    return found


def _done(request: HttpRequest, ags: str, act: Callable[[], Any], said: str) -> HttpResponse:
    """Call the service, tell what became of it, and lead back to the people."""
    try:
        act()
    except REFUSED as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, said)
    return redirect("people", ags)


@require_safe
def people(request: HttpRequest, ags: str) -> HttpResponse:
    """Everybody who acts for the municipality, who waits, and who is invited."""
    town = _town(request, ags)
    waiting = list(services.waiting(town))
    for row in waiting:
        row.hint = services.domain_hint(row)
    return render(
        request,
        "municipalities/people.html",
        {
            "town": town,
            "confirmed": town.memberships.filter(confirmed_at__isnull=False)
            .select_related("user", "confirmed_by")
            .order_by("user__email"),
            "waiting": waiting,
            "invitations": town.invitations.open_at(arrived(request)).order_by("email"),
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest, ags: str) -> HttpResponse:
    """Invite somebody by mail."""
    town = _town(request, ags)
    form = InviteForm(request.POST or None, initial={"rights": ["may_read", "may_edit"]})
    if request.method == "POST" and form.is_valid():
        try:
            services.invite(
                municipality=town,
                email=form.cleaned_data["email"],
                rights=form.given(),
                by=person(request),
                at=arrived(request),
            )
        except REFUSED as refusal:
            form.add_error("email", str(refusal))
        else:
            messages.success(request, f"Die Einladung an {form.cleaned_data['email']} geht hinaus.")
            return redirect("people", ags)
    status = 422 if request.method == "POST" else 200
    context = {"town": town, "form": form}
    return render(request, "municipalities/invite.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def member(request: HttpRequest, ags: str, pk: int) -> HttpResponse:
    """Confirm somebody with rights, or change the rights of somebody confirmed."""
    town = _town(request, ags)
    row = _member(town, pk)
    first = [name for name in RIGHTS if getattr(row, name)]
    form = RightsForm(request.POST or None, initial={"rights": first})
    if request.method == "POST" and form.is_valid():
        act = services.change_rights if row.is_confirmed else services.confirm_membership
        try:
            act(membership=row, rights=form.given(), by=person(request), at=arrived(request))
        except REFUSED as refusal:
            form.add_error("rights", str(refusal))
        else:
            messages.success(request, f"Die Rechte von {row.user} sind gespeichert.")
            if may_manage_for(person(request), town):
                return redirect("people", ags)
            return redirect("account")
    context = {
        "town": town,
        "row": row,
        "form": form,
        "own": row.user_id == request.user.pk,
        "hint": "" if row.is_confirmed else services.domain_hint(row),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "municipalities/member.html", context, status=status)


@require_POST
def refuse(request: HttpRequest, ags: str, pk: int) -> HttpResponse:
    """Refuse somebody who is not confirmed."""
    row = _member(_town(request, ags), pk)
    who = {"by": person(request), "at": arrived(request)}
    return _done(
        request,
        ags,
        lambda: services.refuse_membership(membership=row, **who),
        f"{row.user} ist abgelehnt.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def end(request: HttpRequest, ags: str, pk: int) -> HttpResponse:
    """End somebody's membership; everybody may end their own."""
    rows = endable_by(person(request)).select_related("user", "municipality")
    row = rows.filter(municipality__ags=ags, pk=pk).first()
    if row is None:
        raise not_here()
    town, own = row.municipality, row.user_id == request.user.pk
    if request.method != "POST":
        context = {"town": town, "row": row, "own": own}
        return render(request, "municipalities/end.html", context)
    who = {"by": person(request), "at": arrived(request)}
    name = str(row.user)
    try:
        services.end_membership(membership=row, **who)
    except REFUSED as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(
            request, f"Sie arbeiten nicht mehr für {town}." if own else f"{name} ist ausgetragen."
        )
    return redirect("account") if own else redirect("people", ags)


@require_POST
def withdraw(request: HttpRequest, ags: str, pk: int) -> HttpResponse:
    """Take an invitation back."""
    town = _town(request, ags)
    row = Invitation.objects.filter(municipality=town, pk=pk).first()
    if row is None:
        raise not_here()
    who = {"by": person(request), "at": arrived(request)}
    return _done(
        request,
        ags,
        lambda: services.withdraw_invitation(invitation=row, **who),
        "Die Einladung ist zurückgezogen.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def hand_over(request: HttpRequest, ags: str) -> HttpResponse:
    """Make somebody else look after the people."""
    town = _town(request, ags)
    others = (
        town.memberships.filter(confirmed_at__isnull=False, user__is_active=True)
        .exclude(user=person(request))
        .select_related("user")
        .order_by("user__email")
    )
    rows = {str(row.pk): row for row in others}
    form = HandOverForm(
        request.POST or None,
        people=[(pk, f"{row.user} ({row.user.email})") for pk, row in rows.items()],
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.hand_over(
                membership=rows[form.cleaned_data["person"]],
                leave=form.cleaned_data["leave"],
                by=person(request),
                at=arrived(request),
            )
        except REFUSED as refusal:
            form.add_error("person", str(refusal))
        else:
            messages.success(request, "Die Verwaltung der Personen ist übergeben.")
            return redirect("account")
    status = 422 if request.method == "POST" else 200
    context = {"town": town, "form": form, "others": list(rows)}
    return render(request, "municipalities/hand_over.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, ags: str) -> HttpResponse:
    """Close the municipality's access: everybody is signed out of it, invitations end."""
    town = _town(request, ags)
    if request.method == "POST":
        if "sure" in request.POST:
            services.close_organisation(municipality=town, by=person(request), at=arrived(request))
            messages.success(request, f"Der Zugang von {town} ist geschlossen.")
            return redirect("account")
        messages.error(request, "Bitte bestätigen Sie, dass Sie den Zugang schließen wollen.")
        return redirect("people_close", ags)
    return render(request, "municipalities/close.html", {"town": town})
