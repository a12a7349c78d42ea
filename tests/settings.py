"""The portal's settings for tests: as in production, but for what would be slow or outside.

The environment of whoever starts the tests decides only about the database: `./portal test`
names its throw-away PostgreSQL in DATABASE_URL. Everything else is laid down here, and every
file a test writes lies in one directory that is removed at the end.
"""

import atexit
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

_VARYING = ("DEBUG", "PORTAL_DEMO", "PORTAL_TLS", "PORTAL_ADDRESS", "EMAIL_URL", "MEDIA_ROOT")
_VARYING += ("MEDIA_STORE",)
for _name in _VARYING:
    os.environ.pop(_name, None)
os.environ["SECRET_KEY"] = "of-the-tests-and-nobody-else-0123456789-abcdefghijklmnop"
os.environ["ALLOWED_HOSTS"] = "testserver,localhost,127.0.0.1"
# The test client and the browser speak plain HTTP; only what stands behind nginx does not.
os.environ["PORTAL_TLS"] = os.environ.get("PORTAL_TEST_TLS", "0")

if "pytest" not in sys.modules:  # mypy reads the settings as well and must leave nothing behind
    TEST_DIR = Path(tempfile.gettempdir())
elif "PORTAL_TEST_DIR" in os.environ:  # a worker of pytest-xdist
    TEST_DIR = Path(os.environ["PORTAL_TEST_DIR"])
else:
    for left in Path(tempfile.gettempdir()).glob("kiv-portal-tests-*"):  # by tests that were killed
        if left.stat().st_mtime < time.time() - 24 * 3600:
            shutil.rmtree(left, ignore_errors=True)
    TEST_DIR = Path(tempfile.mkdtemp(prefix="kiv-portal-tests-"))
    os.environ["PORTAL_TEST_DIR"] = str(TEST_DIR)
    atexit.register(shutil.rmtree, TEST_DIR, ignore_errors=True)
    (TEST_DIR / "static").mkdir()  # nothing is collected, but WhiteNoise wants a folder

from kiv_portal.settings import *  # noqa: E402, F403
from kiv_portal.settings import DATABASES, DELIVERY_EMAIL, STORAGES, TEMPLATES  # noqa: E402
from tests.strict_templates import UnknownVariable  # noqa: E402

# The fixture `media_root` gives every test its own; processes of their own are told theirs.
MEDIA_ROOT = Path(os.environ.get("PORTAL_TEST_MEDIA", TEST_DIR / "media"))
STATIC_ROOT = TEST_DIR / "static"

if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # A file as in production and not SQLite's memory, where threads would share one
    # connection and nothing could be said about locks. It need not survive a power cut,
    # but where `./portal test --faults` measures who waits for whom, it does.
    DATABASES["default"]["TEST"] = {"NAME": str(TEST_DIR / "test.sqlite3")}
    if "PORTAL_FAULTS" not in os.environ:
        DATABASES["default"]["OPTIONS"]["init_command"] = DATABASES["default"]["OPTIONS"][
            "init_command"
        ].replace("synchronous=FULL", "synchronous=OFF")

# Real hashing takes a tenth of a second per sign-in, on purpose.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Without a manifest: pages render before anything was collected.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
DELIVERY_EMAIL["backend"] = "django.core.mail.backends.locmem.EmailBackend"
if "PORTAL_TEST_SMTP" in os.environ:  # a worker of its own talks to a real server
    DELIVERY_EMAIL.update(
        backend="django.core.mail.backends.smtp.EmailBackend",
        host="127.0.0.1",
        port=int(os.environ["PORTAL_TEST_SMTP"]),
        use_tls=False,
        use_ssl=False,
        username="",
        password="",
    )
if "PORTAL_TEST_GROWING" in os.environ:  # a release with one migration more
    INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.growing"]  # noqa: F405
TEMPLATES[0]["OPTIONS"]["string_if_invalid"] = UnknownVariable()
