"""The clauses on who may apply: one small function per finding code.

Each says in its name what must hold, takes its threshold from the call's `Limits`, and
returns the `Finding` where it does not hold. Which of them apply to an application, and
in which order, is decided by `assess` in the package itself.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from municipalities.eligibility.values import (
    APPLYING_KINDS,
    HESSE,
    Finding,
    Limits,
    Member,
    PopulationState,
    Severity,
)

EARLIER_ONE: Final = (
    "Möglich ist ein neuer Antrag erst, wenn der frühere zurückgezogen ist. Ist er nicht von "
    "Ihnen, wenden Sie sich bitte an das Regierungspräsidium."
)
ASK: Final = "Bitte fragen Sie beim Regierungspräsidium nach."


def residents(number: int) -> str:
    """A number of residents in words, e.g. „9.929 Einwohnerinnen und Einwohner"."""
    return f"{_grouped(number)} Einwohnerinnen und Einwohner"


def _grouped(number: int) -> str:
    return f"{number:,}".replace(",", ".")


def _day(day: date) -> str:
    return f"{day:%d.%m.%Y}"


def _standing_of_figure(member: Member) -> str:
    """„ (Stand 31.12.2023, Zensus 2011)", or nothing where neither is known."""
    parts = [f"Stand {_day(member.population_as_of)}"] if member.population_as_of else []
    parts += [member.population_basis] if member.population_basis else []
    return f" ({', '.join(parts)})" if parts else ""


# --- Who it is -------------------------------------------------------------------------


def in_register(member: Member, limits: Limits) -> Finding | None:
    """The register knows the key, and it lies in Hesse; else `unknown_municipality`."""
    if member.known and member.ags.startswith(HESSE):
        return None
    return Finding(
        "unknown_municipality",
        Severity.WARNING,
        limits.source_register,
        f"Der Schlüssel {member.ags} gehört zu keiner hessischen Kommune im Gemeindeverzeichnis.",
        "Bitte wählen Sie eine Kommune aus der Liste aus.",
    )


def is_municipality(member: Member, limits: Limits) -> Finding | None:
    """A Stadt or Gemeinde, no gemeindefreies Gebiet or Landkreis; else `not_a_municipality`."""
    if member.kind in APPLYING_KINDS:
        return None
    return Finding(
        "not_a_municipality",
        Severity.WARNING,
        limits.source_applicant,
        f"{member.title} ist keine Stadt oder Gemeinde und kann keinen Antrag stellen.",
        "Bitte wählen Sie eine Stadt oder Gemeinde aus.",
    )


def in_force(member: Member, limits: Limits, on: date) -> Finding | None:
    """The municipality exists on the day `on` (first and last day count); else `not_in_force`."""
    if member.valid_from is not None and on < member.valid_from:
        message = f"{member.title} besteht erst ab dem {_day(member.valid_from)}."
    elif member.valid_to is not None and on > member.valid_to:
        message = f"{member.title} bestand nur bis zum {_day(member.valid_to)}."
    else:
        return None
    if member.successor:
        way_out = f"Bitte wählen Sie stattdessen {member.successor}."
    else:
        way_out = "Bitte wählen Sie die Kommune, zu der das Gebiet heute gehört."
    return Finding("not_in_force", Severity.WARNING, limits.source_register, message, way_out)


def standing(member: Member, limits: Limits, on: date) -> Finding | None:
    """The first reason why this is no municipality that can apply, if there is one."""
    return (
        in_register(member, limits)
        or is_municipality(member, limits)
        or in_force(member, limits, on)
    )


# --- How many live there ---------------------------------------------------------------


def figure_known(member: Member, limits: Limits) -> Finding | None:
    """There is a population figure at all; else `population_unknown`."""
    if member.population_state(limits) is not PopulationState.UNKNOWN:
        return None
    return Finding(
        "population_unknown",
        Severity.NOTICE,
        limits.source_population,
        f"Für {member.title} ist keine Einwohnerzahl eingetragen.",
        ASK,
    )


