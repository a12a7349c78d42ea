"""Hearing of calls without an account; reminders switched off, signed in or by a mail's link."""

from __future__ import annotations

from http import HTTPStatus

from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from applications import services
from applications.forms.notices import RemindersForm, SubscribeForm
from applications.models import FundingCall
from applications.rules import ReminderKind
from applications.services import reminders, subscriptions
from applications.views import case, wording


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def subscribe(request: HttpRequest) -> HttpResponse:
    """Leave an address to hear of the next call; known and unknown ones get the same answer."""
    form = SubscribeForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        address = form.cleaned_data["email"].lower()
        if not ratelimit.consume(request, action="call_subscription", key=address):
            return ratelimit.respond_429(request)
        services.subscribe(email=address, at=case.arrived(request))
        return redirect(f"{request.path}?gesendet=1")
    call = FundingCall.objects.open_at(case.arrived(request)).first()
    return render(
        request,
        "applications/subscribe.html",
        {
            "form": form,
            "sent": "gesendet" in request.GET and request.method != "POST",
            "call": call,
            "closing": wording.closing(call, case.arrived(request)) if call else None,
        },
        status=HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK,
    )


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def subscription(request: HttpRequest, token: str) -> HttpResponse:
    """The page a subscription's link leads to: confirm it, or leave."""
    try:
        if request.method != "POST":
            row = subscriptions.subscription(token)
            state = "confirmed" if row.confirmed_at else "open"
        elif request.POST.get("aktion") == "abmelden":
            services.unsubscribe(token=token)
            state = "left"
        else:
            services.confirm_subscription(token=token, at=case.arrived(request))
            state = "confirmed"
    except services.SubscriptionGone:
        state = "gone"
    return render(
        request,
        "applications/subscription.html",
        {"state": state},
        status=HTTPStatus.NOT_FOUND if state == "gone" else HTTPStatus.OK,
    )


@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def reminder_off(request: HttpRequest, token: str) -> HttpResponse:
    """Switch a reminder off from a mail, without a sign-in; looking alone changes nothing."""
    try:
        person, kind = reminders.read_token(token)
    except services.LinkInvalid:
        context = {"kind": None, "done": False}
        return render(
            request, "applications/reminder_off.html", context, status=HTTPStatus.NOT_FOUND
        )
    if request.method == "POST":
        services.switch_reminder(kind=kind, on=False, by=person, at=case.arrived(request))
    return render(
        request,
        "applications/reminder_off.html",
        {"kind": kind, "done": kind.value in reminders.reminders_off(person)},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def my_reminders(request: HttpRequest) -> HttpResponse:
    """Which reminders I get."""
    user = case.person(request)
    if request.method == "POST":
        form = RemindersForm(request.POST)
        if form.is_valid():
            services.choose_reminders(
                wanted=[ReminderKind(kind) for kind in form.cleaned_data["erinnerungen"]],
                by=user,
                at=case.arrived(request),
            )
            messages.success(request, "Ihre Auswahl ist gespeichert.")
            return redirect("my_reminders")
    else:
        off = reminders.reminders_off(user)
        wanted = [kind.value for kind in ReminderKind if kind.value not in off]
        form = RemindersForm(initial={"erinnerungen": wanted})
    return render(request, "applications/my_reminders.html", {"form": form})
