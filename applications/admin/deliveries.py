"""Letters of a case: made without a decision, sent, acknowledged; consent; entries afterwards.

Each page shows how things stand and makes one service call per POST.
"""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from django.contrib import messages
from django.http import Http404, HttpResponseRedirect
from django.urls import reverse

from applications import documents, permissions, services
from applications.admin.addresses import case_address
from applications.admin.hindrances import CHANGED, NOT_YOURS, RECUSED
from applications.admin.proposals import with_places
from applications.forms import desk, desk_letters
from applications.models.letters import LetterKind
from applications.services import letters
from applications.services.entries import DECIDED
from kiv_portal.models import Authority, DeliveryWay
from municipalities.permissions import may_review

if TYPE_CHECKING:
    import uuid

    from django.contrib.admin import ModelAdmin
    from django.forms import Form
    from django.http import HttpRequest, HttpResponse

    from applications.models import Application, Delivery, Letter

PAGES: Final = (
    ("schreiben/neu/", "letter_new"),
    ("schreiben/<uuid:letter_id>/bekanntgabe/", "delivery"),
    ("einwilligung/", "consent"),
    ("eintraege/", "entries"),
)
"""Addresses below a case, each with the function of this module that answers."""

FAULTS: Final[dict[type[Exception], str]] = {
    services.LetterNotReady: "Das PDF wird noch erzeugt. Bitte versuchen Sie es gleich wieder.",
    services.AlreadyDelivered: "Das Schreiben ist schon auf dem Weg.",
    services.ConsentNotOnFile: (
        "Die Einwilligung der Kommune in den Abruf liegt nicht vor. Ohne sie geht das Schreiben "
        "per Post oder gegen Empfangsbekenntnis."
    ),
    services.PostDaysUnknown: (
        "Am wievielten Tag nach der Aufgabe zur Post ein Schreiben als bekannt gegeben gilt, ist "
        "in den Angaben zur Behörde noch nicht eingetragen."
    ),
    services.DayOutOfPlace: "Dieser Tag kann nicht stimmen. Bitte prüfen Sie das Datum.",
    services.NoSuchDelivery: "Diese Bekanntgabe ist inzwischen erledigt.",
    services.AlreadyOnFile: "Eine Einwilligung dieser Kommune ist schon eingetragen.",
    services.NoOpenRequest: "Es läuft keine Nachforderung, zu der ein Schreiben gehört.",
    services.AlreadyIssued: "Zu dieser Nachforderung gibt es schon ein Schreiben.",
    services.SecondPersonNeeded: (
        "Den vorzeitigen Maßnahmenbeginn zeichnet vor der Entscheidung eine Person mit der Rolle "
        "„Schlusszeichnung“, die das Schreiben nicht angelegt hat und den Fall nicht bearbeitet."
    ),
    services.ReviewerNeeded: (
        "Bitte zuerst eine zuständige Person eintragen: Wer zeichnet, darf den Fall nicht selbst "
        "bearbeiten."
    ),
    services.LetterNotSigned: "Zuerst muss eine zweite Person das Schreiben zeichnen.",
    services.AlreadySigned: "Das Schreiben ist schon gezeichnet.",
    services.LetterDiscarded: "Das Schreiben ist verworfen oder lässt sich nicht mehr verwerfen.",
    services.DiscardReasonMissing: "Bitte geben Sie eine Begründung an.",
    services.NotDecided: "Solche Einträge folgen auf einen Bescheid.",
    services.AlreadyStruck: "Dieser Eintrag ist schon gestrichen.",
    services.NotAllowed: "Ihr Konto darf das nicht.",
}
"""What the services refuse, in the words of the desk."""


def address(application: Application, page: str, *keys: Any) -> str:
    """A page of this module for a case."""
    return reverse(f"admin:applications_application_{page}", args=[application.pk, *keys])


def _attempt(request: HttpRequest, form: Form, call: Callable[[], Any], done: str) -> bool:
    """Make the one service call; whether it went well. What is refused is said at the form."""
    try:
        call()
    except services.EntryIncomplete as error:
        form.show_faults(error.faults)  # type: ignore[attr-defined]
    except services.LetterIncomplete as error:
        form.add_error(None, str(error))
    except documents.UploadRefused as error:
        form.add_error("upload", str(error))
    except tuple(FAULTS) as error:
        form.add_error(None, FAULTS[type(error)])
    else:
        messages.success(request, done)
        return True
    return False


