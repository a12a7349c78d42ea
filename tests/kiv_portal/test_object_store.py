"""Files in an object store instead of on a disk: kept, read, backed up, erased, and away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone
from moto.server import ThreadedMotoServer

from applications import services
from applications.models import Document
from applications.rules import DocumentKind
from kiv_portal.services import backup
from kiv_portal.settings import object_store
from tests import world
from tests.applications.pages import signed_in
from tests.faults.people import picture

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sweep]


@pytest.fixture
def store(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadedMotoServer]:
    """A store on this machine with an empty bucket, and the portal set up for it."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "of-the-tests")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    address = "http://{}:{}".format(*server.get_host_and_port())
    client = boto3.client("s3", endpoint_url=address, region_name="eu-central-1")
    client.create_bucket(
        Bucket="portal", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    settings.MEDIA_STORE = f"s3://portal?endpoint_url={address}&region_name=eu-central-1"
    settings.STORAGES = settings.STORAGES | {"default": object_store(settings.MEDIA_STORE)}
    yield server
    server.stop()


def names(folder: str = "") -> set[str]:
    folders, files = default_storage.listdir(folder)
    found = {f"{folder}{name}" for name in files}
    return found.union(*(names(f"{folder}{name}/") for name in folders))


def test_files_live_in_an_object_store_as_they_do_on_a_disk(
    store: ThreadedMotoServer, tmp_path: Path, media_root: Path
) -> None:
    at = timezone.now()
    w = world.build(at=at)
    draft = world.filled(w, at)
    data = picture("Ein Punkt")
    document = services.add_document(
        application=draft,
        upload=SimpleUploadedFile("Größe „A“.png", data, "image/png"),
        kind=DocumentKind.OTHER,
        by=w.clerk,
        at=at,
    )
    browser = signed_in(w.clerk)
    address = f"/antraege/{draft.uuid}/anlagen/{document.pk}/"
    assert b"".join(browser.get(address)) == data
    assert names() == {document.file.name}
    assert list(media_root.rglob("*")) == []

    kept = tmp_path / "backup"
    assert backup.make(kept, at).files == 1
    sums = {hashlib.sha256(one.read_bytes()).digest() for one in kept.rglob("*") if one.is_file()}
    assert hashlib.sha256(data).digest() in sums

    default_storage.delete(document.file.name)
    assert names() == set()
    assert browser.get(address).status_code == 404

    # Away: it is said, and nothing is acknowledged.
    store.stop()
    browser.raise_request_exception = False
    page = f"/antraege/{draft.uuid}/anlagen/"
    again = SimpleUploadedFile("Noch eine.png", data, "image/png")
    answers = [
        browser.get(address),
        browser.post(page, {"art": DocumentKind.OTHER.value, "datei": again}),
    ]
    for answer in answers:
        assert answer.status_code == 503
        assert "Das Portal ist gerade nicht erreichbar" in answer.content.decode()
    assert list(Document.objects.values_list("pk", flat=True)) == [document.pk]
