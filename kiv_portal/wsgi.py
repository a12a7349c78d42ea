"""The door through which gunicorn enters."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.template.loader import get_template
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kiv_portal.settings")


def _read_ahead() -> None:
    """Read every address and template now: else the first visitors of a process wait for it."""
    get_resolver().url_patterns  # noqa: B018 - reading it imports the pages
    folder = settings.BASE_DIR / "templates"
    for file in folder.rglob("*.html"):
        get_template(str(file.relative_to(folder)))


application = get_wsgi_application()
_read_ahead()
