"""The door through which gunicorn enters."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kiv_portal.settings")

application = get_wsgi_application()
