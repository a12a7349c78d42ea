"""Looks into a PDF in a process of its own, with little memory and time: prints one word.

Run as a script with the file on standard input. A PDF of a few kilobytes can unpack to
gigabytes; here it brings down this process only. Imports nothing of the portal.
"""

import io
import resource
import sys
from typing import Any

import pikepdf

MEMORY = 200 * 1024 * 1024
SECONDS = 3


def runs_something(item: Any) -> bool:
    """Whether an object of a PDF is a script or starts a program, or holds directly what does."""
    waiting = [item]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pikepdf.Array):
            held = list(one)
        elif isinstance(one, pikepdf.Dictionary | pikepdf.Stream):
            if "/JS" in one or one.get("/S") in ("/JavaScript", "/Launch"):
                return True
            held = [one[key] for key in one.keys()]  # noqa: SIM118 (no mapping)
        else:
            continue
        # What is held by reference has its own turn among the PDF's objects.
        waiting += [part for part in held if not getattr(part, "is_indirect", False)]
    return False


def verdict(data: bytes) -> str:
    """`plain`, or what stands in the way: `encrypted`, `empty`, `script`, `broken`."""
    try:
        with pikepdf.open(io.BytesIO(data)) as pdf:
            if pdf.is_encrypted:
                return "encrypted"
            if len(pdf.pages) == 0:
                return "empty"
            return "script" if any(runs_something(item) for item in pdf.objects) else "plain"
    except pikepdf.PasswordError:
        return "encrypted"
    except pikepdf.PdfError:
        return "broken"


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    print(verdict(sys.stdin.buffer.read()))
