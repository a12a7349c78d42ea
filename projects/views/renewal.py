"""The page a contact's link leads to: right as it stands, to be changed, or to be removed."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from django.contrib.auth.decorators import login_not_required
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from projects.forms.renewal import WishForm
from projects.services import contacts

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def renewal(request: HttpRequest, token: str) -> HttpResponse:
    """Looking alone changes nothing; a link that serves no more tells of nobody."""
    at = request.arrived_at  # type: ignore[attr-defined]
    action = request.POST.get("aktion")
    form = WishForm(request.POST if action == "aendern" else None)
    context: dict[str, Any] = {"state": "open", "contact": None, "form": form}
    status = HTTPStatus.OK
    try:
        context["contact"] = contacts.contact_of(token)
        if action == "bestaetigen":
            contacts.confirm_by_link(token=token, at=at)
            context["state"] = "confirmed"
        elif action == "entfernen":
            contacts.remove_by_link(token=token, at=at)
            context |= {"state": "removed", "contact": None}
        elif action == "aendern" and form.is_valid():
            contacts.wish_by_link(token=token, wish=form.cleaned_data["wunsch"], at=at)
            context["state"] = "wished"
        elif request.method == "POST":
            status = HTTPStatus.UNPROCESSABLE_ENTITY
    except contacts.ContactGone:
        context |= {"state": "gone", "contact": None}
        status = HTTPStatus.NOT_FOUND
    return render(request, "projects/renewal.html", context, status=status)
