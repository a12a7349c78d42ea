"""What an address of the Förder-Check asks for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from applications.services.eligibility import SHOWN_OF_A_KEY
from kiv_portal.folding import clean_text

if TYPE_CHECKING:
    from django.http import QueryDict

MOST_PARTNERS: Final = 20
"""More partners than this are not looked at; no call allows nearly as many."""
LONGEST_SEARCH: Final = 100

NEED_LEAD: Final = (
    "Bitte nennen Sie die Kommune mit ihrem Gemeindeschlüssel (AGS, acht Ziffern), "
    "zum Beispiel kommune=06431002."
)
ONE_LEAD: Final = (
    "Bitte nennen Sie genau eine Kommune. Weitere Kommunen nennen Sie als Partnerkommune."
)
FEWER_PARTNERS: Final = f"Bitte nennen Sie höchstens {MOST_PARTNERS} Partnerkommunen."
NO_SUCH_CALL: Final = "Diesen Förderaufruf gibt es nicht."
EMPTY_SEARCH: Final = "Bitte geben Sie den Namen oder den Gemeindeschlüssel einer Kommune ein."


@dataclass(frozen=True, slots=True)
class Asked:
    """The wish in an address: `kommune`, `partner` (repeatable), `aufruf`, `suche`.

    Values are those typed, cleaned but not looked up; what cannot be understood stands in
    `errors`, by the parameter's name and in German.
    """

    lead: str
    partners: tuple[str, ...]
    call_id: int | None
    search: str
    errors: dict[str, str]

    def query(self, **changes: Any) -> str:
        """The same wish as a query string, with changes, without the search."""
        lead = changes.get("lead", self.lead)
        partners = changes.get("partners", self.partners)
        call_id = changes.get("call_id", self.call_id)
        pairs = [("kommune", lead)] if lead else []
        pairs += [("partner", partner) for partner in partners]
        pairs += [("aufruf", call_id)] if call_id is not None else []
        return urlencode(pairs)


def read_asked(parameters: QueryDict) -> Asked:
    """Read the parameters of an address. Never fails; the same value twice counts once,
    except for partners, where the rules have something to say about it."""
    errors: dict[str, str] = {}
    leads = list(dict.fromkeys(_given(parameters, "kommune")))
    if len(leads) > 1:
        errors["kommune"] = ONE_LEAD
    partners = _given(parameters, "partner")
    if len(partners) > MOST_PARTNERS:
        errors["partner"] = FEWER_PARTNERS
    calls = list(dict.fromkeys(_given(parameters, "aufruf")))
    call_id = None
    if calls:
        if len(calls) == 1 and re.fullmatch(r"[0-9]{1,9}", calls[0]):
            call_id = int(calls[0])
        else:
            errors["aufruf"] = NO_SUCH_CALL
    search = " ".join(_given(parameters, "suche", LONGEST_SEARCH))[:LONGEST_SEARCH]
    if "suche" in parameters and not search:
        errors["suche"] = EMPTY_SEARCH
    return Asked(
        lead=leads[0] if len(leads) == 1 else "",
        partners=tuple(partners[:MOST_PARTNERS]),
        call_id=call_id,
        search=search,
        errors=errors,
    )


def _given(parameters: QueryDict, name: str, longest: int = SHOWN_OF_A_KEY) -> list[str]:
    """The values of a parameter that say something, cut to a length that can be repeated."""
    values = (" ".join(clean_text(value).split()) for value in parameters.getlist(name))
    return [value[:longest].strip() for value in values if value]