def figure_current(member: Member, limits: Limits) -> Finding | None:
    """The figure is that of the call's Stichtag and basis; else `population_outdated`."""
    if member.population_state(limits) is not PopulationState.OUTDATED:
        return None
    wanted = [f"zum {_day(limits.population_as_of)}"] if limits.population_as_of else []
    wanted += [f"nach {limits.population_basis}"] if limits.population_basis else []
    return Finding(
        "population_outdated",
        Severity.NOTICE,
        limits.source_population,
        f"Maßgebliche Zahl liegt noch nicht vor: Für {member.title} gilt die Einwohnerzahl "
        f"{' '.join(wanted)}. Eingetragen ist eine andere Zahl{_standing_of_figure(member)}.",
        "Sobald die maßgebliche Zahl eingetragen ist, können Sie die Prüfung wiederholen.",
    )


def large_enough(member: Member, limits: Limits) -> Finding | None:
    """Alone: at least `minimum` residents; else `population_too_small`."""
    if member.population is None or member.population >= limits.minimum:
        return None
    way_out = "Mit einer Nachbarkommune als Verbund möglich." if limits.joint_allowed else ASK
    return Finding(
        "population_too_small",
        Severity.WARNING,
        limits.source_population,
        f"{member.title} hat {residents(member.population)}{_standing_of_figure(member)}. "
        f"Für einen Antrag allein sind mindestens {_grouped(limits.minimum)} erforderlich.",
        way_out,
    )


def small_enough(member: Member, limits: Limits) -> Finding | None:
    """The applicant or lead has at most `maximum` residents; else `population_too_large`."""
    if member.population is None or member.population <= limits.maximum:
        return None
    return Finding(
        "population_too_large",
        Severity.WARNING,
        limits.source_population,
        f"{member.title} hat {residents(member.population)}{_standing_of_figure(member)}. "
        f"Zulässig sind höchstens {_grouped(limits.maximum)}.",
        ASK,
    )


# --- Who applies together --------------------------------------------------------------


def distinct(members: Sequence[Member]) -> list[Member]:
    """The members in the order given, each key once."""
    return list({member.ags: member for member in reversed(members)}.values())[::-1]


def joint_application_allowed(partners: Sequence[Member], limits: Limits) -> Finding | None:
    """Partners only where the call allows a Verbund; else `joint_application_not_allowed`."""
    if not partners or limits.joint_allowed:
        return None
    return Finding(
        "joint_application_not_allowed",
        Severity.WARNING,
        limits.source_joint,
        "Dieser Förderaufruf sieht keinen Antrag im Verbund vor.",
        "Bitte stellen Sie den Antrag ohne Partnerkommune.",
    )


def not_too_many_partners(partners: Sequence[Member], limits: Limits) -> Finding | None:
    """At most `max_partners` partners; else `too_many_partners`."""
    if len(partners) <= limits.max_partners:
        return None
    return Finding(
        "too_many_partners",
        Severity.WARNING,
        limits.source_joint,
        f"Sie haben {len(partners)} Partnerkommunen angegeben. "
        f"Zulässig sind höchstens {limits.max_partners}.",
        "Bitte verringern Sie die Zahl der Partnerkommunen.",
    )


def enough_partners(partners: Sequence[Member], limits: Limits) -> Finding | None:
    """A Verbund has at least `min_partners` partners; else `too_few_partners`."""
    if len(partners) >= limits.min_partners:
        return None
    return Finding(
        "too_few_partners",
        Severity.WARNING,
        limits.source_joint,
        f"Ein Verbund braucht neben der federführenden Kommune mindestens "
        f"{limits.min_partners} Partnerkommunen.",
        "Bitte nehmen Sie eine weitere Partnerkommune auf.",
    )


def partner_differs_from_lead(
    lead: Member, partners: Sequence[Member], limits: Limits
) -> Finding | None:
    """The lead is not its own partner; else `partner_is_lead`."""
    if all(partner.ags != lead.ags for partner in partners):
        return None
    return Finding(
        "partner_is_lead",
        Severity.WARNING,
        limits.source_joint,
        f"{lead.title} ist als federführende Kommune und zugleich als Partnerkommune angegeben.",
        "Bitte wählen Sie eine andere Partnerkommune.",
    )


