"""Every public page in every state, for the tests that look at all of them."""

from __future__ import annotations

from typing import Final

from django.core.files.base import ContentFile

from kiv_portal.models import Authority, Download
from municipalities.models import Municipality
from projects import services
from tests import world
from tests.factories import NOW, ContactFactory, MunicipalityFactory, ProjectFactory

EMPTY: Final = ("/", "/projekte/", "/kontakt/", "/downloads/", "/barrierefreiheit/")
"""Pages that look otherwise while nobody has entered anything: no call, no project, no address."""


def build() -> dict[str, int]:
    """Rows to show, and the addresses that show them: address → status."""
    w = world.build()
    Authority.objects.update(
        help_name="Fachstelle", help_phone="06151 1234", help_email="hilfe@behoerde.example"
    )
    for town, place in ((w.town, "50.1"), (w.other_town, "50.2"), (w.small, "50.3")):
        Municipality.objects.filter(pk=town.pk).update(latitude=place, longitude="8.6")
    MunicipalityFactory(latitude="50.4", longitude="8.8")
    project = ProjectFactory(towns=[w.town], amif=True)
    ContactFactory(project=project)
    joint = ProjectFactory(towns=[w.other_town, w.small])
    joint.documents.create(
        kind="strategy", file=ContentFile(b"%PDF-1.7", name="strategie.pdf"), accessible=True
    )
    joint.documents.create(kind="resolution", address="https://kommune.example/beschluss")
    withdrawn = ProjectFactory(published_at=None)
    services.publish(project=withdrawn, by=None, at=NOW)
    services.withdraw_from_public(project=withdrawn, reason="Irrtum", by=None, at=NOW)
    services.settle_edit(project=project, at=NOW)
    Download.objects.create(
        title="Werkzeugkoffer",
        file=ContentFile(b"%PDF-1.7", name="koffer.pdf"),
        content_type="application/pdf",
        size=8,
        accessible=False,
        accessibility_note="gescannte Seiten",
    )
    return {
        "/": 200,
        "/hilfe/": 200,
        "/kontakt/": 200,
        "/downloads/": 200,
        "/impressum/": 200,
        "/datenschutz/": 200,
        "/barrierefreiheit/": 200,
        "/barrierefreiheit/melden/": 200,
        "/barrierefreiheit/gemeldet/": 200,
        "/leichte-sprache/": 200,
        "/gebaerdensprache/": 200,
        "/foerder-check/": 200,
        "/foerder-check/?q=stadt": 200,
        "/foerder-check/?q=nirgends": 200,
        "/foerder-check/?kommune=05315000&partner=x": 200,
        f"/foerder-check/?kommune={w.small.ags}&partner={w.small.ags}": 200,
        f"/foerder-check/?kommune={w.town.ags}": 200,
        f"/foerder-check/?kommune={w.small.ags}": 200,
        f"/foerder-check/?kommune={w.small.ags}&partner={w.town.ags}": 200,
        "/projekte/": 200,
        "/projekte/?q=muster&amif=1&sort=-einwohner": 200,
        "/projekte/?q=nirgends": 200,
        "/projekte/?runde=neun&seite=7": 200,
        f"/projekte/?q={w.town.ags}": 200,
        f"/projekte/{project.slug}/": 200,
        f"/projekte/{joint.slug}/": 200,
        f"/projekte/{withdrawn.slug}/": 404,
        "/projekte/aenderungen/": 200,
        "/projekte/zahlen/": 200,
        "/daten/": 200,
        "/benachrichtigung/": 200,
        "/benachrichtigung/?gesendet=1": 200,
        "/konto/anmelden/": 200,
        "/konto/registrieren/": 200,
        f"/konto/registrieren/?kommune={w.town.ags}": 200,
        "/konto/passwort/vergessen/": 200,
        "/gibt-es-nicht/": 404,
    }
