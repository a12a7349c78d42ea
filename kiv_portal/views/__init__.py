"""Pages that belong to the portal as a whole: home, help, contact, legal pages, health, errors."""

from kiv_portal.views.downloads import download_file, downloads
from kiv_portal.views.errors import (
    bad_request,
    csrf_failure,
    not_found,
    permission_denied,
    server_error,
)
from kiv_portal.views.feedback import barrier_reported, report_barrier
from kiv_portal.views.health import live, metrics, ready
from kiv_portal.views.home import figures, home
from kiv_portal.views.leaving import sign_out
from kiv_portal.views.own_data import download as own_data_download
from kiv_portal.views.own_data import overview as own_data
from kiv_portal.views.pages import (
    accessibility,
    contact,
    dial,
    easy_language,
    help_page,
    imprint,
    privacy,
    sign_language,
)

__all__ = [
    "accessibility",
    "bad_request",
    "barrier_reported",
    "contact",
    "csrf_failure",
    "dial",
    "download_file",
    "downloads",
    "easy_language",
    "figures",
    "help_page",
    "home",
    "imprint",
    "live",
    "metrics",
    "not_found",
    "own_data",
    "own_data_download",
    "permission_denied",
    "privacy",
    "ready",
    "report_barrier",
    "server_error",
    "sign_language",
    "sign_out",
]