def partners_named_once(partners: Sequence[Member], limits: Limits) -> Finding | None:
    """Every partner is a different municipality; else `partner_repeated`."""
    keys = [partner.ags for partner in partners]
    repeated = [partner for partner in distinct(partners) if keys.count(partner.ags) > 1]
    if not repeated:
        return None
    names = ", ".join(partner.title for partner in repeated)
    return Finding(
        "partner_repeated",
        Severity.WARNING,
        limits.source_joint,
        f"Mehrfach als Partnerkommune angegeben: {names}.",
        "Bitte geben Sie jede Partnerkommune nur einmal an.",
    )


def partner_small_enough(partner: Member, limits: Limits) -> Finding | None:
    """No partner has more than `maximum` residents; else `partner_too_large`."""
    if partner.population is None or partner.population <= limits.maximum:
        return None
    return Finding(
        "partner_too_large",
        Severity.WARNING,
        limits.source_joint,
        f"Die Partnerkommune {partner.title} hat {residents(partner.population)}"
        f"{_standing_of_figure(partner)}. Zulässig sind höchstens {_grouped(limits.maximum)}.",
        "Bitte wählen Sie eine kleinere Partnerkommune.",
    )


def one_small_member(members: Sequence[Member], limits: Limits) -> Finding | None:
    """One member is below `minimum`, for that is what the Verbund is for; else `no_small_member`.

    Expects members whose figures count. A missing one leaves the question open.
    """
    if any(m.population is None or m.population < limits.minimum for m in members):
        return None
    return Finding(
        "no_small_member",
        Severity.WARNING,
        limits.source_joint,
        f"Im Verbund muss mindestens eine Kommune weniger als "
        f"{residents(limits.minimum)} haben. Das trifft auf keine der angegebenen zu.",
        "Jede dieser Kommunen kann den Antrag allein stellen, "
        "soweit sie nicht über der Höchstzahl liegt.",
    )


def joint_sum_reached(members: Sequence[Member], limits: Limits) -> Finding | None:
    """The members together reach the call's sum, if it sets one; else `joint_population_too_small`.

    Expects members whose figures count. A missing one leaves the question open.
    """
    if limits.joint_minimum_sum is None or any(m.population is None for m in members):
        return None
    total = sum(m.population or 0 for m in members)
    if total >= limits.joint_minimum_sum:
        return None
    return Finding(
        "joint_population_too_small",
        Severity.WARNING,
        limits.source_joint,
        f"Der Verbund hat zusammen {residents(total)}. "
        f"Erforderlich sind mindestens {_grouped(limits.joint_minimum_sum)}.",
        "Bitte nehmen Sie eine größere oder eine weitere Partnerkommune auf."
        if len(members) <= limits.max_partners
        else "Bitte wählen Sie eine größere Partnerkommune.",
    )


# --- What was before -------------------------------------------------------------------


def not_funded_before(member: Member, limits: Limits) -> Finding | None:
    """No grant in an earlier round; else `already_funded`, a notice unless the call excludes it."""
    if not member.funded_rounds:
        return None
    message = f"{member.title} wurde bereits gefördert ({', '.join(member.funded_rounds)})."
    if limits.earlier_funding_excludes:
        return Finding(
            "already_funded",
            Severity.WARNING,
            limits.source_earlier_funding,
            f"{message} Dieser Förderaufruf schließt eine erneute Förderung aus.",
            ASK,
        )
    return Finding(
        "already_funded",
        Severity.NOTICE,
        limits.source_earlier_funding,
        message,
        "Ein neuer Antrag ist dennoch möglich.",
    )


def no_live_application(member: Member, limits: Limits) -> Finding | None:
    """One live application per municipality and call; else `application_exists`.

    Blocking, because the database holds it as a constraint: submitting would fail.
    """
    return application_exists(member.title, limits) if member.has_live_application else None


def application_exists(who: str, limits: Limits, way_out: str = EARLIER_ONE) -> Finding:
    """The finding for a second live application; `who` is a name, or words where none is told."""
    return Finding(
        "application_exists",
        Severity.BLOCKING,
        limits.source_one_application,
        f"{who} ist in diesem Förderaufruf bereits an einem eingereichten Antrag beteiligt.",
        way_out,
    )
