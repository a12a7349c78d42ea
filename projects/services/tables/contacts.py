"""Contacts and units from a table: what would change, and the change itself."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import timezone

from projects.models import ChangeSubject, Contact, Project
from projects.services import international, settle_edit
from projects.services.tables.plans import (
    Fault,
    Row,
    TablePlan,
    Value,
    add,
    by_slug,
    check_address,
    line_of,
    note_read,
    planned,
    reason_of,
    save,
    text_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from municipalities.models import User


def plan_contacts(rows: Iterable[Row], on: date) -> TablePlan:
    """What the rows would change of the contacts and units, as the public sees them that day."""
    plan = TablePlan()
    projects = by_slug()
    contacts = {one.project_id: one for one in Contact.objects.all()}
    seen: dict[str, int] = {}
    for row in rows:
        faults: list[Fault] = []
        slug = str(row.values.get("adresse") or "")
        project = projects.get(slug)
        if not slug:
            faults.append(Fault(row.line, "adresse", "Die Adresse der Projektseite fehlt."))
        else:
            check_address(row, slug, project, seen, faults)
        contact = contacts.get(project.pk) if project else None
        now = _of_contact(project, contact, on) if project else {}
        values = dict(row.values)
        for column, longest in LENGTHS.items():
            if column in values:
                values[column] = text_of(row, column, values[column], longest, faults)
        if project and contact is None and any(values.get(name) for name in OF_A_PERSON):
            column = next(name for name in OF_A_PERSON if values.get(name))
            faults.append(Fault(row.line, column, NO_CONTACT))
        elif contact and _is_over(contact, on) and values.get("person"):
            text = (
                f"Die Einwilligung endete am {contact.person_until:%d.%m.%Y}; eine neue bitte beim "
                "Projekt eintragen."
            )
            faults.append(Fault(row.line, "person", text))
        else:
            _check_contact(row, {**now, **values}, now, on, faults)
        for column in ("projekt", "kommunen"):
            said = line_of(str(values.get(column) or ""))
            if project and said and said != now[column]:
                text = f"Unter dieser Adresse steht „{now[column]}“. Ist die Zeile verrutscht?"
                faults.append(Fault(row.line, column, text))
        wanted = {name: values[name] for name in CONTACT_FIELDS if name in values}
        add(plan, row, project, now, wanted, faults, str(project or ""))
    return plan


@transaction.atomic
def apply_contacts(
    rows: Sequence[Row], *, fingerprint: str, name: str, by: User, at: datetime
) -> TablePlan:
    """Read the rows in, as planned under that fingerprint; a hidden contact stays hidden.

    Who is named no longer, also because somebody else is, no earlier version names either.
    Raises TableRefused, and then nothing has changed.
    """
    list(Project.objects.select_for_update().order_by("pk"))
    contacts = {one.project_id: one for one in Contact.objects.select_for_update().order_by("pk")}
    plan = planned(plan_contacts(rows, timezone.localdate(at)), fingerprint)
    reason = reason_of(name)
    for change in plan.changes:
        project = change.project
        assert project is not None  # the plan refuses what has no address
        subjects = []
        changed = [one.column for one in change.differences]
        if "stelle" in changed:
            project.unit = str(change.values["stelle"])
            save(project, by, at, reason)
            subjects.append(ChangeSubject.PROJECT)
        if columns := [column for column in changed if column != "stelle"]:
            contact = contacts[project.pk]  # the plan refuses what would make a new one
            _fill(contact, columns, change.values)
            save(contact, by, at, reason)
            if not contact.hidden:
                subjects.append(ChangeSubject.CONTACT)
        settle_edit(project=project, at=at, subjects=subjects)
    note_read("Kontakte", name, plan, by, at)
    return plan


CONTACT_FIELDS: Final = {
    "stelle": "unit",
    "person": "person",
    "email": "email",
    "telefon": "phone",
    "grundlage": "basis",
    "bestaetigt": "confirmed_on",
    "gezeigt_bis": "expires_on",
}
"""Columns that change a contact, or the unit beside it, with the field each fills."""

OF_A_PERSON: Final = tuple(name for name in CONTACT_FIELDS if name != "stelle")
NO_CONTACT: Final = (
    "Dieses Projekt hat keinen Kontakt (mehr). Eine Tabelle ändert Kontakte nur; ein neuer wird "
    "beim Projekt eingetragen."
)

LENGTHS: Final = {"stelle": 300, "person": 200, "email": 254, "telefon": 50, "grundlage": 200}


def _of_contact(project: Project, contact: Contact | None, on: date) -> dict[str, Value]:
    """The contact as the table shows it that day: a person whose consent is over is not named."""
    told: dict[str, Value] = {
        "projekt": line_of(project.title),
        "kommunen": project.places,
        "stelle": line_of(project.unit),
    }
    if contact is None:
        texts: dict[str, Value] = dict.fromkeys(("person", "email", "telefon", "grundlage"), "")
        return {**told, **texts, "bestaetigt": None, "gezeigt_bis": None}
    return {
        **told,
        "person": "" if _is_over(contact, on) else line_of(contact.person),
        "email": line_of(contact.email),
        "telefon": line_of(contact.phone),
        "grundlage": line_of(contact.basis),
        "bestaetigt": contact.confirmed_on,
        "gezeigt_bis": contact.expires_on,
    }


def _is_over(contact: Contact, on: date) -> bool:
    """Whether the consent of the person ended before that day."""
    return contact.person_until is not None and contact.person_until < on


def _check_contact(
    row: Row,
    values: Mapping[str, Value],
    now: Mapping[str, Value],
    on: date,
    faults: list[Fault],
) -> None:
    """What a contact must be once the row is read in; what stands there already may stay."""
    told = {name: values.get(name) for name in OF_A_PERSON}
    if all(told[name] == now.get(name) for name in told):
        return
    if not values.get("email") and not values.get("telefon"):
        text = (
            "Ein Kontakt hat eine E-Mail-Adresse oder eine Telefonnummer. Gelöscht oder "
            "ausgeblendet wird er beim Projekt."
        )
        faults.append(Fault(row.line, "email", text))
    if not values.get("grundlage"):
        text = "Worauf beruht die Veröffentlichung, etwa „Einwilligung vom …“?"
        faults.append(Fault(row.line, "grundlage", text))
    if values.get("email") and values["email"] != now.get("email"):
        try:
            validate_email(str(values["email"]))
        except ValidationError:
            faults.append(Fault(row.line, "email", "Das ist keine E-Mail-Adresse."))
    confirmed, until = values.get("bestaetigt"), values.get("gezeigt_bis")
    if not isinstance(confirmed, date):
        faults.append(Fault(row.line, "bestaetigt", "Wann wurde der Kontakt zuletzt bestätigt?"))
        return
    if confirmed > on:
        faults.append(Fault(row.line, "bestaetigt", "Dieser Tag liegt in der Zukunft."))
    if isinstance(until, date) and until < confirmed:
        faults.append(Fault(row.line, "gezeigt_bis", "Das liegt vor der letzten Bestätigung."))


def _fill(contact: Contact, columns: Sequence[str], values: Mapping[str, Value]) -> None:
    """Set what the row changes, and what follows from it."""
    for column in columns:
        setattr(contact, CONTACT_FIELDS[column], values[column])
    if "telefon" in columns:
        contact.phone_e164 = international(contact.phone)
    if "person" in columns:
        contact.person_until = None
        contact.forget_persons_before()
