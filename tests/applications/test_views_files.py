"""Downloads: who gets what, under which name, and that no browser runs any of it."""

from __future__ import annotations

import io
import uuid
from datetime import date, timedelta
from urllib.parse import quote

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image

from applications import services
from applications.models import CaseLogEntry, Document, Letter
from applications.rules import DocumentKind
from applications.services import rendering
from kiv_portal.middleware import FILE_POLICY
from kiv_portal.models import Job
from tests import world
from tests.applications.pages import place, signed_in, words
from tests.factories import NOW

pytestmark = pytest.mark.django_db

NAME = "Größe & „Ümläut“ 100 %.png"


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("django.utils.timezone.now", lambda: NOW)


@pytest.fixture
def w() -> world.World:
    return world.build()


@pytest.fixture
def clerk(w: world.World) -> Client:
    return signed_in(w.clerk)


def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (2, 2)).save(data, "PNG")
    return data.getvalue()


def attached(w: world.World, application) -> Document:
    return services.add_document(
        application=application,
        upload=SimpleUploadedFile(NAME, picture()),
        kind=DocumentKind.CONCEPT,
        by=w.clerk,
        at=NOW,
    )


def rendered() -> None:
    """What the worker does."""
    for job in Job.objects.all():
        rendering.JOBS[job.kind](job.argument, NOW)


class TestDocuments:
    def test_it_is_saved_under_its_name_and_never_run(self, w, clerk):
        application = world.draft(w)
        document = attached(w, application)
        response = clerk.get(place(application, f"anlagen/{document.pk}/"))
        assert b"".join(response.streaming_content) == picture()
        assert response["Content-Type"] == "image/png"
        assert response["Content-Disposition"] == (f"attachment; filename*=utf-8''{quote(NAME)}")
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == FILE_POLICY
        assert "no-store" in response["Cache-Control"]

    def test_a_long_name_with_umlauts_and_quotes_is_kept_filed_and_given_back(self, w, clerk):
        application = world.filled(w)
        name = f'Kämmerei "Süd" & „Söhne“ {"ö" * 132}.png'
        assert len(name.encode()) == 300
        # A browser sends quotation marks as %22.
        upload = SimpleUploadedFile(name.replace('"', "%22"), picture())
        sent = {"art": "concept", "datei": upload}
        assert clerk.post(place(application, "anlagen/"), sent).status_code == 302
        document = application.documents.get()
        assert document.name == name
        assert name in words(clerk.get(place(application, "pruefen/")))
        filed = world.file(application, w.signatory)
        [frozen] = filed.first_snapshot.content["documents"]
        assert (frozen["id"], frozen["name"]) == (str(document.pk), name)
        response = clerk.get(place(application, f"anlagen/{document.pk}/"))
        assert response["Content-Disposition"] == f"attachment; filename*=utf-8''{quote(name)}"
        assert b"".join(response.streaming_content) == picture()

    def test_a_removed_one_is_gone_unless_it_was_filed(self, w, clerk):
        application = world.filled(w)
        filed, gone = attached(w, application), attached(w, application)
        services.remove_document(application=application, document=gone, by=w.clerk, at=NOW)
        world.file(application, w.signatory)
        Document.objects.filter(pk=filed.pk).update(removed_at=NOW)
        assert clerk.get(place(application, f"anlagen/{gone.pk}/")).status_code == 404
        kept = clerk.get(place(application, f"anlagen/{filed.pk}/"))
        assert b"".join(kept.streaming_content) == picture()

    def test_another_applications_document_is_not_found(self, w, clerk):
        mine, other = world.draft(w), world.draft(w)
        document = attached(w, other)
        assert clerk.get(place(mine, f"anlagen/{document.pk}/")).status_code == 404
        assert clerk.get(place(mine, f"anlagen/{uuid.uuid4()}/")).status_code == 404

    def test_a_file_that_is_lost_is_not_found(self, w, clerk):
        application = world.draft(w)
        document = attached(w, application)
        document.file.storage.delete(document.file.name)
        assert clerk.get(place(application, f"anlagen/{document.pk}/")).status_code == 404

    def test_strangers_and_visitors_get_none(self, w):
        application = world.draft(w)
        address = place(application, f"anlagen/{attached(w, application).pk}/")
        assert signed_in(w.stranger).get(address).status_code == 404
        at_desk = signed_in(w.administrator)
        world.give_second_factor(at_desk, w.administrator)
        assert at_desk.get(address).status_code == 404
        assert Client().get(address).status_code == 302

    @pytest.mark.parametrize("method", ["post", "put", "delete"])
    def test_it_is_only_read(self, w, clerk, method):
        application = world.draft(w)
        address = place(application, f"anlagen/{attached(w, application).pk}/")
        assert getattr(clerk, method)(address).status_code == 405


