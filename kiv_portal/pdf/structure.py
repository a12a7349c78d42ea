"""The structure tree of our own PDFs: what screen readers follow.

`mend` repairs what WeasyPrint 70 leaves open, `problems` says what keeps a file from being
read aloud in order. Both know the files WeasyPrint writes, not every PDF there is.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import pikepdf
from pikepdf import Array, Dictionary, Name, Operator, Pdf

Element = Any  # pikepdf's objects are dynamic


def kind(element: Element) -> str:
    """„Table" for a table; empty for what is no structure element."""
    return str(element[Name.S])[1:] if isinstance(element, Dictionary) and Name.S in element else ""


class _Found(NamedTuple):
    element: Element
    kind: str
    page: Element | None
    """The page it starts on."""


def _elements(node: Element) -> list[_Found]:
    """The structure elements below `node` in reading order."""
    # A loop: an element of a deep tree would pass through as many generators as it lies deep.
    found: list[_Found] = []
    ahead = [(kid, None) for kid in reversed(_kids(node))]
    while ahead:
        element, page = ahead.pop()
        if what := kind(element):
            page = element.get(Name.Pg, page)
            found.append(_Found(element, what, page))
            ahead += [(kid, page) for kid in reversed(_kids(element))]
    return found


def _kids(node: Element) -> Sequence[Any]:
    kids = node.get(Name.K)
    return list(kids) if isinstance(kids, Array) else [kids]


def _contents(pdf: Pdf, elements: Iterable[_Found]) -> dict[tuple[int, int], set[int]]:
    """For each page the marked contents that the structure tree holds."""
    found: dict[tuple[int, int], set[int]] = {page.objgen: set() for page in pdf.pages}
    for element, _, page in elements:
        numbers = [kid for kid in _kids(element) if isinstance(kid, int)]
        if page is not None and numbers:
            found[page.objgen].update(numbers)
    return found


def mend(pdf: Pdf) -> None:
    """What WeasyPrint 70 leaves open: page margins as artifacts, the scope of header cells."""
    tree = pdf.Root.StructTreeRoot
    held = _contents(pdf, _elements(tree))
    nums = tree.ParentTree.Nums
    parents = {int(nums[i]): nums[i + 1] for i in range(0, len(nums), 2)}
    for page in pdf.pages:
        known, owners = held[page.objgen], parents[int(page.StructParents)]
        instructions = pikepdf.parse_content_stream(page)
        mended: list[Any] = []
        for instruction in instructions:
            if str(instruction.operator) == "BDC":
                number = _mcid(instruction.operands)
                if number is not None and number not in known:
                    owners[number] = None
                    artifact = [Name.Artifact, Dictionary(Type=Name.Pagination)]
                    instruction = pikepdf.ContentStreamInstruction(artifact, Operator("BDC"))
            mended.append(instruction)
        page.Contents = pdf.make_stream(pikepdf.unparse_content_stream(mended))
        for unused in (Name.Pattern, Name.Shading):  # empty, and the validator knows neither
            if not len(page.Resources.get(unused, [None])):
                del page.Resources[unused]
    _scope_header_cells(tree, in_head=False)
    _prune(tree)


def _scope_header_cells(node: Element, *, in_head: bool) -> None:
    # WeasyPrint's cell ids repeat on every page of a table and lack their index: Scope instead.
    for kid in node.get(Name.K, []):
        what = kind(kid)
        if not what:
            continue
        if what in ("TH", "TD"):
            attributes = kid.get(Name.A, Dictionary(O=Name.Table))
            if Name.Headers in attributes:
                del attributes[Name.Headers]
            if Name.ID in kid:
                del kid[Name.ID]
            if what == "TH":
                attributes.Scope = Name.Column if in_head else Name.Row
            if len(attributes) > 1:
                kid.A = attributes
            elif Name.A in kid:
                del kid[Name.A]
        _scope_header_cells(kid, in_head=in_head or what == "THead")


def _prune(node: Element) -> bool:
    """Take away elements that hold nothing (fold marks, empty boxes); False if so is `node`."""
    kids = node.get(Name.K)
    if isinstance(kids, Array):
        kept = [k for k in kids if not kind(k) or _prune(k)]
        if len(kept) != len(kids):
            node.K = Array(kept)
    return bool(len(node.get(Name.K, []))) or kind(node) in ("TD", "TH", "TR")


def _mcid(operands: Sequence[Any]) -> int | None:
    properties = operands[1] if len(operands) > 1 else None
    if isinstance(properties, Dictionary) and Name.MCID in properties:
        return int(properties.MCID)
    return None


