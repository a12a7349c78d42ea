"""Documents are added and removed one by one; their files stay as long as a version names them."""

import hashlib
import io
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from applications import services
from applications.documents import UploadRefused
from applications.models import Application, Document
from applications.rules import DocumentKind, Step
from applications.services import snapshots
from applications.services.uploads import MAX_DOCUMENTS, TooManyDocuments
from tests import world
from tests.factories import NOW

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(hours=1)


def pdf() -> bytes:
    made = pikepdf.new()
    made.add_blank_page()
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


PDF = pdf()


@pytest.fixture
def w() -> world.World:
    return world.build()


def add(
    application: Application, by: Any, content: bytes = PDF, name: str = "Konzept.pdf", **more: Any
) -> Document:
    return services.add_document(
        application=application,
        upload=SimpleUploadedFile(name, content),
        kind=more.pop("kind", DocumentKind.CONCEPT),
        by=by,
        at=more.pop("at", NOW),
        **more,
    )


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_document_is_kept_under_an_id_and_never_under_a_typed_name(w, media_root):
    application = world.draft(w)
    document = add(application, w.clerk, name="..\\Müller & „Söhne“.pdf")
    document.refresh_from_db()
    assert (document.name, document.kind, document.municipality) == (
        "Müller & „Söhne“.pdf",
        "concept",
        None,
    )
    assert (document.content_type, document.size, document.sha256) == (
        "application/pdf",
        len(PDF),
        hashlib.sha256(PDF).hexdigest(),
    )
    assert (document.uploaded_by, document.uploaded_at, document.removed_at) == (
        w.clerk,
        NOW,
        None,
    )
    assert files(media_root) == [f"antraege/{application.uuid}/{document.id}"]
    assert (media_root / document.file.name).read_bytes() == PDF
    application.refresh_from_db()
    assert (application.revision, application.revisions.get().step) == (1, "anlagen")


def test_a_cooperation_declaration_names_its_municipality(w):
    application = world.draft(w)
    world.save(application, Step.KOMMUNE, {"partners": [w.small.ags]}, w.clerk)
    missing = "Es fehlt die Kooperationserklärung von: Kleinheim."
    assert missing in [f.message for f in services.findings_of(application, NOW)]
    add(application, w.clerk, kind=DocumentKind.COOPERATION, municipality=w.small)
    assert missing not in [f.message for f in services.findings_of(application, NOW)]


def test_what_is_refused_leaves_nothing_behind(w, media_root):
    application = world.draft(w)
    with pytest.raises(UploadRefused):
        add(application, w.clerk, b"<html>")
    assert (files(media_root), Document.objects.count()) == ([], 0)
    application.refresh_from_db()
    assert application.revision == 0


@pytest.mark.parametrize("who", ["stranger", "reader", "reviewer", "signer", "administrator"])
def test_nobody_else_adds_or_removes_a_document(w, who, media_root):
    application = world.draft(w)
    document = add(application, w.clerk)
    person = getattr(w, who)
    with pytest.raises(services.NotAllowed):
        add(application, person)
    with pytest.raises(services.NotAllowed):
        services.remove_document(application=application, document=document, by=person, at=LATER)
    assert files(media_root) == [document.file.name]
    assert list(application.documents.current()) == [document]


def test_after_filing_documents_are_closed_unless_asked_for(w, media_root):
    application = world.filled(w)
    document = add(application, w.clerk)
    world.file(application, w.signatory)
    with pytest.raises(services.NotEditable):
        add(application, w.clerk)
    with pytest.raises(services.NotEditable):
        services.remove_document(application=application, document=document, by=w.clerk, at=LATER)
    assert files(media_root) == [document.file.name]


def test_what_was_asked_for_can_be_uploaded_and_is_part_of_the_answer(w):
    application = world.requested(w, (Step.ANLAGEN,))
    document = add(application, w.clerk)
    services.answer(application=application, by=w.signatory, at=LATER)
    second = snapshots.read(application.snapshots.get(number=2))
    assert [d["id"] for d in second["documents"]] == [str(document.id)]
    assert second["documents"][0] == {
        "id": str(document.id),
        "kind": "concept",
        "municipality": None,
        "name": "Konzept.pdf",
        "content_type": "application/pdf",
        "size": len(PDF),
        "sha256": hashlib.sha256(PDF).hexdigest(),
    }


def test_there_is_a_most_of_documents_and_a_removed_one_makes_room(w, media_root):
    application = world.draft(w)
    Document.objects.bulk_create(
        Document(
            id=uuid.uuid4(),
            application=application,
            kind="other",
            file="x",
            name="x",
            content_type="application/pdf",
            size=1,
            sha256="0" * 64,
            uploaded_at=NOW,
            uploaded_by=w.clerk,
        )
        for _ in range(MAX_DOCUMENTS - 1)
    )
    last = add(application, w.clerk)
    with pytest.raises(TooManyDocuments):
        add(application, w.clerk)
    assert files(media_root) == [last.file.name]
    services.remove_document(application=application, document=last, by=w.clerk, at=LATER)
    add(application, w.clerk, at=LATER)
    assert application.documents.current().count() == MAX_DOCUMENTS


def test_a_removed_document_leaves_the_application_but_not_the_disk(w, media_root):
    application = world.draft(w)
    document = add(application, w.clerk)
    services.remove_document(application=application, document=document, by=w.clerk, at=LATER)
    document.refresh_from_db()
    assert document.removed_at == LATER
    assert list(application.documents.current()) == []
    assert files(media_root) == [document.file.name]
    assert application.revisions.count() == 2