class TestTheApplication:
    def test_a_draft_has_no_pdf_and_says_so(self, w, clerk):
        page = clerk.get(place(world.draft(w), "antrag.pdf"))
        assert page.status_code == 404
        assert "Ein PDF gibt es, sobald Sie den Antrag eingereicht haben" in words(page)

    def test_until_it_is_made_a_page_waits(self, w, clerk):
        page = clerk.get(place(world.submitted(w), "antrag.pdf"))
        assert (page.status_code, page["Refresh"]) == (202, "10")
        assert "Das PDF wird gerade erzeugt" in words(page)

    def test_then_it_is_saved_under_its_number(self, w, clerk):
        application = world.submitted(w)
        rendered()
        response = clerk.get(place(application, "antrag.pdf"))
        assert response["Content-Disposition"] == (
            'attachment; filename="Antrag KIV-2026-0001.pdf"'
        )
        assert b"".join(response.streaming_content).startswith(b"%PDF-")

    def test_after_an_answer_the_newest_version_comes_and_each_can_be_had(self, w, clerk):
        application = world.requested(w)
        services.answer(application=application, by=w.signatory, at=NOW)
        rendered()
        address = place(application, "antrag.pdf")
        first, newest = clerk.get(address, {"fassung": "1"}), clerk.get(address)
        for response in (first, newest):
            assert b"".join(response.streaming_content).startswith(b"%PDF-")
        assert first["Content-Disposition"] == 'attachment; filename="Antrag KIV-2026-0001.pdf"'
        assert newest["Content-Disposition"] == (
            'attachment; filename="Antrag KIV-2026-0001, Fassung 2.pdf"'
        )
        assert clerk.get(address, {"fassung": "3"}).status_code == 404

    def test_a_stranger_gets_none(self, w):
        for application in (world.draft(w), world.submitted(w)):
            page = signed_in(w.stranger).get(place(application, "antrag.pdf"))
            assert page.status_code == 404
            assert "sobald Sie" not in words(page)


class TestLetters:
    def test_the_first_download_is_the_retrieval(self, w, clerk):
        application = world.offered(w).application
        address = place(application, f"schreiben/{application.letters.get().pk}/")
        looked = clerk.head(address)
        for close in looked._resource_closers:  # a server does so; close() would end the test
            close()
        assert looked.status_code == 200
        assert Letter.objects.get().first_opened_at is None
        for _ in range(2):
            response = clerk.get(address)
            assert b"".join(response.streaming_content).startswith(b"%PDF-")
        assert response["Content-Disposition"] == (
            'attachment; filename="Zuwendungsbescheid KIV-2026-0001.pdf"'
        )
        assert Letter.objects.get().deliveries.get().notified_on == date(2026, 11, 17)
        assert Letter.objects.get().first_opened_at == NOW
        opened = CaseLogEntry.objects.filter(action="letter_opened")
        assert [entry.actor_id for entry in opened] == [w.clerk.pk]

    def test_what_was_not_sent_yet_is_not_there(self, w, clerk):
        application = world.granted(w)
        rendered()
        address = place(application, f"schreiben/{application.letters.get().pk}/")
        assert [clerk.get(address).status_code, clerk.head(address).status_code] == [404, 404]
        assert Letter.objects.get().first_opened_at is None

    def test_what_was_not_retrieved_in_time_says_that_it_comes_another_way(self, w, clerk):
        letter = world.offered(w)
        letter.deliveries.update(sent_on=NOW.date() - timedelta(days=11))
        application = letter.application
        page = clerk.get(place(application, f"schreiben/{application.letters.get().pk}/"))
        assert page.status_code == 410
        assert "Sie erhalten es auf anderem Weg." in words(page)
        assert Letter.objects.get().first_opened_at is None

    def test_what_failed_or_was_put_away_says_what_is_true_of_it(self, w, clerk):
        letter = world.offered(w)
        services.fail_delivery(letter=letter, reason="Falsch.", by=w.reviewer, at=NOW)
        address = place(letter.application, f"schreiben/{letter.pk}/")
        failed = clerk.get(address)
        assert failed.status_code == 410
        assert "dass es Sie so nicht erreicht hat. Sie erhalten es auf" in words(failed)
        assert "zehn Tagen" not in words(failed)
        Letter.objects.filter(pk=letter.pk).update(
            decision=None, discarded_at=NOW, discarded_by=w.reviewer, discarded_reason="Irrtum"
        )
        discarded = clerk.get(address)
        assert discarded.status_code == 410
        assert "Dieses Schreiben wurde zurückgenommen und gilt nicht." in words(discarded)
        assert "auf anderem Weg" not in words(discarded)

    def test_who_is_not_confirmed_yet_retrieves_nothing(self, w):
        application = world.offered(w).application
        w.clerk.memberships.update(confirmed_at=None, confirmed_by=None)
        address = place(application, f"schreiben/{application.letters.get().pk}/")
        assert signed_in(w.clerk).get(address).status_code == 403
        assert Letter.objects.get().first_opened_at is None

    def test_strangers_and_staff_open_nothing_here(self, w):
        application = world.offered(w).application
        address = place(application, f"schreiben/{application.letters.get().pk}/")
        for person in (w.stranger, w.reviewer, w.administrator):
            browser = signed_in(person)
            if person.is_staff:
                world.give_second_factor(browser, person)
            assert browser.get(address).status_code == 404
        assert Letter.objects.get().first_opened_at is None

    def test_the_service_asks_who_it_is(self, w):
        world.granted(w)
        with pytest.raises(services.NotAllowed):
            services.delivery.open_letter(letter=Letter.objects.get(), by=w.stranger, at=NOW)

    def test_an_unknown_letter_is_not_found(self, w, clerk):
        application = world.granted(w)
        assert clerk.get(place(application, f"schreiben/{uuid.uuid4()}/")).status_code == 404
