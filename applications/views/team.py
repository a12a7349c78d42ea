"""Who works on an application: its people, guests, handing over, accepting an invitation."""

from __future__ import annotations

import uuid
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from applications import permissions, rules, services
from applications.forms.team import AccessForm, GuestForm, HandOverForm
from applications.rules import SignatureForm
from applications.services import cooperation, guests, handover, partnership
from applications.views import case, wording
from kiv_portal.euro import format_euro
from kiv_portal.sessions import holds_for_people
from municipalities.forms.account import InvitedForm
from municipalities.models import Membership, User
from municipalities.services import NotPossible

if TYPE_CHECKING:
    from applications.models import Application, ApplicationGuest

USUAL_ACCESS: Final = timedelta(days=60)
"""How long an access is proposed to last."""

END_OUT_OF_RANGE: Final = "Bitte geben Sie einen Tag an, der vor uns liegt, höchstens ein Jahr."

SIGNATURES: Final = {
    SignatureForm.NONE: (
        "Der Förderaufruf verlangt keine besondere Form. Einreichen kann, wer für Ihre Kommune "
        "zeichnen darf."
    ),
    SignatureForm.SHEET: (
        "Der Förderaufruf verlangt ein unterschriebenes Unterschriftsblatt. Bitte drucken Sie es "
        "aus, lassen Sie es unterschreiben und laden Sie es bei den Anlagen hoch. Einreichen "
        "kann danach, wer für Ihre Kommune zeichnen darf."
    ),
    SignatureForm.ACCOUNT: (
        "Der Förderaufruf verlangt, dass eine zeichnungsberechtigte Person mit ihrem eigenen "
        "Konto einreicht. Das Einreichen gilt dann als Unterschrift."
    ),
    SignatureForm.QUALIFIED: (
        "Der Förderaufruf verlangt eine qualifizierte elektronische Signatur. Bitte lassen Sie "
        "das Unterschriftsblatt so signieren und laden Sie es bei den Anlagen hoch. Das Portal "
        "prüft die Signatur nicht; das tut das Regierungspräsidium."
    ),
}
"""How the application is signed, and what to do for it."""


