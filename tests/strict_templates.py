"""An unknown variable in one of our own templates fails the test that renders it.

Django shows nothing where a variable is unknown; a typing error then looks like an empty
field. `UnknownVariable` stands in for that empty string (the setting `string_if_invalid`)
and looks, whenever Django reaches for it, at the template whose tag is being rendered.

* Our own template: the test fails with name and line.
* Django's or a package's template, or our copy of one (see `COPIES`): the empty string, as in
  production, filters included. Their templates count on it.
* `{% if x %}` and `{% firstof x %}` never come here: they are how a template says that
  something may be missing. `|default` does not say it, for Django has already given up then.
* `{% for x in y %}` is as strict as `{{ y }}`, which Django's own is not.
"""

import sys
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.template.base import FilterExpression, Node
from django.template.defaulttags import ForNode
from django.template.utils import get_app_template_dirs

OWN = Path(__file__).resolve().parent.parent / "templates"
COPIES = ("admin/", "django/", "import_export/", "simple_history/")
"""Below these, a template of ours with the name of a package's template is a copy of it."""


@cache
def is_strict(origin: str) -> bool:
    """Whether the template in this file is our own rather than a copy."""
    path = Path(origin)
    if not path.is_relative_to(OWN):
        return False
    name = path.relative_to(OWN).as_posix()
    return not (
        name.startswith(COPIES)
        and any((Path(folder) / name).exists() for folder in get_app_template_dirs("templates"))
    )


class UnknownVariable(str):
    """The empty string, which asks where it is needed before it says that it is empty."""

    __slots__ = ()

    def __new__(cls) -> "UnknownVariable":
        return super().__new__(cls, "")

    def __bool__(self) -> bool:
        # Django's only question to the setting is `if string_if_invalid:` in this function.
        frame = sys._getframe(1)
        if frame.f_code is FilterExpression.resolve.__code__:
            self._look_at(frame)
        return False

    def _look_at(self, frame: FrameType) -> None:
        expression = frame.f_locals["self"]
        caller: FrameType | None = frame.f_back
        while caller is not None:
            node = caller.f_locals.get("self")
            if isinstance(node, Node) and getattr(node, "origin", None) is not None:
                if is_strict(node.origin.name):
                    line = getattr(node.token, "lineno", "?")
                    pytest.fail(
                        f"Unknown variable in {node.origin.name}, line {line}: {expression.token}",
                        pytrace=False,
                    )
                return
            caller = caller.f_back


class _Loud:
    """The sequence of a `{% for %}`, without Django's leave to ignore that it is unknown."""

    def __init__(self, expression: FilterExpression) -> None:
        self.expression = expression

    def __repr__(self) -> str:
        return repr(self.expression)

    def resolve(self, context: Any, ignore_failures: bool = False) -> Any:
        return self.expression.resolve(context)


def make_for_loops_strict(monkeypatch: pytest.MonkeyPatch) -> None:
    build = ForNode.__init__

    def init(self: ForNode, loopvars: Any, sequence: Any, *args: Any, **kwargs: Any) -> None:
        loud: Any = _Loud(sequence)
        build(self, loopvars, loud, *args, **kwargs)

    monkeypatch.setattr(ForNode, "__init__", init)
