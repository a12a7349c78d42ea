"""The words of PROGRAMME §10, in everything people read: templates, labels, messages, fixtures.

Texts of the programme page itself stay as they are; what is allowed beyond the rules stands in
`ALLOWED`, word for word, and goes when its place goes.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = ("kiv_portal", "municipalities", "projects", "applications")

RULES: dict[str, tuple[str, str]] = {
    # what is meant: (pattern, what to write instead)
    "gender star": (
        r"[a-zäöüß](?:\*|:|_|·|/-?)(?:in|innen|r|n)\b|\b[A-ZÄÖÜ][a-zäöüß]+Innen\b",
        "both forms: „Einwohnerinnen und Einwohner“",
    ),
    "parliament": (
        r"[Pp]arlament",
        "„Gemeindevertretung/Stadtverordnetenversammlung“",
    ),
    "expired": (r"[Vv]erfristet", "„nach Fristende eingegangen“"),
    "complete": (
        r"(?<![Uu]n)\b[Vv]ollständig",
        "„alle Pflichtangaben ausgefüllt“; and no page is fully accessible without proof",
    ),
    "informal": (r"\b(?:du|dich|dir|dein|deine|euer|eure)\b", "the formal „Sie“"),
    "capitals": (r"\b(?:NICHT|NUR|ACHTUNG|WICHTIG|HINWEIS|BITTE|NEU)\b", "no capitals"),
    "old ministry": (r"Ministerium für Soziales und Integration", "today's name"),
}

ALLOWED: dict[str, tuple[str, ...]] = {
    # file: the very words that may stand there
    "templates/mails/receipt.txt": ("Ihre Angaben sind vollständig gespeichert",),
    "templates/applications/review.html": ("wird der Antrag vollständig angenommen",),
    "applications/forms/fields.py": ("eine vollständige E-Mail-Adresse",),
}

MARKUP = re.compile(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}|<!--.*?-->|<[^>]+>", re.DOTALL)


@cache
def _sentences_of(path: Path) -> str:
    """What people may read of a file: a template without its markup, the texts of a module."""
    source = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        # Words that stand in attributes and arguments are read as well.
        inside = " ".join(
            re.findall(r'(?:title|alt|aria-label|content|with \w+|=)="([^"]*)"', source)
        )
        return f"{MARKUP.sub(' ', source)} {inside}"
    tree = ast.parse(source)
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    return "\n".join(
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and id(node) not in docstrings
        and re.search(
            r"[A-Za-zÄÖÜäöüß] [A-Za-zÄÖÜäöüß]", node.value
        )  # a text, not a key or pattern
        and "\\" not in node.value
    )


def files() -> Iterator[Path]:
    """Everything of ours that is shown to somebody."""
    yield from (p for p in (ROOT / "templates").rglob("*") if p.suffix in {".html", ".txt"})
    for app in APPS:
        yield from (p for p in (ROOT / app).rglob("*.py") if "migrations" not in p.parts)
    yield from (
        ROOT / "fixtures" / name for name in ("calls.json", "rounds.json", "downloads.json")
    )


def _found(rule: str) -> list[str]:
    pattern, instead = RULES[rule]
    found = []
    for path in sorted(files()):
        name = path.relative_to(ROOT).as_posix()
        text = " ".join(_sentences_of(path).split())
        for allowed in ALLOWED.get(name, ()):
            text = text.replace(allowed, "")
        found += [
            f"{name}: …{text[max(0, m.start() - 40) : m.end() + 20]}… – write {instead}"
            for m in re.finditer(pattern, text)
        ]
    return found


@pytest.mark.parametrize("rule", RULES)
def test_the_portal_speaks_as_the_administration_does(rule: str) -> None:
    found = _found(rule)
    assert found == [], "\n".join(found)


def test_no_exception_outlives_its_place() -> None:
    for name, allowed in ALLOWED.items():
        text = " ".join(_sentences_of(ROOT / name).split())
        assert [words for words in allowed if words not in text] == [], name


STAFF_ONLY = (
    "applications/admin/",
    "applications/forms/desk",
    "applications/models/records.py",  # names of the admin's tables; the data map has its own
    "applications/workflow/",
    "templates/admin/",
)


def test_nachforderung_is_a_word_of_the_desk_alone() -> None:
    """PROGRAMME §10: to applicants and the public it is „Unterlagen nachreichen“."""
    here = [(p, p.relative_to(ROOT).as_posix()) for p in files()]
    read = {name: _sentences_of(path) for path, name in here if not name.startswith(STAFF_ONLY)}
    said = {name: text for name, text in read.items() if "achforder" in text}
    assert said == {}
    from applications.models import LetterKind
    from applications.workflow import Status
    from kiv_portal.services import datamap

    words = [
        *(kept.title for processing in datamap.notice() for kept in processing.kept),
        *(str(label) for label in LetterKind.labels),
        *(status.applicant_label for status in Status),
        *(status.timeline_label for status in Status),
    ]
    assert [word for word in words if "achforder" in word] == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("gender star", "Einwohner*innen"),
        ("gender star", "Bürger:innen"),
        ("gender star", "Antragsteller_innen"),
        ("gender star", "BürgerInnen"),
        ("gender star", "jede/r"),
        ("parliament", "Gemeindeparlament"),
        ("expired", "verfristete Anträge"),
        ("complete", "Der Antrag ist vollständig."),
        ("informal", "Hast du dein Passwort vergessen?"),
        ("capitals", "Bitte NICHT schließen"),
    ],
)
def test_a_rule_finds_what_it_is_for(rule: str, text: str) -> None:
    assert re.search(RULES[rule][0], text)


@pytest.mark.parametrize(
    "text",
    ["Dr. Muster", "12/2026", "und/oder", "unvollständig", "Stadt/Gemeinde", "Du-Bois-Straße"],
)
def test_a_rule_leaves_ordinary_words_alone(text: str) -> None:
    assert [rule for rule, (pattern, _) in RULES.items() if re.search(pattern, text)] == []
