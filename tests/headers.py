"""The headers every answer has, whoever asks for whatever: what is wrong with one, in words."""

from __future__ import annotations

from typing import Any, Final

PAGE: Final = {
    "default-src": "'none'",
    "style-src": "'self'",
    "script-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "manifest-src": "'self'",
}
"""What a page of the portal may load and do, the desk included."""

FILE: Final = {
    "default-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
    "sandbox": "",
}
"""Files, saved or looked at: nothing in them is carried out."""

OFF: Final = (
    "accelerometer=(), browsing-topics=(), camera=(), display-capture=(), geolocation=(), "
    "gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), usb=()"
)

FIXED: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": OFF,
}

OPEN_DATA: Final = {"Cross-Origin-Resource-Policy": "cross-origin"}
"""What other sites may read: only what also says so by `Access-Control-Allow-Origin`."""

NEVER_STORED: Final = (
    "/admin/",
    "/antraege/",
    "/benachrichtigung/",
    "/erinnerung-abbestellen/",
    "/konto/",
    "/kooperation/",
)
"""Where everything is somebody's own, or somebody's link."""


def policy(response: Any) -> dict[str, str]:
    """The directives of its Content-Security-Policy."""
    parts = (part.strip().partition(" ") for part in response["Content-Security-Policy"].split(";"))
    return {name: value for name, _, value in parts}


def faults(response: Any, address: str) -> list[str]:
    """What is wrong with the headers of this answer; empty when nothing is."""
    wanted = FIXED | (OPEN_DATA if "Access-Control-Allow-Origin" in response else {})
    found = [
        f"{name}: {response.headers.get(name)}"
        for name, value in wanted.items()
        if response.headers.get(name) != value
    ]
    if policy(response) != (FILE if "Content-Disposition" in response else PAGE):
        found.append(response["Content-Security-Policy"])
    store = response.headers.get("Cache-Control", "")
    if address.startswith(NEVER_STORED) and "no-store" not in store:
        found.append(f"Cache-Control: {store}")
    if response.cookies and "no-store" not in store:
        found.append(f"a cookie, and Cache-Control: {store}")
    found += [
        f"Set-Cookie: {morsel.OutputString()}"
        for morsel in response.cookies.values()
        if (morsel["samesite"], morsel["path"], morsel["domain"]) != ("Lax", "/", "")
        or (morsel["max-age"] != 0 and not morsel["httponly"])  # else it is being deleted
    ]
    found += [f"{name} is told" for name in ("Server", "X-Powered-By") if name in response]
    return [f"{response.status_code} {fault}" for fault in found]
