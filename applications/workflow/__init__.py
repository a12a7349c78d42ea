"""Where an application is in its life: states, moves between them, and whose turn it is.

Pure. `TRANSITIONS` (in `table`) is the one table that drives the buttons, the review desk's moves,
the mails, the diagram in the README and the test matrix. After PROGRAMME §6.
"""

from collections.abc import Iterator
from typing import Final

from applications.workflow.states import LIVE, Status
from applications.workflow.table import ACTS, TRANSITIONS, Act, Actor, Transition

__all__ = [
    "ACTS",
    "BY_ACTION",
    "LIVE",
    "TRANSITIONS",
    "Act",
    "Actor",
    "Status",
    "Transition",
    "diagram",
    "moves_from",
    "transition",
    "turn",
]

BY_ACTION: Final = {transition.action: transition for transition in TRANSITIONS}


def transition(action: str) -> Transition:
    """The move of that name. Raises KeyError for a name that is not in the table."""
    return BY_ACTION[action]


def moves_from(status: Status, actor: Actor | None = None) -> Iterator[Transition]:
    """The moves that leave `status`, all or those of one actor, in the table's order."""
    for move in TRANSITIONS:
        if status in move.sources and actor in (None, move.actor):
            yield move


def turn(status: Status) -> Actor | None:
    """Whose turn it is: on whom the next step waits; None where the case has ended."""
    return {
        Status.DRAFT: Actor.APPLICANT,
        Status.SUBMITTED: Actor.REVIEWER,
        Status.FORMAL_CHECK: Actor.REVIEWER,
        Status.INFORMATION_REQUESTED: Actor.APPLICANT,
        Status.SUBSTANTIVE_CHECK: Actor.REVIEWER,
        Status.HEARING: Actor.APPLICANT,
        Status.PROPOSED: Actor.SIGNER,
    }.get(status)


def diagram() -> str:
    """The states and moves as a Mermaid diagram; the README holds exactly this text."""
    lines = ["stateDiagram-v2", "    [*] --> draft"]
    lines += [f'    state "{status.label}" as {status.value}' for status in Status]
    lines += [
        f"    {source.value} --> {move.leads_to(source).value}: {move.label} ({move.actor.label})"
        for move in TRANSITIONS
        for source in move.sources
    ]
    ends = [status for status in Status if turn(status) is None]
    lines += [f"    {status.value} --> [*]" for status in ends]
    return "\n".join(lines) + "\n"
