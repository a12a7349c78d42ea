"""Inputs and selects drawn without a template.

A step with many rows holds hundreds of inputs and choices, and Django renders two templates for
each of them: that was half of what such a page costs. Here the same HTML is put together
directly; a test compares it with Django's. Whatever else there is, Django's templates draw.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from django.forms.renderers import TemplatesSetting
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

if TYPE_CHECKING:
    from django.http import HttpRequest

PLACE: Final = "django/forms/widgets/"
INPUTS: Final = frozenset(
    f"{PLACE}{name}.html"
    for name in ("checkbox", "date", "email", "file", "hidden", "number", "tel", "text", "url")
)
OPTIONS: Final = frozenset({f"{PLACE}checkbox_option.html", f"{PLACE}radio_option.html"})
SELECT: Final = f"{PLACE}select.html"
SELECT_OPTION: Final = f"{PLACE}select_option.html"
TEXTAREA: Final = f"{PLACE}textarea.html"


class Renderer(TemplatesSetting):
    """Django's renderer with a short way for what a page has very many of."""

    def render(
        self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None
    ) -> str:
        """The HTML of a widget, a field or a form."""
        drawn = _drawn(template_name, context.get("widget"))
        return drawn if drawn is not None else super().render(template_name, context, request)


def _drawn(template_name: str, widget: Mapping[str, Any] | None) -> SafeString | None:
    """The widget's HTML, or None where a template draws it. Every value is escaped."""
    if widget is None:
        return None
    html = None
    if template_name in INPUTS or (template_name in OPTIONS and not widget.get("wrap_label")):
        value = "" if widget["value"] is None else f' value="{_text(widget["value"])}"'
        html = f'<input type="{_text(widget["type"])}" {_name(widget)}{value}{_attrs(widget)}>'
    elif template_name == TEXTAREA:
        text = _text(widget["value"]) if widget["value"] else ""
        html = f"<textarea {_name(widget)}{_attrs(widget)}>\n{text}</textarea>"
    elif template_name == SELECT:
        choices = [
            (group, option) for group, options, _ in widget["optgroups"] for option in options
        ]
        if all(not group and option["template_name"] == SELECT_OPTION for group, option in choices):
            lines = "".join(f"\n  {_option(option)}\n" for _, option in choices)
            html = f"<select {_name(widget)}{_attrs(widget)}>{lines}\n</select>"
    return None if html is None else SafeString(html)  # nosec B703 (escaped above)


def _option(option: Mapping[str, Any]) -> str:
    value, label = _text(option["value"]), _text(option["label"])
    return f'<option value="{value}"{_attrs(option)}>{label}</option>'


def _name(widget: Mapping[str, Any]) -> str:
    return f'name="{_text(widget["name"])}"'


def _attrs(widget: Mapping[str, Any]) -> str:
    """The attributes as Django writes them: True without a value, False not at all."""
    return "".join(
        f" {_text(name)}" if value is True else f' {_text(name)}="{_text(value)}"'
        for name, value in widget["attrs"].items()
        if value is not False
    )


def _text(value: Any) -> str:
    return conditional_escape(value if isinstance(value, str) else str(value))
