"""The people and drafts of the measures: roles without names, made through the services."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.contrib.auth.models import Group
from django.test import Client

from applications import services
from applications.models import Application, FundingCall
from kiv_portal.management import demo_cases
from municipalities import permissions
from municipalities.models import Membership, Municipality, User

if TYPE_CHECKING:
    from datetime import datetime

STAFF = {
    "pruefung@rp.example": permissions.REVIEW,
    "verwaltung@rp.example": permissions.ADMINISTER,
}


@dataclass(frozen=True)
class Draft:
    """A draft that is complete, and the session of the person who files it."""

    uuid: str
    session: str


def set_the_stage(at: datetime) -> None:
    """Staff, an open call and one filed application."""
    for email, role in STAFF.items():
        user = _person(email, at, is_staff=True)
        user.groups.set([Group.objects.get_or_create(name=role)[0]])
    opened = at - timedelta(days=60)
    demo_cases.sample_blocks()
    call = demo_cases.open_demo_call(opened, at)
    town = Municipality.objects.able_to_apply().order_by("-ags")[0]
    file(complete(call, town, at), at)


def drafts(number: int, at: datetime) -> list[Draft]:
    """Complete drafts of as many municipalities, each with its own person and session."""
    call = FundingCall.objects.get(title=demo_cases.TITLE)
    made = []
    for town in Municipality.objects.able_to_apply().order_by("ags")[:number]:
        application = complete(call, town, at)
        client = Client()
        client.force_login(application.created_by)
        made.append(Draft(str(application.uuid), client.session.session_key))
    return made


def _person(email: str, at: datetime, **fields: bool) -> User:
    user = User(email=email, name="Messung", created_at=at, **fields)
    user.set_unusable_password()
    user.save()
    return user


def complete(call: FundingCall, town: Municipality, at: datetime) -> Application:
    """A draft with every answer, by somebody who may sign for the municipality."""
    clerk = _person(f"zeichnung@k{town.ags}.example", at)
    Membership.objects.create(
        user=clerk,
        municipality=town,
        created_at=at,
        may_sign=True,
        confirmed_at=at,
        confirmed_by=User.objects.get(email="verwaltung@rp.example"),
    )
    application = services.start(call=call, lead=town, by=clerk, at=at)
    title = f"{town.short_name} gestaltet Vielfalt"
    for step, data in demo_cases.answers(application, title, at).items():
        application.refresh_from_db()
        services.save_step(
            application=application,
            step=step,
            data=data,
            base_revision=application.revision,
            by=clerk,
            at=at,
        )
    application.refresh_from_db()
    return application


def file(application: Application, at: datetime) -> Application:
    """File a draft in the name of whoever began it, confirming what the rules say."""
    findings = services.findings_of(application, at)
    return services.submit(
        application=application,
        confirmed=services.confirmation_key(findings),
        declares_authority=True,
        reason="Messung" if services.to_confirm(findings) else "",
        by=application.created_by,
        at=at,
    )