def test_removing_twice_changes_nothing_more(w):
    application = world.draft(w)
    document = add(application, w.clerk)
    for at in (LATER, LATER + timedelta(hours=1)):
        services.remove_document(application=application, document=document, by=w.clerk, at=at)
    document.refresh_from_db()
    assert document.removed_at == LATER
    assert application.revisions.count() == 2


def test_a_document_of_another_application_cannot_be_removed_here(w):
    mine, other = world.draft(w), world.draft(w)
    document = add(other, w.clerk)
    services.remove_document(application=mine, document=document, by=w.clerk, at=LATER)
    document.refresh_from_db()
    assert document.removed_at is None
    assert mine.revisions.count() == 0


# --- Several at once, and new versions -----------------------------------------------------------


def add_all(application: Application, by: Any, *uploads: tuple[str, bytes]) -> services.Received:
    return services.add_documents(
        application=application,
        uploads=[SimpleUploadedFile(name, content) for name, content in uploads],
        kind=DocumentKind.CONCEPT,
        by=by,
        at=NOW,
    )


def test_of_several_the_good_ones_are_kept_and_each_refused_one_has_its_reason(w):
    application = world.draft(w)
    received = add_all(
        application, w.clerk, ("a.pdf", PDF), ("leer.pdf", b""), ("b.exe", b"MZ"), ("c.pdf", PDF)
    )
    assert [document.name for document in received.added] == ["a.pdf", "c.pdf"]
    assert received.refused == [
        ("leer.pdf", "Die Datei ist leer. Bitte wählen Sie sie noch einmal aus."),
        (
            "b.exe",
            "Diese Art von Datei können wir nicht annehmen. Möglich sind: PDF, JPEG, PNG, DOCX, "
            "XLSX, ODT, ODS.",
        ),
    ]
    assert application.documents.current().count() == 2


def test_the_same_page_sent_again_adds_nothing(w, media_root):
    application = world.draft(w)
    first = add_all(application, w.clerk, ("a.pdf", PDF))
    again = add_all(application, w.clerk, ("a.pdf", PDF))
    assert (again.added, again.known, again.refused) == ([], first.added, [])
    assert len(files(media_root)) == 1
    services.remove_document(application=application, document=first.added[0], by=w.clerk, at=LATER)
    assert len(add_all(application, w.clerk, ("a.pdf", PDF)).added) == 1


def test_where_there_is_no_room_left_the_rest_is_refused(w, monkeypatch):
    monkeypatch.setattr("applications.services.uploads.MAX_DOCUMENTS", 1)
    application = world.draft(w)
    received = add_all(application, w.clerk, ("a.pdf", PDF), ("b.pdf", PDF))
    assert [document.name for document in received.added] == ["a.pdf"]
    assert received.refused == [
        ("b.pdf", "Mehr Anlagen sind nicht möglich. Bitte entfernen Sie zuerst eine.")
    ]


def test_several_are_for_those_who_may_write_and_while_it_can_be_written(w):
    application = world.filled(w)
    with pytest.raises(services.NotAllowed):
        add_all(application, w.stranger, ("a.pdf", PDF))
    world.file(application, w.signatory)
    with pytest.raises(services.NotEditable):
        add_all(application, w.clerk, ("a.pdf", PDF))
    assert application.documents.count() == 0


def replace(
    application: Application, document: Document, by: Any, content: bytes = PDF
) -> Document:
    return services.replace_document(
        application=application,
        document=document,
        upload=SimpleUploadedFile("Neu.pdf", content),
        by=by,
        at=LATER,
    )


def test_a_new_version_takes_the_place_and_the_old_one_stays_in_its_snapshot(w, media_root):
    application = world.filled(w)
    old = add(application, w.clerk, kind=DocumentKind.COOPERATION, municipality=w.small)
    application = world.file(application, w.signatory)
    snapshot = snapshots.read(application.first_snapshot)
    services.begin_check(application=application, by=w.reviewer, at=NOW)
    services.set_file_number(application=application, file_number="II", by=w.reviewer, at=NOW)
    services.request_information(
        application=application,
        items=[(Step.ANLAGEN, "Bitte neu.")],
        due_on=(NOW + timedelta(days=30)).date(),
        by=w.reviewer,
        at=NOW,
    )
    new = replace(application, old, w.clerk)
    old.refresh_from_db()
    assert (new.kind, new.municipality, new.replaces, new.name) == (
        DocumentKind.COOPERATION,
        w.small,
        old,
        "Neu.pdf",
    )
    assert old.removed_at == LATER
    assert [*application.documents.current()] == [new]
    assert len(files(media_root)) == 2
    assert [row["id"] for row in snapshot["documents"]] == [str(old.pk)]


def test_a_document_that_is_gone_is_not_replaced(w, media_root):
    application = world.draft(w)
    old = add(application, w.clerk)
    replace(application, old, w.clerk)
    with pytest.raises(services.DocumentGone):
        replace(application, old, w.clerk)
    assert application.documents.current().count() == 1
    assert len(files(media_root)) == 2


def test_a_bad_new_version_leaves_the_old_one(w):
    application = world.draft(w)
    old = add(application, w.clerk)
    with pytest.raises(UploadRefused):
        replace(application, old, w.clerk, b"")
    assert [*application.documents.current()] == [old]
