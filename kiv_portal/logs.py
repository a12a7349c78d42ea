"""Logs as JSON lines: a request id in each, no content of forms, no token of an address.

Whoever operates the portal sees when, what kind, where in the code and for which request; what
somebody wrote or searched for, and who, stands in the database, where the rights hold.
"""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Any, Final

import structlog

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from django.http import HttpRequest


def route_of(request: HttpRequest) -> str:
    """The address as the URLconf writes it: without keys, tokens, searches."""
    match = getattr(request, "resolver_match", None)
    return f"/{match.route}" if match else "(unbekannt)"


def hide_content(
    logger: Any, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Say of a failed request only its route, and of an exception only kind and places.

    Django's own line holds the whole address, an exception's text may hold what somebody typed
    or a row of the database.
    """
    record: logging.LogRecord | None = event.get("_record")
    request: Any = getattr(record, "request", None)
    if hasattr(request, "method"):
        status = getattr(record, "status_code", "")
        event["event"] = "request_refused"
        event["method"], event["status"] = request.method, status
        event["route"] = route_of(request)
    raised = event.pop("exc_info", None) or (record.exc_info if record else None)
    if raised is True:  # „the one that is being handled now"
        raised = sys.exc_info()
    error = raised[1] if isinstance(raised, tuple) else raised
    if isinstance(error, BaseException):
        event["exception"] = _places(error)
    return event


def _places(error: BaseException) -> list[dict[str, Any]]:
    """The chain of exceptions, each with its kind and where it was raised."""
    chain: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and len(chain) < 5:
        frames = traceback.extract_tb(current.__traceback__)
        chain.append(
            {
                "type": type(current).__name__,
                "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-15:]],
            }
        )
        current = current.__cause__ or current.__context__
    return chain


SHARED: Final[list[structlog.types.Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
"""What every line gets, whoever writes it."""


def configure() -> None:
    """Let structlog write through the standard library, so that there is one stream."""
    structlog.configure(
        processors=[
            *SHARED,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def json_formatter() -> structlog.stdlib.ProcessorFormatter:
    """The formatter of production: one JSON object a line."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            hide_content,
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False, sort_keys=True),
        ],
    )


def plain_formatter() -> structlog.stdlib.ProcessorFormatter:
    """The formatter of a terminal: the same lines, for people."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.dev.ConsoleRenderer(colors=False),
        ],
    )
