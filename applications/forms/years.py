"""What becomes of rows in Haushaltsjahre that the changed period no longer touches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from django import forms

from applications.forms.conflict import in_words
from applications.forms.fields import ChoiceField, with_blank

if TYPE_CHECKING:
    from django.http import QueryDict

KEEP: Final = "bleibt"
REMOVE: Final = "weg"
CHOOSE: Final = (
    "Bitte wählen Sie, was mit den Zeilen dieses Haushaltsjahres geschehen soll, oder treffen "
    "Sie für jede Zeile eine eigene Wahl."
)
PART_NAMES: Final = {"expenses": "Ausgabe", "cover": "Deckung"}


class YearsForm(forms.Form):
    """For each Haushaltsjahr outside the period one choice, and one for a row that differs."""

    use_required_attribute = False

    def __init__(
        self,
        data: QueryDict | None = None,
        *,
        values: Mapping[str, Any],
        due: Sequence[int],
        names: Mapping[str, str],
    ) -> None:
        super().__init__(data)
        self.by_year: dict[int, dict[str, str]] = {}
        ways = [
            *((str(year), f"In das Haushaltsjahr {year} verschieben") for year in due),
            (KEEP, "Vorerst stehen lassen"),
            (REMOVE, "Entfernen"),
        ]
        for part, title in PART_NAMES.items():
            for row in values[part]:
                if row["year"] not in due:
                    words = in_words(f"{part}:{row['id']}", row, names)
                    text = f"{title}: {words.partition(' · ')[2]}"
                    self.by_year.setdefault(row["year"], {})[row["id"]] = text
        self.by_year = dict(sorted(self.by_year.items()))
        for year, rows in self.by_year.items():
            self.fields[f"jahr-{year}"] = ChoiceField(
                label=f"Alle Zeilen des Haushaltsjahres {year}", choices=with_blank(ways)
            )
            for row_id, text in rows.items():
                self.fields[f"zeile-{row_id}"] = ChoiceField(
                    label=text, choices=with_blank(ways, "wie für das ganze Jahr")
                )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for year, rows in self.by_year.items():
            name = f"jahr-{year}"
            open_rows = [row for row in rows if not cleaned.get(f"zeile-{row}")]
            if open_rows and not cleaned.get(name) and name not in self.errors:
                self.add_error(name, CHOOSE)
        return cleaned

    def sections(self) -> list[dict[str, Any]]:
        """The years with their fields, in order."""
        return [
            {
                "year": str(year),
                "whole": self[f"jahr-{year}"],
                "rows": [self[f"zeile-{row}"] for row in rows] if len(rows) > 1 else [],
                "only": "" if len(rows) > 1 else next(iter(rows.values())),
            }
            for year, rows in self.by_year.items()
        ]

    def choices(self) -> dict[str, int | None]:
        """Rows that move or go, as `services.move_rows` takes them; after `is_valid`."""
        chosen = {
            row: self.cleaned_data[f"zeile-{row}"] or self.cleaned_data[f"jahr-{year}"]
            for year, rows in self.by_year.items()
            for row in rows
        }
        return {
            row: None if way == REMOVE else int(way) for row, way in chosen.items() if way != KEEP
        }
