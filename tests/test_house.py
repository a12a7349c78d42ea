"""Guards of the house: what no single module can promise for all of them."""

import ast
import re
import subprocess
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.template.loader import get_template

from applications import services, workflow
from applications.models import FundingCall, triggers
from kiv_portal.management import public_version
from kiv_portal.models import Authority, Download
from municipalities.models import Municipality, Population
from municipalities.permissions import DESK_RIGHTS
from projects.models import Contact, Project

ROOT = Path(settings.BASE_DIR)
APPS = ("kiv_portal", "municipalities", "projects", "applications")
SOURCES = sorted(
    path for app in APPS for path in (ROOT / app).rglob("*.py") if "migrations" not in path.parts
)
TEMPLATES = sorted(
    path for path in (ROOT / "templates").rglob("*") if path.suffix in {".html", ".txt"}
)


def _text_of_sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in SOURCES)


def test_the_status_is_written_in_the_services_only():
    """Assignments to `.status` and keyword arguments `status=` of writes stay in one package."""
    writers = set()
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            targets = node.targets if isinstance(node, ast.Assign) else []
            if any(isinstance(t, ast.Attribute) and t.attr == "status" for t in targets):
                writers.add(path.relative_to(ROOT).as_posix())
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"update", "create", "update_or_create", "bulk_update"}
                and any(keyword.arg == "status" for keyword in node.keywords)
            ):
                writers.add(path.relative_to(ROOT).as_posix())
    assert writers == {"applications/services/moves.py"}


def test_every_own_template_is_used():
    """A template is named in the code or in another template; allauth's and Django's by place."""
    by_place = {
        "account",
        "mfa",
        "usersessions",
        "allauth",
        "admin",
        "kern",
        "simple_history",
        "registration",
    }
    known = _text_of_sources() + "\n".join(p.read_text(encoding="utf-8") for p in TEMPLATES)
    mails = {move.mail for move in (*workflow.TRANSITIONS, *workflow.ACTS)}
    unused = []
    for path in TEMPLATES:
        name = path.relative_to(ROOT / "templates").as_posix()
        if path.parts[len(ROOT.parts) + 1] in by_place or re.fullmatch(r"\d{3}\.html", name):
            continue
        if path.parent.name == "mails" and path.stem in mails:
            continue
        if f'"{name}"' not in known and f"'{name}'" not in known:
            unused.append(name)
    assert unused == []


def test_every_template_can_be_parsed():
    for path in TEMPLATES:
        get_template(path.relative_to(ROOT / "templates").as_posix())


def test_every_transition_that_tells_the_applicant_has_its_mail():
    """Mails that belong to no transition are named in full where they are sent."""
    names = {move.mail for move in (*workflow.TRANSITIONS, *workflow.ACTS) if move.mail}
    others = set(re.findall(r'"mails/([a-z_]+)\.txt"', _text_of_sources()))
    files = {p.stem for p in (ROOT / "templates" / "mails").glob("*.txt") if p.stem[0] != "_"}
    assert names & others == set()
    assert files == names | others


def test_every_transition_has_its_service():
    moves = (*workflow.TRANSITIONS, *workflow.ACTS)
    missing = [m.action for m in moves if not hasattr(services, m.action)]
    assert missing == []


@pytest.mark.django_db
def test_all_fixtures_load_together_and_hold_what_they_promise():
    for path in sorted((ROOT / "fixtures").glob("*.json")):
        assert path.stem in {
            "authority",
            "calls",
            "contacts",
            "downloads",
            "municipalities",
            "projects",
            "rounds",
        }
    call_command(
        "loaddata",
        "municipalities",
        "rounds",
        "calls",
        "projects",
        "contacts",
        "downloads",
        "authority",
        verbosity=0,
    )
    in_force = Municipality.objects.in_force(Population.objects.latest("as_of").as_of)
    assert in_force.able_to_apply().count() == 421
    assert in_force.exclude(pk__in=in_force.able_to_apply()).count() == 4
    assert Project.objects.published().count() == 27
    assert Project.objects.filter(amif=True).count() == 14
    assert Contact.objects.count() == 27
    assert FundingCall.objects.filter(display_only=True).count() == 3
    assert Download.objects.published().count() == 0
    assert Authority.load() is not None


def test_the_diagram_in_the_readme_is_that_of_the_table():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"```mermaid\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    assert found.group(1) == workflow.diagram()


