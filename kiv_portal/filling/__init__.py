"""A page's form, filled once more with what somebody had typed into it before.

Works on the HTML of the page as it is today, so that it holds for every form: fields people see get
what was typed, hidden ones (the form's protection, versions) stay as the page has them. Nothing
else of the page is touched.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import urljoin, urlsplit

from kiv_portal.filling.page import BOXES, Control, Page

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROTECTION: Final = re.compile(
    r"csrfmiddlewaretoken|siegel|next|vorgang|schluessel|.*-(?:TOTAL|M\w+_NUM)_FORMS"
)
"""Hidden inputs that differ from one page to the next and say nothing of what it is about."""
VERSION: Final = re.compile(
    r"(?:.+-)?(?:id|basis|bestaetigung|fassung|fingerprint|letter|proposal|seen|stand|version|"
    r"wortlaut|INITIAL_FORMS)|initial-.+"
)
"""Hidden inputs that say which state of things a form is about; any other says of what it is."""
ROW: Final = re.compile(r"(.+-\d+-)(?!.*-\d+-)")
"""The part of a name that says in which row of a table it stands."""
LEFT_ALONE: Final = frozenset({"button", "file", "image", "password", "reset", "submit"})
WRITTEN: Final = re.compile(r"\S.*[\s,@]|://|\d\d?\.\d\d?\.\d{2,4}$|\d{4}-\d\d-\d\d$", re.DOTALL)
"""A text, a day, an amount: what no form brings along by itself."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What has no field of its own on the page: under which label, and what was typed."""

    label: str
    value: str = ""


@dataclass(slots=True)
class Filled:
    """A form that has been filled, and what is to be told above it."""

    html: str
    at: int
    """Where the form begins: what is told stands before it."""
    count: int = 0
    """How many fields hold something else than the page had."""
    changed: bool = False
    """Whether what the form is about has changed since it was opened."""
    stored: list[Shown] = field(default_factory=list)
    """Where it has changed: what is stored now in the fields that were filled."""
    left: list[Shown] = field(default_factory=list)
    """What no field of the form takes any more."""

    def below(self, told: str) -> str:
        """The page with what is told standing right before the form."""
        return self.html[: self.at] + told + self.html[self.at :]


def written(inputs: Iterable[tuple[str, str]]) -> list[str]:
    """The texts, days and amounts among inputs whose form is gone; keys are not among them."""
    return [
        value
        for name, value in inputs
        if name[:1] != "_" and not by_itself(name) and WRITTEN.search(value.strip())
    ]


def by_itself(name: str) -> bool:
    """Whether it is a hidden input of ours, which nobody typed."""
    return bool(PROTECTION.fullmatch(name) or VERSION.fullmatch(name))


def fill(html: str, *, page: str, address: str, inputs: Sequence[tuple[str, str]]) -> Filled | None:
    """The page with its form filled, or None where it has no form that these inputs are from.

    `page` is the address of the page, `address` the one the form was sent to.
    """
    found = Page(html)
    sent: defaultdict[str, list[str]] = defaultdict(list)
    for name, value in inputs:
        sent[name].append(value)
    number = _form(found, page, address, sent)
    if number is None:
        return None
    controls = [control for control in found.controls if control.form == number]
    return _Filling(found, controls, sent).done(found.forms[number].start)


def _form(page: Page, here: str, address: str, sent: dict[str, list[str]]) -> int | None:
    """The form that was sent: of this address, about the same thing, with the most in common."""
    best, most = None, 0
    for number, place in enumerate(page.forms):
        goal = urlsplit(urljoin(here, place.action)).path
        if place.method != "post" or goal != urlsplit(address).path:
            continue
        controls = [control for control in page.controls if control.form == number]
        hidden = _hidden(controls)
        if any(
            not by_itself(name)
            and not ROW.match(name)
            and any(values)  # an empty one says nothing
            and _differ(values, sent.get(name, []))
            for name, values in hidden.items()
        ):
            continue
        common = len({control.name for control in controls if control.name in sent} - {"next"})
        same = sum(values == sent.get(name) for name, values in hidden.items())
        if common and 1000 * common + same > most:
            best, most = number, 1000 * common + same
    return best


