"""What of a page is needed to fill its forms, read from its HTML."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser
from typing import Final

BOXES: Final = frozenset({"checkbox", "radio"})
OPTIONAL: Final = "(freiwillig)"


@dataclass(slots=True)
class Control:
    """An input, a text area or a list of choices, and where it stands in the page."""

    kind: str
    name: str
    attrs: dict[str, str | None]
    start: int
    end: int
    form: int | None
    legend: str
    details: tuple[int, ...]
    value: str = ""
    text: tuple[int, int] = (0, 0)
    options: list[Option] = field(default_factory=list)


@dataclass(slots=True)
class Option:
    """One choice of a list."""

    value: str
    attrs: dict[str, str | None]
    start: int
    end: int
    label: str = ""


@dataclass(slots=True)
class Place:
    """A form of the page: where it begins, and to which address it sends."""

    start: int
    key: str
    method: str
    action: str


class Page(HTMLParser):
    """What of a page is needed to fill a form: forms, their controls, labels."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.lines = [0]
        for line in html.split("\n"):
            self.lines.append(self.lines[-1] + len(line) + 1)
        self.forms: list[Place] = []
        self.controls: list[Control] = []
        self.labels: dict[str, str] = {}
        self.details: list[tuple[int, int, dict[str, str | None]]] = []
        self._form: int | None = None
        self._legends: list[str] = []
        self._details: list[int] = []
        self._reading: list[tuple[str, str]] = []
        self._words: list[str] = []
        self.feed(html)
        self.close()

    def _here(self) -> int:
        line, column = self.getpos()
        return self.lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        start = self._here()
        end = start + len(self.get_starttag_text() or "")
        if tag == "form":
            method = (found.get("method") or "get").lower()
            self.forms.append(
                Place(start, found.get("id") or "", method, found.get("action") or "")
            )
            self._form = len(self.forms) - 1
        elif tag == "fieldset":
            self._legends.append("")
        elif tag == "details":
            self._details.append(len(self.details))
            self.details.append((start, end, found))
        elif tag in ("label", "legend"):
            self._reading.append((tag, found.get("for") or ""))
            self._words = []
        elif tag in ("input", "textarea", "select"):
            self._control(tag, found, start, end)
        elif tag == "option" and self.controls and self.controls[-1].kind == "select":
            self.controls[-1].options.append(Option(found.get("value") or "", found, start, end))
            self._words = []

    def _control(self, tag: str, attrs: dict[str, str | None], start: int, end: int) -> None:
        kind = (attrs.get("type") or "text").lower() if tag == "input" else tag
        form = self._form
        if attrs.get("form"):
            keys = [place.key for place in self.forms]
            form = keys.index(attrs["form"]) if attrs["form"] in keys else None
        legend = next((words for words in reversed(self._legends) if words), "")
        control = Control(
            kind,
            attrs.get("name") or "",
            attrs,
            start,
            end,
            form,
            legend,
            tuple(self._details),
            attrs.get("value") or ("on" if kind in BOXES else ""),
        )
        if tag == "textarea":
            control.text = (end, end)
        if control.name and "disabled" not in attrs:
            self.controls.append(control)

    def handle_data(self, data: str) -> None:
        self._words.append(data)

    def handle_endtag(self, tag: str) -> None:
        last = self.controls[-1] if self.controls else None
        if tag == "form":
            self._form = None
        elif tag == "fieldset" and self._legends:
            self._legends.pop()
        elif tag == "details" and self._details:
            self._details.pop()
        elif tag in ("label", "legend") and self._reading:
            kind, key = self._reading.pop()
            words = _words("".join(self._words))
            if kind == "label" and key:
                self.labels[key] = words
            elif kind == "legend" and self._legends:
                self._legends[-1] = words
        elif tag == "option" and last and last.options:
            last.options[-1].label = _words("".join(self._words))
        elif tag == "textarea" and last and last.kind == "textarea":
            last.text = (last.text[0], self._here())

    def label(self, control: Control) -> str:
        """What people read beside it."""
        own = self.labels.get(control.attrs.get("id") or "") or control.attrs.get("aria-label")
        if control.kind == "radio" or (control.kind == "checkbox" and not own):
            return control.legend or own or ""
        return own or control.legend

    def stored(self, control: Control) -> str:
        """What the page has in it, as people read it."""
        if control.kind == "select":
            return ", ".join(o.label for o in control.options if "selected" in o.attrs)
        if control.kind == "textarea":
            return unescape(self.html[slice(*control.text)]).removeprefix("\n")
        if control.kind in BOXES:
            return control.value if "checked" in control.attrs else ""
        return control.value


def _words(text: str) -> str:
    return " ".join(text.replace(OPTIONAL, "").split()).rstrip(":")
