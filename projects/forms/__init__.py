"""The search in the public directory: what visitors and programs may ask, and what they meant."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from django import forms
from django.db.models import Count
from django_filters import BooleanFilter, CharFilter, ChoiceFilter, FilterSet

from kiv_portal.folding import clean_text, search_terms
from municipalities.models import District
from municipalities.services import places
from projects.forms import facets
from projects.forms.facets import SIZES
from projects.models import FundingRound, ProjectQuerySet

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

    from municipalities.services.places import Gazetteer
    from projects.forms.facets import Facets, Row

MAX_QUERY: Final = 200
"""Characters of a search text that count."""

FEW: Final = 500
"""Projects that hold the words of a search: so many are named to the database by their keys."""

SHOWN_OF_A_WRONG_VALUE: Final = 40

ORDERS: Final = {
    "kommune": "Kommune (A–Z)",
    "runde": "Förderrunde (neueste zuerst)",
    "einwohner": "Einwohnerzahl, eigene Angabe (größte zuerst)",
}
DEFAULT_ORDER: Final = "kommune"

KIND_WORDS: Final = frozenset({"landkreis", "kreis", "lk", "gemeinde", "kommune"})
"""Words people put before a name that the stored key does not hold: „Landkreis Bergstraße"."""


@dataclass(frozen=True)
class ActiveFilter:
    """A filter in force, and the query string of the same search without it."""

    label: str
    query_without: str