def _differ(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether hidden values differ; an empty one is as good as none."""
    return [value for value in one if value] != [value for value in other if value]


def _hidden(controls: Iterable[Control]) -> dict[str, list[str]]:
    hidden: defaultdict[str, list[str]] = defaultdict(list)
    for control in controls:
        if control.kind == "hidden":
            hidden[control.name].append(control.value)
    return hidden


class _Filling:
    """One form while it is filled: what is to be written where."""

    def __init__(self, page: Page, controls: list[Control], sent: dict[str, list[str]]) -> None:
        self.page, self.controls, self.sent = page, controls, sent
        self.edits: list[tuple[int, int, str]] = []
        self.opened: set[int] = set()
        self.taken: Counter[str] = Counter()
        self.result = Filled("", 0)
        hidden = _hidden(controls)
        differing = {
            name
            for name, values in hidden.items()
            if not PROTECTION.fullmatch(name)
            and _differ(values, sent.get(name, []))
            and (name in sent if ROW.match(name) else any(values))
        }
        self.result.changed = bool(differing)
        self.moved = {row[1] for name in differing if (row := ROW.match(name))}
        """Rows in which another record stands than did."""

    def done(self, start: int) -> Filled:
        """Fill what has a field, and find what has none."""
        for control in self.controls:
            if control.kind == "hidden" or control.kind in LEFT_ALONE or self._has_moved(control):
                continue
            if control.kind == "select":
                self._choose(control)
            elif control.kind in BOXES:
                self._tick(control)
            else:
                self._write(control)
        self._leave()
        for number in self.opened:
            begin, end, attrs = self.page.details[number]
            if "open" not in attrs:
                self.edits.append((begin, end, _tag("details", {**attrs, "open": None})))
        html, result = self.page.html, self.result
        for begin, end, text in sorted(self.edits, reverse=True):
            html = html[:begin] + text + html[end:]
        result.html, result.at = (
            html,
            start
            + sum(len(text) - (end - begin) for begin, end, text in self.edits if begin < start),
        )
        return result

    def _has_moved(self, control: Control) -> bool:
        row = ROW.match(control.name)
        return row is not None and row[1] in self.moved

    def _write(self, control: Control) -> None:
        values = self.sent.get(control.name, [])
        number = self.taken[control.name]
        if number >= len(values):
            return
        self.taken[control.name] += 1
        value = values[number]
        if value == self.page.stored(control):
            return
        self._note(control)
        if control.kind == "textarea":
            self.edits.append((*control.text, "\n" + escape(value)))
        else:
            attrs = {**control.attrs, "value": value}
            self.edits.append((control.start, control.end, _tag("input", attrs)))

    def _tick(self, control: Control) -> None:
        values = self.sent.get(control.name, [])
        if control.kind == "radio" and not values:
            return
        ticked = control.value in values
        if self.result.changed and "required" in control.attrs and control.kind == "checkbox":
            return  # a confirmation of what was there before
        if ticked != ("checked" in control.attrs):
            self._note(control, is_box=True)
            attrs = {name: value for name, value in control.attrs.items() if name != "checked"}
            attrs |= {"checked": None} if ticked else {}
            self.edits.append((control.start, control.end, _tag("input", attrs)))

    def _choose(self, control: Control) -> None:
        values = self.sent.get(control.name, [])
        offered = {option.value for option in control.options}
        if not values and "multiple" not in control.attrs:
            return
        if any(value not in offered for value in values):
            self.result.left.append(Shown(self.page.label(control)))
            return
        wrong = [o for o in control.options if (o.value in values) != ("selected" in o.attrs)]
        first = control.options[0].value if control.options else ""
        if not any("selected" in o.attrs for o in control.options) and values == [first]:
            return  # what a list shows by itself
        if wrong:
            self._note(control)
        for option in wrong:
            attrs = {name: value for name, value in option.attrs.items() if name != "selected"}
            attrs |= {"selected": None} if option.value in values else {}
            self.edits.append((option.start, option.end, _tag("option", attrs)))

    def _note(self, control: Control, *, is_box: bool = False) -> None:
        """One more field that holds something else now."""
        self.result.count += 1
        self.opened |= set(control.details)
        if self.result.changed and not is_box:
            self.result.stored.append(
                Shown(self.page.label(control), self.page.stored(control) or "leer")
            )

    def _leave(self) -> None:
        """What was sent for fields that the form does not have, or not in that row."""
        here = {
            control.name
            for control in self.controls
            if control.kind not in BOXES or control.value in self.sent.get(control.name, [])
        }
        # A row more than the page has looks like those it has; so its label is known.
        alike = {re.sub(r"\d+", "#", control.name): control for control in self.page.controls}
        for name, values in self.sent.items():
            row = ROW.match(name)
            if name in here and not (row and row[1] in self.moved):
                continue
            control = alike.get(re.sub(r"\d+", "#", name))
            kind = control.kind if control else ""
            if kind == "hidden" or kind in LEFT_ALONE:
                continue
            label = re.sub(r"\s+\d+$", "", self.page.label(control)) if control else ""
            texts = written((name, value) for value in values) if control is None else values
            if control and (kind == "select" or kind in BOXES):
                texts = [
                    next((o.label for o in control.options if o.value == value), "")
                    for value in values
                ]
            self.result.left += [
                Shown(label or "Weitere Angabe", text)
                for text in texts
                if text.strip() or kind in ("select", *BOXES)
            ]


def _tag(tag: str, attrs: dict[str, str | None]) -> str:
    written_out = (
        f" {name}" if value is None else f' {name}="{escape(value)}"'
        for name, value in attrs.items()
    )
    return f"<{tag}{''.join(written_out)}>"
