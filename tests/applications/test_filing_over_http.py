"""The same page sent fifty times at the same moment, over HTTP, files one application once."""

import http.client
import re
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from applications.models import Application, NumberRange, Snapshot
from applications.services import snapshots
from kiv_portal.models import Job, OutboxMail
from tests import world
from tests.applications.pages import place, signed_in, words
from tests.parallel import in_threads

CLICKS = 50


def sent_by(client: Client, application: Application) -> str:
    """What the check page's form sends, with its token."""
    page = client.get(place(application, "pruefen/")).content.decode()
    form = page[page.index(f'action="{place(application, "einreichen/")}"') :]
    fields = dict(re.findall(r'<input[^>]*\bname="([^"]+)"[^>]*\bvalue="([^"]*)"', form))
    return urlencode({**fields, "befugt": "on", "trotzdem": "on", "grund": "Bitte prüfen."})


@pytest.mark.django_db(transaction=True)
def test_fifty_posts_of_one_page_lead_to_one_receipt(live_server: Any) -> None:
    now = timezone.now()  # the server takes its own time from the clock
    w = world.build(now)
    application = world.filled(w, now)
    client = signed_in(w.signatory)
    body = sent_by(client, application)
    names = (settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME)
    headers = {
        "Cookie": "; ".join(f"{name}={client.cookies[name].value}" for name in names),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    server = urlsplit(live_server.url)
    assert server.hostname

    # Connected one after the other, as the test's server takes no more at once; sent together.
    talks = [
        http.client.HTTPConnection(str(server.hostname), server.port, timeout=110)
        for _ in range(CLICKS)
    ]
    for talk in talks:
        talk.connect()

    def click(number: int) -> tuple[int, str | None]:
        talk = talks[number]
        talk.request("POST", place(application, "einreichen/"), body, headers)
        answer = talk.getresponse()
        answer.read()
        talk.close()
        return answer.status, answer.headers["Location"]

    assert in_threads(CLICKS, click) == [(302, place(application))] * CLICKS

    application.refresh_from_db()
    number = f"KIV-{timezone.localdate(now).year}-0001"
    assert application.reference == number
    assert [row.last for row in NumberRange.objects.all()] == [1]
    [snapshot] = Snapshot.objects.all()
    assert application.first_snapshot == snapshot
    assert snapshots.read(snapshot)["reference"] == number
    assert list(application.log.values_list("action", flat=True)) == ["start", "submit"]
    # One mail: to the contact named in it, not also to whoever began it.
    assert application.contact_email != w.clerk.email.lower()
    [receipt] = OutboxMail.objects.all()
    assert (receipt.recipient, number in receipt.subject) == (application.contact_email, True)
    assert Job.objects.filter(kind="application_pdf").count() == 1
    assert number in words(client.get(place(application)))