@pytest.mark.django_db
def test_the_triggers_that_protect_the_case_log_are_in_force():
    assert triggers.expected() - triggers.installed(connection) == set()


@pytest.mark.django_db
def test_the_triggers_that_keep_public_pages_current_are_in_force():
    assert public_version.expected(connection.vendor) - triggers.installed(connection) == set()


def test_of_every_table_it_is_decided_whether_the_public_sees_it():
    """A table that is not in `public_version.SHOWN` stands here: no public page shows it."""
    not_shown = {
        model._meta.label
        for app in ("portal", "municipalities", "applications")
        for model in apps.get_app_config(app).get_models()
        if model._meta.db_table not in public_version.tables()
        and not hasattr(model, "instance_type")  # histories
    }
    assert not_shown == {
        "applications.Adoption",
        "applications.Application",
        "applications.ApplicationGuest",
        "applications.ApplicationMember",
        "applications.ArchiveOffer",
        "applications.CallBudget",
        "applications.CheckItem",
        "applications.CheckResult",
        "applications.CallSubscription",
        "applications.CaseEntry",
        "applications.CaseLogEntry",
        "applications.CaseLogPayload",
        "applications.CaseMessage",
        "applications.CaseNote",
        "applications.Cooperation",
        "applications.CoverItem",
        "applications.Decision",
        "applications.DecisionHand",
        "applications.DecisionPlanLine",
        "applications.DecisionYear",
        "applications.Delivery",
        "applications.Deputy",
        "applications.Document",
        "applications.Expense",
        "applications.ExpenseRuling",
        "applications.FormSheet",
        "applications.Hearing",
        "applications.InformationRequest",
        "applications.KeptInput",
        "applications.Letter",
        "applications.LetterBlock",
        "applications.Milestone",
        "applications.NumberRange",
        "applications.Opinion",
        "applications.ParticipationFormat",
        "applications.PersonConsent",
        "applications.Presence",
        "applications.PublicEntry",
        "applications.Recording",
        "applications.RecordingHand",
        "applications.Recusal",
        "applications.ReminderOff",
        "applications.ReminderSent",
        "applications.RequestItem",
        "applications.RetentionHold",
        "applications.RetrievalConsent",
        "applications.Revision",
        "applications.SectionComment",
        "applications.Snapshot",
        "municipalities.AccountEvent",
        "municipalities.FactorReset",
        "municipalities.Invitation",
        "municipalities.Membership",
        "municipalities.RegisterImport",
        "municipalities.RoleGrant",
        "municipalities.User",
        "portal.Erasure",
        "portal.ErasureRun",
        "portal.Job",
        "portal.LedgerMark",
        "portal.OutboxMail",
        "portal.PublicVersion",
    }


def test_no_page_has_inline_style_or_script():
    """The content security policy would refuse it; PDFs and mails are no pages."""
    bad = re.compile(r"""\s(?:style|on[a-z]+)\s*=\s*["']|<style\b|<script(?![^>]*\bsrc=)""")
    found = [
        path.relative_to(ROOT).as_posix()
        for path in TEMPLATES
        if path.parts[len(ROOT.parts) + 1] not in {"pdf", "mails"}
        and bad.search(
            re.sub(
                r'<script type="application/(?:ld\+)?json"[^>]*>',
                "",
                path.read_text(encoding="utf-8"),
            )
        )
    ]
    assert found == []


def test_no_file_names_a_package_registry():
    tracked = subprocess.run(
        ["git", "grep", "-lIE", r"https?://[a-z0-9.-]*(pypi|pythonhosted|npmjs)\."],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tracked.stdout.split() == []


def test_no_module_grows_past_what_one_room_holds():
    """About 400 lines; a module that outgrows it becomes a package of the same name."""
    long = [
        f"{path.relative_to(ROOT)}: {count}"
        for path in SOURCES
        if (count := len(path.read_text(encoding="utf-8").splitlines())) > 450
    ]
    assert long == []


def test_what_staff_edit_has_a_field_history_or_another_record():
    """Every model that a role may change at the desk; where the record is another, it is named."""
    others = {
        "municipalities.user": "sign-in log (note_account)",
    }
    edited = {
        label for label, verbs in DESK_RIGHTS.items() if "change" in verbs and label not in others
    }
    without = {label for label in edited if not hasattr(apps.get_model(label), "history")}
    assert without == set()