# Whatever leaves a trace on the page: text, images, lines, areas, shadings.
_PAINTS: Final = {
    "Tj",
    "TJ",
    "'",
    '"',
    "Do",
    "sh",
    "f",
    "F",
    "f*",
    "B",
    "B*",
    "b",
    "b*",
    "S",
    "s",
} | {"INLINE IMAGE"}


def problems(pdf: Pdf) -> list[str]:
    """German sentences, none if all is well; what PDF/UA asks beyond them needs a human."""
    root = pdf.Root
    if Name.StructTreeRoot not in root or not root.get(Name.MarkInfo, {}).get(Name.Marked):
        return ["Das Dokument hat keine Strukturmarkierungen."]
    found = []
    if not str(root.get(Name.Lang, "")).startswith("de"):
        found.append("Die Sprache Deutsch ist nicht angegeben.")
    if not str(pdf.docinfo.get(Name.Title, "")):
        found.append("Der Titel fehlt.")
    if not root.get(Name.ViewerPreferences, {}).get(Name.DisplayDocTitle):
        found.append("Der Titel wird nicht im Fenster angezeigt (DisplayDocTitle).")
    if not root.get(Name.Outlines, {}).get(Name.First):
        found.append("Lesezeichen fehlen.")
    elements = _elements(root.StructTreeRoot)
    found += _heading_problems([e.kind for e in elements])
    for table in (e.element for e in elements if e.kind == "Table"):
        found += _table_problems(table)
    for figure in (e.element for e in elements if e.kind == "Figure"):
        if not str(figure.get(Name.Alt, "")):
            found.append("Eine Abbildung hat keinen Alternativtext.")
    return found + _content_problems(pdf, _contents(pdf, elements))


def _heading_problems(kinds: Sequence[str]) -> list[str]:
    levels = [int(kind[1]) for kind in kinds if re.fullmatch("H[1-6]", kind)]
    if not levels:
        return ["Es gibt keine Überschrift."]
    found = [] if levels[0] == 1 else ["Die erste Überschrift ist nicht die oberste Ebene."]
    for before, level in pairwise(levels):
        if level > before + 1:
            found.append(f"Auf eine Überschrift der Ebene {before} folgt Ebene {level}.")
    return found


def _table_problems(table: Element) -> list[str]:
    rows: list[list[Element]] = []
    headers: list[Element] = []
    for row in _elements(table):
        if row.kind == "TR":
            cells = [(kind(kid), kid) for kid in _kids(row.element)]
            rows.append([cell for what, cell in cells if what in ("TH", "TD")])
            headers += [cell for what, cell in cells if what == "TH"]
    found = [] if headers else ["Eine Tabelle hat keine Kopfzellen (TH)."]
    if any(Name.Scope not in cell.get(Name.A, {}) for cell in headers):
        found.append("Einer Kopfzelle (TH) fehlt der Geltungsbereich (Scope).")
    widths = {sum(int(c.get(Name.A, {}).get(Name.ColSpan, 1)) for c in row) for row in rows}
    if len(widths) > 1:
        found.append("Die Zeilen einer Tabelle sind verschieden lang.")
    return found


def _content_problems(pdf: Pdf, held: Mapping[tuple[int, int], set[int]]) -> list[str]:
    """Everything painted belongs to the structure tree or is an artifact, and never both."""
    found = []
    for number, page in enumerate(pdf.pages, start=1):
        open_marks: list[str] = []
        seen: set[int] = set()
        footer = False
        faults: set[str] = set()
        for instruction in pikepdf.parse_content_stream(page):
            operator, operands = str(instruction.operator), instruction.operands
            if operator in ("BDC", "BMC"):
                mcid = _mcid(operands)
                artifact = operands[0] == Name.Artifact
                if "content" in open_marks and artifact:
                    faults.add("ein Artefakt steht in markiertem Inhalt")
                if mcid is not None:
                    if mcid not in held[page.objgen]:
                        faults.add("markierter Inhalt gehört nicht zum Strukturbaum")
                    seen.add(mcid)
                if artifact and len(operands) > 1 and operands[1].get(Name.Type) == Name.Pagination:
                    footer = True
                open_marks.append("artifact" if artifact else "content" if mcid is not None else "")
            elif operator == "EMC":
                open_marks.pop()
            elif operator in _PAINTS and not {"content", "artifact"} & set(open_marks):
                faults.add("Inhalt ist weder markiert noch Artefakt")
        if held[page.objgen] - seen:
            faults.add("der Strukturbaum nennt Inhalt, den es nicht gibt")
        if not footer:
            faults.add("die Fußzeile ist kein Artefakt")
        found += [f"Seite {number}: {fault}." for fault in sorted(faults)]
    return found