def _refused(
    admin: ModelAdmin[Any], request: HttpRequest, application: Application, status: int, why: str
) -> HttpResponse:
    context = {
        "application": application,
        "title": NOT_YOURS if status == HTTPStatus.FORBIDDEN else CHANGED,
        "reason": why,
        "state": application.state.label,
        "turn": "",
        "case_href": case_address(application),
    }
    return admin.render(request, "admin/applications/refused.html", context, status)


def refuse_recused(
    admin: ModelAdmin[Any], request: HttpRequest, application: Application
) -> HttpResponse:
    """The page for whoever is befangen: letters are none of their business here."""
    return _refused(admin, request, application, HTTPStatus.FORBIDDEN, RECUSED)


REVIEWERS_ONLY: Final = "Das ist der Sachbearbeitung vorbehalten (Rolle „Prüfung“)."


def _page(
    admin: ModelAdmin[Any],
    request: HttpRequest,
    application: Application,
    template: str,
    title: str,
    forms: list[Form],
    context: dict[str, Any],
) -> HttpResponse:
    whole = {
        "application": application,
        "title": title,
        "case_href": case_address(application),
        "wrong": any(form.errors for form in forms),
        **context,
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if whole["wrong"] else HTTPStatus.OK
    return admin.render(request, f"admin/applications/{template}", whole, status)


# --- A letter without a decision ------------------------------------------------------------------


def letter_new(
    admin: ModelAdmin[Any], request: HttpRequest, application: Application
) -> HttpResponse:
    """Make a receipt, the letter of a request, or the consent to an early start."""
    kinds = _kinds(application, request.user)
    if not kinds:
        return _refused(admin, request, application, HTTPStatus.FORBIDDEN, REVIEWERS_ONLY)
    at = request.arrived_at
    posted = request.method == "POST"
    form = desk_letters.NewLetterForm(
        request.POST if posted else None,
        request.FILES if posted else None,
        kinds=kinds,
        initial={"made": "elsewhere" if application.call.letters_elsewhere else "here"},
    )
    if (
        posted
        and form.is_valid()
        and _attempt(
            request,
            form,
            lambda: services.issue_letter(
                application=application,
                kind=form.cleaned_data["kind"],
                text=form.cleaned_data["text"],
                elsewhere=form.elsewhere,
                by=request.user,
                at=at,
            ),
            "Das Schreiben ist angelegt. Es fehlt noch die Bekanntgabe.",
        )
    ):
        return HttpResponseRedirect(f"{case_address(application)}#schreiben")
    lacking = [
        {
            "label": kind.label,
            "lacking": with_places(application, letters.missing_for(application, kind, at)),
        }
        for kind in kinds
    ]
    context = {"form": form, "letters": [entry for entry in lacking if entry["lacking"]]}
    return _page(
        admin, request, application, "letter_new.html", "Schreiben erstellen", [form], context
    )


def _kinds(application: Application, user: Any) -> list[LetterKind]:
    kinds: list[LetterKind] = []
    if may_review(user):
        kinds.append(LetterKind.RECEIPT)
        if application.state in permissions.BEFORE_DECISION:
            kinds.append(LetterKind.EARLY_START)
        if application.information_requests.filter(closed_at__isnull=True).exists():
            kinds.append(LetterKind.REQUEST)
    return kinds


# --- Sending --------------------------------------------------------------------------------------


def delivery(
    admin: ModelAdmin[Any], request: HttpRequest, application: Application, letter_id: uuid.UUID
) -> HttpResponse:
    """How a letter stands, and what can be done with it now: send, acknowledge, note as failed."""
    letter = application.letters.filter(pk=letter_id).first()
    if letter is None:
        raise Http404("Dieses Schreiben gibt es nicht.")
    signs = may_sign(letter, request.user)
    if not may_review(request.user) and not signs:
        return _refused(admin, request, application, HTTPStatus.FORBIDDEN, REVIEWERS_ONLY)
    at = request.arrived_at
    under_way = letter.deliveries.filter(failed_at__isnull=True).last()
    put_away = letter.discarded_at is not None
    act = request.POST.get("act", "") if request.method == "POST" else ""
    forms: dict[str, Form]
    if put_away:
        forms = {}
    elif letter.waits_for_signature and under_way is None:
        forms = (
            {"sign": desk_letters.SignForm(request.POST if act == "sign" else None)}
            if signs
            else {}
        )
    else:
        forms = _delivery_forms(letter, under_way, request.POST, act)
    if under_way is None and letter.may_be_discarded:
        data = request.POST if act == "discard" else None
        forms["discard"] = desk.ReasonForm(data, prefix="discard")
    if act and act not in forms:
        return _refused(
            admin, request, application, HTTPStatus.CONFLICT, "Das ist inzwischen erledigt."
        )
    if act:
        form = forms[act]
        if form.is_valid() and _attempt(
            request, form, _delivery_call(act, form, letter, request, at), DELIVERED[act]
        ):
            return HttpResponseRedirect(case_address(application))  # which has the next step
    authority = Authority.load()
    lead = letters.lead_of(application).municipality
    given = services.consent_of(lead)
    if not letter.file:  # what cannot be read yet is neither signed nor sent
        forms = {name: form for name, form in forms.items() if name == act or name == "discard"}
    if "deliver" in forms:
        possible = {DeliveryWay.RECEIPT.value}
        possible |= {DeliveryWay.RETRIEVAL.value} if given else set()
        if authority and authority.post_days is not None:
            possible.add(DeliveryWay.POST.value)
        forms["deliver"].offer(possible)  # type: ignore[attr-defined]
    context = {
        "letter": letter,
        "letter_href": address(application, "letter_pdf", letter.pk),
        "deliveries": letter.deliveries.select_related("sent_by", "opened_by"),
        "under_way": under_way,
        "forms": forms,
        "consent": given,
        "consent_href": address(application, "consent"),
        "lead": lead,
        "post_days": authority.post_days if authority else None,
        "authority_href": reverse("admin:portal_authority_changelist"),
    }
    title = f"{letter.get_kind_display()}: Bekanntgabe"
    return _page(admin, request, application, "delivery.html", title, list(forms.values()), context)


def may_sign(letter: Letter, user: Any) -> bool:
    """Whether the person signs a letter that is no decision, as the second of two."""
    return (
        letter.waits_for_signature
        and letter.created_by_id != user.pk
        and permissions.may_allow_early_start(user, letter.application)
    )


DELIVERED: Final = {
    "sign": "Das Schreiben ist gezeichnet. Es kann jetzt bekannt gegeben werden.",
    "deliver": "Das Schreiben ist auf dem Weg.",
    "acknowledge": "Das Empfangsbekenntnis ist eingetragen.",
    "discard": "Das Schreiben ist verworfen. Es bleibt mit Ihrer Begründung in der Akte.",
    "fail": "Die Bekanntgabe ist nicht bewirkt. Bitte wählen Sie einen anderen Weg.",
}


def _delivery_forms(
    letter: Letter, under_way: Delivery | None, data: Any, act: str
) -> dict[str, Form]:
    """What can be done now, by its name; the one that was posted is bound."""
    if under_way is None:
        authority = Authority.load()
        way = authority.delivery_way if authority else ""
        return {
            "deliver": desk_letters.DeliverForm(
                data if act == "deliver" else None, initial={"way": way}
            )
        }
    forms: dict[str, Form] = {}
    if under_way.way == DeliveryWay.RECEIPT and under_way.received_on is None:
        forms["acknowledge"] = desk_letters.AcknowledgeForm(data if act == "acknowledge" else None)
    if under_way.opened_at is None and under_way.received_on is None:
        forms["fail"] = desk.ReasonForm(data if act == "fail" else None, prefix="fail")
    return forms


def _delivery_call(
    act: str, form: Any, letter: Letter, request: HttpRequest, at: Any
) -> Callable[[], Any]:
    by = request.user
    if act == "sign":
        return lambda: services.sign_letter(
            letter=letter, seen=form.cleaned_data["seen"], by=by, at=at
        )
    if act == "discard":
        return lambda: services.discard_letter(
            letter=letter, reason=form.cleaned_data["reason"], by=by, at=at
        )
    if act == "deliver":
        return lambda: services.deliver(
            letter=letter,
            way=form.cleaned_data["way"],
            sent_on=form.cleaned_data["sent_on"],
            by=by,
            at=at,
        )
    if act == "acknowledge":
        return lambda: services.acknowledge(
            letter=letter, received_on=form.cleaned_data["received_on"], by=by, at=at
        )
    return lambda: services.fail_delivery(
        letter=letter, reason=form.cleaned_data["reason"], by=by, at=at
    )


# --- Consent --------------------------------------------------------------------------------------


def consent(admin: ModelAdmin[Any], request: HttpRequest, application: Application) -> HttpResponse:
    """The municipality's consent to retrieval: put on record, or ended."""
    if not may_review(request.user):
        return _refused(admin, request, application, HTTPStatus.FORBIDDEN, REVIEWERS_ONLY)
    at, posted = request.arrived_at, request.method == "POST"
    lead = letters.lead_of(application).municipality
    given = services.consent_of(lead)
    form: Any = (desk_letters.ConsentEndForm if given else desk_letters.ConsentForm)(
        request.POST if posted else None
    )
    if posted and form.is_valid():
        data = form.cleaned_data
        call = (
            (
                lambda: services.end_consent(
                    application=application, ended_on=data["ended_on"], by=request.user, at=at
                )
            )
            if given
            else (
                lambda: services.record_consent(
                    application=application,
                    given_on=data["given_on"],
                    note=data["note"],
                    by=request.user,
                    at=at,
                )
            )
        )
        done = "Die Einwilligung ist beendet." if given else "Die Einwilligung ist eingetragen."
        if _attempt(request, form, call, done):
            return HttpResponseRedirect(case_address(application))
    context = {"form": form, "given": given, "lead": lead}
    title = "Einwilligung in den Abruf"
    return _page(admin, request, application, "consent.html", title, [form], context)


# --- After the notice -----------------------------------------------------------------------------


def entries(admin: ModelAdmin[Any], request: HttpRequest, application: Application) -> HttpResponse:
    """The dated entries after a notice; add one, or strike a wrong one."""
    if application.state not in DECIDED:
        return _refused(
            admin, request, application, HTTPStatus.CONFLICT, FAULTS[services.NotDecided]
        )
    if not may_review(request.user):
        return _refused(admin, request, application, HTTPStatus.FORBIDDEN, REVIEWERS_ONLY)
    at, posted = request.arrived_at, request.method == "POST"
    struck = request.POST.get("strike", "") if posted else ""
    rows = list(application.entries.select_related("by", "struck_by"))
    form = desk_letters.EntryForm(request.POST if posted and not struck else None)
    strike = desk.ReasonForm(request.POST if struck else None, prefix="strike")
    if struck:
        entry = next((row for row in rows if str(row.pk) == struck), None)
        if entry is None:
            raise Http404("Diesen Eintrag gibt es nicht.")
        if strike.is_valid() and _attempt(
            request,
            strike,
            lambda: services.strike_entry(
                entry=entry, reason=strike.cleaned_data["reason"], by=request.user, at=at
            ),
            "Der Eintrag ist gestrichen.",
        ):
            return HttpResponseRedirect(address(application, "entries"))
    elif posted and form.is_valid():
        data = form.cleaned_data
        if _attempt(
            request,
            form,
            lambda: services.add_entry(application=application, **data, by=request.user, at=at),
            "Der Eintrag steht in der Akte.",
        ):
            return HttpResponseRedirect(address(application, "entries"))
    context = {
        "form": form,
        "strike": strike,
        "struck": struck,
        "entries": rows,
        "open_entries": [row for row in rows if row.struck_at is None],
    }
    return _page(
        admin,
        request,
        application,
        "entries.html",
        "Einträge nach dem Bescheid",
        [form, strike],
        context,
    )