class DirectorySearch(FilterSet):
    """The directory's search. It answers any input: what it cannot use is in `notes`.

    `query` is the same search written one way only, without what was ignored: the address
    of the other formats, and the canonical one of the page.
    """

    q = CharFilter(
        label="Kommune, Landkreis oder Stichwort",
        method="_matching",
        widget=forms.TextInput(
            attrs={"type": "search", "maxlength": MAX_QUERY, "autocomplete": "off"}
        ),
    )
    landkreis = ChoiceFilter(
        label="Landkreis/kreisfreie Stadt", empty_label="alle", method="_in_district"
    )
    runde = ChoiceFilter(label="Förderrunde", empty_label="alle", field_name="round__number")
    groesse = ChoiceFilter(
        label="Größe der Kommune",
        empty_label="alle",
        choices=[(key, label) for key, (label, *_) in SIZES.items()],
        method="_of_size",
    )
    amif = BooleanFilter(
        label="nur AMIF-WIR-Projekte",
        method="_amif",
        widget=forms.CheckboxInput(attrs={"value": "1"}),
    )
    verbund = BooleanFilter(
        label="nur Projekte im Verbund",
        method="_joint",
        widget=forms.CheckboxInput(attrs={"value": "1"}),
    )
    sort = ChoiceFilter(
        label="Sortieren nach", empty_label=None, choices=list(ORDERS.items()), method="_ordered"
    )

    def __init__(self, data: Mapping[str, str], queryset: ProjectQuerySet) -> None:
        self.notes: list[str] = []
        self._given = data
        self._districts = {one.ags: one for one in District.objects.all()}
        self._rounds = {str(one.number): one for one in FundingRound.objects.order_by("number")}
        self._terms: list[str] = []
        self.values = {
            "q": self._text(),
            "landkreis": self._choice("landkreis", self._districts, "Die Kreisnummer"),
            "runde": self._choice("runde", self._rounds, "Die Förderrunde"),
            "groesse": self._choice("groesse", SIZES, "Die Größe"),
            "amif": self._tick("amif"),
            "verbund": self._tick("verbund"),
            "sort": self._choice("sort", ORDERS, "Die Sortierung") or DEFAULT_ORDER,
        }
        self._all = queryset
        super().__init__(self.values, queryset.by_municipality())
        self.filters["landkreis"].extra["choices"] = [(key, key) for key in self._districts]
        self.filters["runde"].extra["choices"] = [
            (number, str(one)) for number, one in self._rounds.items()
        ]

    # --- What was meant ---------------------------------------------------------------------------

    def _text(self) -> str:
        text = _plain(self._given.get("q", ""))
        if len(text) > MAX_QUERY:
            text = text[:MAX_QUERY].rstrip()
            self.notes.append(f"Der Suchtext ist länger als {MAX_QUERY} Zeichen.")
        terms = search_terms(text)
        if text and not terms:
            self._ignore(text, "enthält keinen Buchstaben und keine Ziffer")
            return ""
        self._terms = [term for term in terms if term not in KIND_WORDS] or terms
        return text

    def _choice(self, name: str, choices: Container[str], what: str) -> str:
        value = _plain(self._given.get(name, ""))
        if not value or value in choices:
            return value
        self._ignore(value, "gibt es nicht", what)
        return ""

    def _tick(self, name: str) -> str:
        value = _plain(self._given.get(name, ""))
        if value in ("", "1"):
            return value
        self._ignore(f"{name}={value}", f"gibt es nicht, nur „{name}=1“")
        return ""

    def _ignore(self, value: str, why: str, what: str = "Die Angabe") -> None:
        self.notes.append(f"{what} {_quoted(value)} {why}.")

    # --- What it finds ----------------------------------------------------------------------------

    def _matching(self, found: ProjectQuerySet, name: str, value: str) -> ProjectQuerySet:
        return found.matching(self._terms)

    def _in_district(self, found: ProjectQuerySet, name: str, value: str) -> ProjectQuerySet:
        return found.in_districts(value)

    def _of_size(self, found: ProjectQuerySet, name: str, value: str) -> ProjectQuerySet:
        wanted = [
            place.pk
            for place in self.gazetteer.places.values()
            if facets.size_class(place.population) == value
        ]
        return found.of_municipalities(wanted)

    def _amif(self, found: ProjectQuerySet, name: str, value: bool) -> ProjectQuerySet:
        return found.filter(amif=True) if value else found

    def _joint(self, found: ProjectQuerySet, name: str, value: bool) -> ProjectQuerySet:
        return found.joint() if value else found

    def _ordered(self, found: ProjectQuerySet, name: str, value: str) -> ProjectQuerySet:
        if value == "runde":
            return found.newest_round_first()
        if value == "einwohner":
            return found.largest_first()
        return found

    @cached_property
    def gazetteer(self) -> Gazetteer:
        """All municipalities with place and size: read once for a search."""
        return places.gazetteer()

    @cached_property
    def _matching_words(self) -> tuple[list[Row], list[int] | None]:
        """What counts rest on, of all that hold the words; and their keys, where they are few."""
        matching = self._all.matching(self._terms).order_by()
        if self._terms:
            few = list(matching.values_list(*facets.COLUMNS, "pk")[: FEW + 1])
            if len(few) <= FEW:
                return [(*row[:-1], 1) for row in few], [row[-1] for row in few]
        alike = matching.values(*facets.COLUMNS).annotate(number=Count("pk"))
        return list(alike.values_list(*facets.COLUMNS, "number")), None

    @cached_property
    def facets(self) -> Facets:
        """How many projects are found, and how many each further choice would leave."""
        rows, _ = self._matching_words
        return facets.count(
            rows,
            self.values,
            self.gazetteer.places,
            {one.pk: one.number for one in self._rounds.values()},
        )

    @property
    def counted(self) -> ProjectQuerySet:
        """What is found, as `qs`, where it was counted before.

        Looking for words in ten thousand keys takes the longest: that is done once.
        """
        _, keys = self._matching_words
        found: ProjectQuerySet = self.qs
        return found if keys is None else found.filter(pk__in=keys)

    def pages_of_single_projects(self) -> dict[str, str]:
        """By municipality (AGS): the address of its project, where only one was found."""
        single = [
            self.gazetteer.places[ags].pk
            for ags, marked in self.facets.places.items()
            if marked.number == 1
        ]
        rows = self.counted.filter(members__municipality__in=single).order_by()
        return dict(rows.values_list("members__municipality__ags", "slug"))

    def show_counts(self) -> None:
        """Write beside each choice of the form how many projects it would leave.

        A district is offered where it leaves any, and where it is the one chosen.
        """
        fields, counted = self.form.fields, self.facets
        fields["landkreis"].choices = [
            (key, _counted(one.label_in_list, counted.districts[key]))
            for key, one in self._districts.items()
            if counted.districts[key] or key == self.values["landkreis"]
        ]
        fields["runde"].choices = [
            (number, _counted(str(one), counted.rounds[one.number]))
            for number, one in self._rounds.items()
        ]
        fields["groesse"].choices = [
            (key, _counted(label, counted.sizes[key])) for key, (label, *_) in SIZES.items()
        ]
        for name, number in (("amif", counted.amif), ("verbund", counted.joint)):
            fields[name].label = _counted(fields[name].label, number)

    @property
    def rounds(self) -> list[FundingRound]:
        """All rounds, the first one first."""
        return list(self._rounds.values())

    # --- What is in force -------------------------------------------------------------------------

    @property
    def query(self) -> str:
        """The search as a query string, empty where nothing was asked."""
        return self._query_without("")

    def _query_without(self, left_out: str) -> str:
        return urlencode(
            {
                name: value
                for name, value in self.values.items()
                if value and name != left_out and (name, value) != ("sort", DEFAULT_ORDER)
            }
        )

    @property
    def active(self) -> list[ActiveFilter]:
        """The filters in force, in the order of the form; the order of results is none."""
        shown = {
            "q": _quoted(self.values["q"]),
            "landkreis": str(self._districts.get(self.values["landkreis"], "")),
            "runde": str(self._rounds.get(self.values["runde"], "")),
            "groesse": _sized(self.values["groesse"]),
            "amif": "AMIF-WIR-Projekt",
            "verbund": "im Verbund",
        }
        return [
            ActiveFilter(label, self._query_without(name))
            for name, label in shown.items()
            if self.values[name]
        ]


def _counted(label: str, number: int) -> str:
    """„Bergstraße (2)“, the number never on a line of its own."""
    return f"{label}\u00a0({number})"


def _sized(key: str) -> str:
    return f"{SIZES[key][0]} Einwohnerinnen und Einwohner" if key else ""


def _plain(value: str) -> str:
    """What was typed, in one line and without anything invisible, NUL included."""
    return " ".join(clean_text(value).split())


def _quoted(value: str) -> str:
    short = value if len(value) <= SHOWN_OF_A_WRONG_VALUE else f"{value[:SHOWN_OF_A_WRONG_VALUE]}…"
    return f"„{short}“"
