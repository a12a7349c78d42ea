"""The few tags that let templates speak KERN: form controls and two blocks with content."""

import json
from decimal import Decimal
from typing import Any, Final

from django import forms, template
from django.forms.boundfield import BoundField, BoundWidget
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from kiv_portal.euro import format_euro

register = template.Library()

BROWSERS: Final = {
    "Edg": "Edge",
    "OPR/": "Opera",
    "SamsungBrowser/": "Samsung Internet",
    "Firefox/": "Firefox",
    "FxiOS/": "Firefox",
    "CriOS/": "Chrome",
    "Chrome/": "Chrome",
    "Safari/": "Safari",
}
"""Signs of browsers; several claim to be others as well, so the order decides."""

SYSTEMS: Final = {
    "Windows": "Windows",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Android": "Android",
    "Mac OS X": "Mac",
    "CrOS": "Chromebook",
    "Linux": "Linux",
}

TONES = ("info", "success", "warning", "danger")


def _kind(widget: forms.Widget) -> str:
    """Which template part draws this widget."""
    for kind, classes in (
        ("hidden", forms.HiddenInput),
        ("checkboxes", forms.CheckboxSelectMultiple),
        ("radios", forms.RadioSelect),
        ("checkbox", forms.CheckboxInput),
        ("parts", forms.MultiWidget),
        ("parts", forms.SelectDateWidget),
        ("file", forms.FileInput),
        ("list", forms.SelectMultiple),
        ("select", forms.Select),
        ("textarea", forms.Textarea),
    ):
        if isinstance(widget, classes):
            return kind
    return "hidden" if widget.is_hidden else "text"


@register.filter
def kind(field: BoundField) -> str:
    """What sort of control a form field is: text, textarea, select, list, radios, …"""
    return _kind(field.field.widget)


@register.filter
def browser_name(user_agent: str) -> str:
    """What a browser calls itself, in words people know: „Firefox auf Windows“."""
    named = [
        next((name for sign, name in signs.items() if sign in user_agent), "")
        for signs in (BROWSERS, SYSTEMS)
    ]
    return " auf ".join(name for name in named if name) or "Unbekannter Browser"


@register.filter
def control(field: BoundField) -> SafeString:
    """The field's widget with KERN's classes; ids and aria attributes are Django's."""
    widget = field.field.widget
    widget.attrs.pop("placeholder", None)  # vanishes while typing, and the label says it already
    base = {
        "select": "kern-form-input__select",
        "checkbox": "kern-form-check__checkbox",
    }.get(_kind(widget), "kern-form-input__input")
    names = [base, widget.attrs.get("class", "")]
    if field.errors:
        names.append(f"{base}--error")
    for number, part in enumerate(getattr(widget, "widgets", ()), start=1):
        part.attrs.setdefault("aria-label", f"{field.label}, Teil {number}")
    if isinstance(widget, forms.ClearableFileInput):
        # The file that is there, and the box to remove it, are drawn by the template.
        plain = forms.FileInput(attrs=widget.attrs)
        plain.allow_multiple_selected = widget.allow_multiple_selected
        if field.initial:
            plain.is_required = False
        return field.as_widget(plain, attrs={"class": " ".join(filter(None, names))})
    return field.as_widget(attrs={"class": " ".join(filter(None, names))})


@register.filter
def choice(option: BoundWidget, field: BoundField) -> SafeString:
    """One radio button or checkbox of a group."""
    box = "checkbox" if _kind(field.field.widget) == "checkboxes" else "radio"
    base = f"kern-form-check__{box}"
    attrs = option.data["attrs"]
    names = [base, attrs.get("class", ""), f"{base}--error" if field.errors else ""]
    option.data["attrs"] = {**attrs, "class": " ".join(filter(None, names))}
    return option.tag()


@register.filter
def suffix(field: BoundField) -> str:
    """What stands behind the input, such as „€": the widget's attribute `suffix`."""
    return getattr(field.field.widget, "suffix", "")


@register.filter
def euro(amount: Decimal) -> str:
    """An amount in euro as people read it: „1.234,50 €"."""
    return format_euro(amount)


@register.filter
def stored_file(field: BoundField) -> Any:
    """The file a file field already holds, if any."""
    widget = field.field.widget
    if isinstance(widget, forms.ClearableFileInput) and widget.is_initial(field.initial):
        return field.initial
    return None


@register.filter
def clear_name(field: BoundField) -> str:
    """Name of the box that removes a stored file; empty where it must not be removed."""
    widget = field.field.widget
    return "" if field.field.required else widget.clear_checkbox_name(field.html_name)


@register.filter
def target(field: BoundField) -> str:
    """The id an error summary links to: the control itself, or a group's first choice."""
    if _kind(field.field.widget) in ("radios", "checkboxes"):
        for option in field:
            return str(option.id_for_label)
    return field.id_for_label or field.auto_id


# Inside a script element only „</script" and „<!--" end or change it; „&" for good measure.
_HARMLESS: Final = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026"}


@register.simple_tag
def json_ld(data: dict[str, Any]) -> SafeString:
    """Structured data for search engines. It is data, no script: the browser runs nothing."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_HARMLESS)
    return SafeString(f'<script type="application/ld+json">{text}</script>')  # nosec B703


@register.simple_block_tag(end_name="endscroll")
def scroll(content: SafeString, label: str) -> str:
    """A box for a wide table: scrolls by itself, also with the keyboard, and has a name."""
    return render_to_string("components/scroll.html", {"content": content, "label": label})


@register.simple_block_tag(end_name="endnotice")
def notice(
    content: SafeString, tone: str = "info", title: str = "", level: int = 2, live: bool = False
) -> str:
    """A KERN alert: tone info, success, warning or danger; `live` announces it at once."""
    if tone not in TONES:
        raise template.TemplateSyntaxError(f"notice: unknown tone {tone!r}")
    # What the template engine rendered stays what it is: stripping makes nothing unsafe safe.
    content = SafeString(content.strip())  # nosec B703
    context = {"content": content, "tone": tone, "title": title, "level": level, "live": live}
    return render_to_string("components/notice.html", context)
