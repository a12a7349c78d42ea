"""Our own rules for dangerous calls: what no general linter can know about this house.

Each rule has a name. `dangers` names the rules a piece of source breaks; which places may break
one, and why, stands in `tests/test_guards.py`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

PROGRAMS = {"eval", "exec", "compile"}
UNPACKERS = {"pickle", "marshal", "shelve", "dill", "yaml"}
CALLERS = {"requests", "httpx", "urllib.request", "urllib3", "aiohttp", "http.client"}
REDIRECTS = {"redirect", "HttpResponseRedirect", "HttpResponsePermanentRedirect"}
OPENERS = {"open", "Path", "FileResponse", "import_module", "get_template", "render_to_string"}
TYPED = {"GET", "POST", "META", "COOKIES", "headers", "body", "get_full_path", "get_host"}
SAFE = {"mark_safe", "SafeString", "SafeText", "mark_for_escaping"}


def _name(node: ast.AST) -> str:
    """The dotted name of an expression, as far as it has one: `models.RawSQL`."""
    if isinstance(node, ast.Attribute):
        return f"{_name(node.value)}.{node.attr}".lstrip(".")
    return node.id if isinstance(node, ast.Name) else ""


def _last(node: ast.AST) -> str:
    return _name(node).rpartition(".")[2]


def _is_literal(node: ast.AST) -> bool:
    """A text written down as it is; constants are named in capitals."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Subscript):
        return _is_literal(node.value)
    return isinstance(node, ast.Name | ast.Attribute) and _last(node).lstrip("_").isupper()


def _is_typed(node: ast.AST) -> bool:
    """Whether what somebody sent is part of the expression."""
    return any(
        isinstance(part, ast.Attribute) and part.attr in TYPED and _last(part.value) == "request"
        for part in ast.walk(node)
    )


def _call(node: ast.Call, is_edge: bool) -> Iterator[str]:
    called, first = _last(node.func), node.args[0] if node.args else None
    keywords = {keyword.arg: keyword.value for keyword in node.keywords}
    if called in SAFE:
        yield "html without escaping"
    if called == "format_html" and first is not None and not _is_literal(first):
        yield "html without escaping"
    runs = called in {"execute", "executemany", "executescript"} and first is not None
    if runs and not _is_literal(first):
        yield "sql put together"
    if called == "RawSQL" or (
        called in {"extra", "raw"}
        and isinstance(node.func, ast.Attribute)
        and node.args + node.keywords
    ):
        yield "sql by hand"
    if _name(node.func) in PROGRAMS:
        yield "program from text"
    if _name(node.func) in {"os.system", "os.popen", "subprocess.getoutput"}:
        yield "shell"
    shell = keywords.get("shell")
    if shell is not None and not (isinstance(shell, ast.Constant) and shell.value is False):
        yield "shell"
    if called in REDIRECTS and any(_is_typed(part) for part in (*node.args, *keywords.values())):
        yield "redirect to what was sent"
    names_file = called in OPENERS or _name(node.func).startswith("subprocess.")
    if names_file and any(_is_typed(part) for part in (*node.args, *keywords.values())):
        yield "file or program named by what was sent"
    everything = keywords.get("fields")
    if isinstance(everything, ast.Constant) and everything.value == "__all__":
        yield "all fields"
    fetches = is_edge and called in {"get_object_or_404", "get_list_or_404"}
    if fetches and first is not None and _last(first) == "Application":
        yield "application past visible_to"


def _found(tree: ast.Module, is_edge: bool) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from _call(node, is_edge)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom) and node.module:
                modules = {node.module, *(f"{node.module}.{name}" for name in modules)}
            if {module.partition(".")[0] for module in modules} & UNPACKERS:
                yield "program from text"
            if modules & CALLERS:
                yield "calls other machines"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            named = {_last(target) for target in node.targets}
            if node.value.value == "__all__" and "fields" in named:
                yield "all fields"
        elif is_edge and re.search(r"(^|\.)Application\.objects$", _name(node)):
            yield "application past visible_to"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                marks = {_last(part) for part in ast.walk(decorator)}
                if "csrf_exempt" in marks:
                    yield "csrf_exempt"
                if "login_not_required" in marks:
                    yield "login_not_required"
        if isinstance(node, ast.Call) and _last(node.func) in {"csrf_exempt", "login_not_required"}:
            yield _last(node.func)


def dangers(source: str, *, is_edge: bool = True) -> list[str]:
    """The rules that Python source breaks, each as often as it does; `is_edge`: views, admin."""
    return sorted(_found(ast.parse(source), is_edge))


def template_dangers(source: str) -> list[str]:
    """The rules that a page's template breaks."""
    found = []
    if re.search(r"\|\s*(safe|safeseq)\b", source):
        found.append("html without escaping")
    if re.search(r"{%\s*autoescape\s+off", source):
        found.append("html without escaping")
    return found
