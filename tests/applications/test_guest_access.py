"""Guests of one application: what they reach of it, address by address, and nothing else.

The table goes with that of `tests/test_access.py`: an address of an application that is not in it
fails.
"""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone
from PIL import Image

from applications.models import Application, ApplicationGuest, GuestRole
from applications.rules import DocumentKind
from applications.services import uploads
from municipalities.models import User
from tests import world
from tests.factories import NOW, UserFactory
from tests.test_access import TABLE

pytestmark = pytest.mark.django_db

GUESTS = {
    # address: GET of both, POST of a guest who reads, POST of a guest who comments
    "/antraege/{draft}/": (200, 405, 405),
    "/antraege/{draft}/konzeption/": (200, 403, 403),
    "/antraege/{draft}/konzeption/speichern/": (405, 403, 403),
    "/antraege/{draft}/konzeption/anwesend/": (405, 403, 403),
    "/antraege/{draft}/finanzierung/summen/": (405, 403, 403),
    "/antraege/{draft}/finanzierung/haushaltsjahre/": (403, 403, 403),
    "/antraege/{draft}/kommentare/": (200, 403, 200),
    "/antraege/{draft}/pruefen/": (200, 405, 405),
    "/antraege/{draft}/einreichen/": (302, 403, 403),
    "/antraege/{draft}/anlagen/{document}/": (200, 405, 405),
    "/antraege/{draft}/unterschriftsblatt.pdf": (202, 405, 405),
    "/antraege/{draft}/kooperation/06431903.pdf": (404, 405, 405),  # it has no partner
    "/antraege/{draft}/team/": (404, 404, 404),
    "/antraege/{draft}/neu-beginnen/": (404, 404, 404),
    "/antraege/{draft}/unterschriftsblatt/": (404, 405, 405),
    "/antraege/{granted}/antrag.pdf": (202, 405, 405),  # the worker has not made it yet
    "/antraege/{granted}/nachreichen/": (302, 403, 403),
    "/antraege/{granted}/zurueckziehen/": (200, 403, 403),  # says who may
    "/antraege/{granted}/schreiben/{letter}/": (404, 405, 405),
    "/antraege/{granted}/veroeffentlichung/": (404, 404, 404),
}


def invite(application: Application, user: User, role: GuestRole, **fields: Any) -> None:
    at = timezone.now()
    given = {"accepted_at": at, "expires_at": at + timedelta(days=30), "token_hash": ""} | fields
    ApplicationGuest.objects.create(
        application=application,
        user=user,
        email=user.email,
        role=role,
        invited_at=at,
        invited_by=application.created_by,
        **given,
    )


def test_a_guest_reaches_of_one_application_what_the_table_says_and_of_another_nothing() -> None:
    w = world.build()
    draft, filed = world.draft(w), world.submitted(w)
    picture = io.BytesIO()
    Image.new("RGB", (1, 1)).save(picture, "PNG")
    document = uploads.add_document(
        application=draft,
        upload=SimpleUploadedFile("Plan.png", picture.getvalue()),
        kind=DocumentKind.OTHER,
        by=w.clerk,
        at=NOW,
    )
    reads, comments, other = UserFactory(), UserFactory(), UserFactory()
    for application in (draft, filed):
        invite(application, reads, GuestRole.READ)
        invite(application, comments, GuestRole.COMMENT)
        invite(application, other, GuestRole.COMMENT, ended_at=timezone.now())
    invite(world.draft(w), other, GuestRole.COMMENT)  # of another one they are a guest
    clients = {user: Client() for user in (reads, comments, other)}
    for user, client in clients.items():
        client.force_login(user)

    names = {
        "draft": draft.uuid,
        "granted": filed.uuid,
        "document": document.pk,
        "letter": "00000000-0000-4000-8000-000000000000",
    }
    expected, found = {}, {}
    for pattern in (row[0] for row in TABLE.values() if row[0].startswith("/antraege/{")):
        address = pattern.format(**names)
        get, *posts = GUESTS[pattern]
        for user, post in zip((reads, comments), posts, strict=True):
            expected[pattern, user.pk] = (get, post)
        expected[pattern, other.pk] = tuple(
            status if status == 405 else 404 for status in (get, posts[0])
        )
        for user, client in clients.items():
            answers = client.get(address), client.post(address)
            found[pattern, user.pk] = tuple(answer.status_code for answer in answers)
            for close in (close for answer in answers for close in answer._resource_closers):
                close()
    differences = {key: found[key] for key in expected if found[key] != expected[key]}
    assert differences == {}
    assert len(found) == 3 * len(GUESTS)