@require_http_methods(["GET", "HEAD", "POST"])
def team(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The people of an application; those who may, invite guests and hand it over."""
    application = case.find(request, key)
    if not permissions.is_on_team(case.person(request), application):
        raise Http404
    may_manage = permissions.may_manage_team(case.person(request), application)
    if request.method != "POST":
        return _page(request, application, may_manage=may_manage)
    if not may_manage:
        raise PermissionDenied
    act = {"einladen": _invite, "aendern": _change, "beenden": _end, "uebergeben": _hand_over}.get(
        request.POST.get("aktion", "")
    )
    if act is None:
        return redirect(case.address("application_team", application))
    return act(request, application)


def _page(
    request: HttpRequest,
    application: Application,
    *,
    may_manage: bool = True,
    invite: GuestForm | None = None,
    change: tuple[ApplicationGuest, AccessForm] | None = None,
    hand_over: HandOverForm | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    at = case.arrived(request)
    ends_on = timezone.localdate(at) + USUAL_ACCESS
    if application.call.closes_at:
        ends_on = max(ends_on, timezone.localdate(application.call.closes_at))
    ends_on = min(ends_on, timezone.localdate(at + guests.LONGEST_ACCESS) - timedelta(days=1))
    asked = request.GET.get("gast", "")
    standing = list(application.guests.standing().select_related("invited_by", "user"))
    if change is None and may_manage:
        guest = next((row for row in standing if str(row.pk) == asked), None)
        if guest is not None:
            form = AccessForm(
                initial={"rolle": guest.role, "bis": timezone.localdate(_last_moment(guest))}
            )
            change = (guest, form)
    people = _people(application)
    person = application.in_charge
    inviters = {row["user"] for row in people if row["may_manage"]}
    named = handover.contacts_naming(application, person) if person else []
    return render(
        request,
        "applications/team.html",
        {
            "application": application,
            "may_manage": may_manage,
            "people": people,
            "in_charge": person,
            "is_there": any(row["user"] == person for row in people),
            "signature": SIGNATURES[SignatureForm(application.call.signature_form)],
            "signature_sheet": application.is_draft
            and application.call.signature_form in (SignatureForm.SHEET, SignatureForm.QUALIFIED),
            "partners": _partners(application),
            "guests": [
                _shown(row, at, still_invites=row.invited_by in inviters) for row in standing
            ],
            "invite": invite or GuestForm(initial={"rolle": "read", "bis": ends_on}),
            "change_guest": change[0] if change else None,
            "change": change[1] if change else None,
            "hand_over": (hand_over or _hand_over_form(request, application))
            if may_manage
            else None,
            "named_in_filed": bool(named) and not application.is_draft,
        },
        status=status,
    )


def _people(application: Application) -> list[dict[str, Any]]:
    """The lead municipality's people with their rights in words."""
    lead = application.lead
    rows = (
        Membership.objects.filter(municipality=lead.municipality_id if lead else None)
        .select_related("user")
        .order_by("user__name", "user__email")
    )
    rights = (
        ("may_read", "lesen"),
        ("may_edit", "bearbeiten"),
        ("may_sign", "zeichnen und einreichen"),
        ("may_manage", "Personen verwalten"),
    )
    return [
        {
            "user": row.user,
            "rights": ", ".join(label for name, label in rights if getattr(row, name)) or "nichts",
            "confirmed": row.confirmed_at is not None,
            "may_manage": permissions.manages_team(row, application),
            "may_sign": row.may_sign and row.confirmed_at is not None and row.user.is_active,
        }
        for row in rows
        if row.user.is_active
    ]


def _partners(application: Application) -> list[dict[str, Any]]:
    """The partners with the link on which each confirms its Kooperationserklärung itself."""
    if not application.partners:
        return []
    confirmed = cooperation.confirmed(application)
    return [
        {
            "name": row.municipality.short_name,
            "confirmed": row.municipality.ags in confirmed,
            "link": f"{settings.PORTAL_ADDRESS}/kooperation/"
            f"{partnership.token_of(application, row.municipality)}/",
        }
        for row in application.partners
    ]


def signatories(application: Application) -> list[str]:
    """Names of those who may file it now, so that the others know whom to ask."""
    return [str(row["user"]) for row in _people(application) if row["may_sign"]]


def _last_moment(guest: ApplicationGuest) -> Any:
    return guest.expires_at - timedelta(microseconds=1)


def _shown(guest: ApplicationGuest, at: Any, *, still_invites: bool) -> dict[str, Any]:
    if guest.expires_at <= at:
        state, tone = "Zugang abgelaufen", "neutral"
    elif guest.accepted_at:
        state, tone = "angenommen", "success"
    elif guest.invited_at <= at - guests.INVITATION_LASTS:
        state, tone = "Einladung abgelaufen", "neutral"
    elif not still_invites:  # `guests.invitation` opens none of theirs
        state, tone = "Einladung gilt nicht mehr", "neutral"
    else:
        state, tone = "eingeladen", "info"
    return {
        "guest": guest,
        "state": state,
        "tone": tone,
        "until": timezone.localdate(_last_moment(guest)),
        "invited": wording.instant(guest.invited_at),
    }


def _invite(request: HttpRequest, application: Application) -> HttpResponse:
    form = GuestForm(request.POST)
    if form.is_valid():
        try:
            guest = services.invite_guest(
                application=application,
                email=form.cleaned_data["email"],
                role=form.role,
                until=form.until,
                by=case.person(request),
                at=case.arrived(request),
            )
        except services.OnTheTeam:
            form.add_error("email", "Diese Person arbeitet schon für Ihre Kommune am Antrag.")
        except services.AlreadyInvited:
            form.add_error("email", "Diese Adresse ist schon eingeladen. Sie steht oben.")
        except services.TooManyGuests:
            form.add_error(None, "Mehr Gäste sind nicht möglich. Bitte beenden Sie einen Zugang.")
        except services.EndOutOfRange:
            form.add_error("bis", END_OUT_OF_RANGE)
        else:
            messages.success(request, f"Die Einladung an {guest.email} ist unterwegs.")
            return redirect(case.address("application_team", application))
    return _page(request, application, invite=form)


def _guest(request: HttpRequest, application: Application) -> ApplicationGuest:
    try:
        wanted = uuid.UUID(request.POST.get("gast", ""))
    except ValueError as error:
        raise Http404 from error
    found = application.guests.filter(pk=wanted).first()
    if found is None:
        raise Http404
    return found


def _change(request: HttpRequest, application: Application) -> HttpResponse:
    guest, form = _guest(request, application), AccessForm(request.POST)
    if form.is_valid():
        try:
            services.change_guest(
                guest=guest,
                role=form.role,
                until=form.until,
                by=case.person(request),
                at=case.arrived(request),
            )
        except services.EndOutOfRange:
            form.add_error("bis", END_OUT_OF_RANGE)
            return _page(request, application, change=(guest, form))
        except services.InvitationGone:
            messages.info(request, "Der Zugang ist inzwischen beendet.")
        else:
            messages.success(request, f"Der Zugang von {guest.email} ist geändert.")
        return redirect(case.address("application_team", application))
    return _page(request, application, change=(guest, form))


def _end(request: HttpRequest, application: Application) -> HttpResponse:
    guest = _guest(request, application)
    services.end_guest(guest=guest, by=case.person(request), at=case.arrived(request))
    messages.success(request, f"Der Zugang von {guest.email} ist beendet.")
    return redirect(case.address("application_team", application))


def _hand_over_form(
    request: HttpRequest, application: Application, data: QueryDict | None = None
) -> HandOverForm:
    """With the offer to change the contacts where they name who is in charge."""
    person = application.in_charge
    named = (
        person is not None
        and handover.contacts_naming(application, person)
        and handover.may_change_contacts(application, case.person(request))
    )
    return HandOverForm(
        data, people=list(handover.successors(application)), named=str(person) if named else ""
    )


def _hand_over(request: HttpRequest, application: Application) -> HttpResponse:
    form = _hand_over_form(request, application, request.POST)
    if form.is_valid():
        person = form.cleaned_data["person"]
        try:
            services.hand_over(
                application=application,
                to=person,
                contacts=form.cleaned_data.get("kontakte", False),
                by=case.person(request),
                at=case.arrived(request),
            )
        except (services.NotAllowed, services.NotEditable):
            form.add_error(
                "kontakte", "Die Ansprechpersonen im Antrag können Sie zurzeit nicht ändern."
            )
        except services.CannotTakeOver:
            form.add_error("person", "Diese Person kann den Antrag nicht (mehr) übernehmen.")
        else:
            messages.success(request, f"Der Antrag ist an {person} übergeben.")
            return redirect(application)
    return _page(request, application, hand_over=form)


@require_safe
def signature_sheet(request: HttpRequest, key: uuid.UUID) -> HttpResponse:
    """The Unterschriftsblatt as a page to print: what is signed, and where."""
    application = case.find(request, key)
    if not permissions.is_on_team(case.person(request), application):
        raise Http404
    if not application.is_draft:
        return redirect(application)
    case.with_parts(application)
    plan = services.plan_of(application)
    totals = rules.plan_totals(plan).total
    period = rules.Period(application.starts_on, application.months)
    lead = application.lead
    return render(
        request,
        "applications/signature_sheet.html",
        {
            "application": application,
            "names": case.names_of(application),
            "body": lead.municipality.body if lead else "",
            "requested": format_euro(totals.requested),
            "expenses": format_euro(totals.expenses),
            "ends_on": rules.ends_on(period),
            "printed": wording.instant(case.arrived(request)),
        },
    )


# --- The guest's side ----------------------------------------------------------------------------


@holds_for_people
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """An invitation opened by whoever is signed in; the POST accepts it.

    Without a sign-in it makes the account it is for, as helpers belong to no municipality for
    which they could register; who has one, and whoever has no invitation, signs in first.
    """
    if not request.user.is_authenticated:
        return _helper_without_account(request, token)
    user, at = case.person(request), case.arrived(request)
    try:
        guest = guests.invitation(token, at=at)
    except services.InvitationGone:
        return _no_invitation(request)
    fits = permissions.owns_address(user, guest.email) and not user.is_staff
    if request.method == "POST":
        try:
            application = services.accept_invitation(token=token, by=user, at=at)
        except services.InvitationGone:
            return _no_invitation(request)
        except (services.WrongAddress, services.NotAllowed):
            fits = False
        else:
            messages.success(request, "Sie sind jetzt Gast dieses Antrags.")
            return redirect(application)
    return render(
        request,
        "applications/invitation.html",
        {"guest": guest, "fits": fits, "until": timezone.localdate(_last_moment(guest))},
        status=HTTPStatus.OK if fits else HTTPStatus.FORBIDDEN,
    )


def _helper_without_account(request: HttpRequest, token: str) -> HttpResponse:
    at = case.arrived(request)
    try:
        guest = guests.invitation(token, at=at)
    except services.InvitationGone:
        return redirect_to_login(request.path, resolve_url(settings.LOGIN_URL))
    if User.objects.filter(email=guest.email).exists():
        return redirect_to_login(request.path, resolve_url(settings.LOGIN_URL))
    form = InvitedForm(request.POST or None, email=guest.email)
    if request.method == "POST" and form.is_valid():
        try:
            services.register_guest(
                token=token,
                name=form.cleaned_data["name"],
                password=form.cleaned_data["password"],
                at=at,
            )
        except (services.InvitationGone, NotPossible):
            return redirect_to_login(request.path, resolve_url(settings.LOGIN_URL))
        messages.success(
            request,
            "Ihr Konto ist angelegt, und Sie sind Gast des Antrags. Bitte melden Sie sich an.",
        )
        return redirect(f"{resolve_url(settings.LOGIN_URL)}?next={reverse('applications')}")
    return render(
        request,
        "applications/invitation_register.html",
        {"guest": guest, "form": form, "until": timezone.localdate(_last_moment(guest))},
        status=HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK,
    )


def _no_invitation(request: HttpRequest) -> HttpResponse:
    return render(request, "applications/invitation_gone.html", status=HTTPStatus.NOT_FOUND)
