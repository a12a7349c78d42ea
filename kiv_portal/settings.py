"""One file of settings; what varies between installations comes from the environment.

DATABASE_URL   postgres://… or sqlite:///… (default: SQLite below var/)
SECRET_KEY     required outside the demo
SECRET_KEY_FALLBACKS
               secrets of before, comma separated, while they are still read (docs/operations.md)
ALLOWED_HOSTS  required outside the demo, comma separated
EMAIL_URL      smtp://… (default: mails are written to var/mails)
MEDIA_ROOT     where uploads and letters are kept (default: var/media)
MEDIA_STORE    an object store that keeps them instead: s3://bucket?endpoint_url=https://…&region_name=…;
               its key stands in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY
REPLICA_URL    a PostgreSQL that follows the one of DATABASE_URL: public pages are read from it
CLAMD          the virus scanner for uploads (default: none, and then nobody hears of it)
DEBUG          never in production
PORTAL_DEMO    the demo: may do without a second factor, answers on loopback only
PORTAL_TLS     whether the portal stands behind TLS (default: yes outside demo and debug)
PORTAL_ADDRESS the public address, used in mails and open data
PROXY_COUNT    how many proxies stand in front (default: one behind TLS)
IDLE_MINUTES, SESSION_MINUTES, STAFF_IDLE_MINUTES, STAFF_SESSION_MINUTES
               how long a session lasts without an activity and altogether
RATE_LIMITS    JSON over ACCOUNT_RATE_LIMITS, only to measure
RETENTION_DAYS JSON over the periods after which things are erased (below)
BACKUP_DAYS    how long backups are kept, as the notice tells it
ERASURE_LEDGER the file that says what was erased, outside the database (default: below var/)
OIDC_ISSUER, OIDC_CLIENT_ID, OIDC_CLIENT_SECRET, OIDC_NAME
               sign-in with an organisation's account by OpenID Connect (default: there is none)
METRICS_TOKEN  who has it may read /metrics (default: this machine alone)
LOG_FORMAT     json or plain (default: json outside demo and debug)
"""

import os
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from environs import Env

from kiv_portal import logs

env = Env()

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"

DEBUG = env.bool("DEBUG", False)
PORTAL_DEMO = env.bool("PORTAL_DEMO", False)
PORTAL_TLS = env.bool("PORTAL_TLS", not (DEBUG or PORTAL_DEMO))

LOOPBACK = ["localhost", "127.0.0.1", "[::1]"]

if PORTAL_DEMO or DEBUG:
    SECRET_KEY = env.str("SECRET_KEY", "demo-only-this-key-protects-nothing-and-is-public")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", LOOPBACK)
    if PORTAL_DEMO and not set(ALLOWED_HOSTS) <= {*LOOPBACK, "::1", "testserver"}:
        raise ImproperlyConfigured(
            "PORTAL_DEMO relaxes the second factor and therefore answers on loopback only; "
            f"ALLOWED_HOSTS names other hosts: {ALLOWED_HOSTS}"
        )
else:
    SECRET_KEY = env.str("SECRET_KEY", "")
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", [])
    if len(SECRET_KEY) < 32 or not ALLOWED_HOSTS:
        raise ImproperlyConfigured(
            "Production needs SECRET_KEY (32 characters or more) and ALLOWED_HOSTS in the "
            "environment. For a demonstration on this machine set PORTAL_DEMO=1."
        )

SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", [])
if any(len(secret) < 32 for secret in SECRET_KEY_FALLBACKS):
    raise ImproperlyConfigured("Each of SECRET_KEY_FALLBACKS needs 32 characters or more.")

PORTAL_ADDRESS = env.str(
    "PORTAL_ADDRESS",
    f"https://{(ALLOWED_HOSTS or ['localhost'])[0]}"
    if PORTAL_TLS
    else f"http://localhost:{env.int('PORT', 8000)}",
).rstrip("/")

INSTALLED_APPS = [
    "kiv_portal.apps.PortalConfig",
    "applications",
    "projects",
    "municipalities",
    "kiv_portal.apps.DeskAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.sitemaps",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "crispy_forms",
    "csp",
    "django_filters",
    "import_export",
    "simple_history",
]

MIDDLEWARE = [
    "kiv_portal.middleware.PublicPagesMiddleware",
    "kiv_portal.middleware.LogMiddleware",
    "kiv_portal.middleware.ArrivalMiddleware",
    "kiv_portal.middleware.PrivacyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "kiv_portal.middleware.RefusedMethodMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "kiv_portal.middleware.TypedTextMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "kiv_portal.middleware.SignInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "kiv_portal.middleware.GivenBackMiddleware",
]

ROOT_URLCONF = "kiv_portal.urls"
WSGI_APPLICATION = "kiv_portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "kiv_portal.context_processors.portal",
            ],
        },
    },
]

# --- Database ---------------------------------------------------------------------------------
VAR_DIR.mkdir(exist_ok=True)
DATABASES = {"default": env.dj_db_url("DATABASE_URL", f"sqlite:///{VAR_DIR / 'portal.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # With Django's defaults concurrent writers fail with "database is locked": a write
        # transaction takes its lock at the start, waits for it, and every commit is on disk.
        "timeout": 30,
        "transaction_mode": "IMMEDIATE",
        "init_command": (
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
        ),
    }
else:
    # The pool keeps connections; Django's own persistence must then be off.
    DATABASES["default"]["CONN_MAX_AGE"] = 0
    # A connection that PostgreSQL closed while it lay there (restarted, taken over) is found out
    # before a request gets it, not by the request.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL", 8),
        "timeout": 10,
        # The pool tries again after ever longer pauses: people would wait as long again as the
        # server was away. Where it gives up when they do, the next request makes it try at once.
        "reconnect_timeout": 10,
    }
if REPLICA_URL := env.str("REPLICA_URL", ""):
    DATABASES["replica"] = env.dj_db_url("REPLICA_URL") | {"CONN_MAX_AGE": 0}
    # Nobody waits for it: where it does not answer at once, the first one does.
    DATABASES["replica"].setdefault("OPTIONS", {})["pool"] = {
        "min_size": 1,
        "max_size": env.int("DATABASE_POOL", 8),
        "timeout": 0.5,
        "reconnect_timeout": 0.5,
    }
    DATABASE_ROUTERS = ["kiv_portal.replica.PublicReads"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Accounts ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "municipalities.User"
AUTHENTICATION_BACKENDS = ["municipalities.adapters.AddressBackend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/antraege/"
ACCOUNT_ADAPTER = "municipalities.adapters.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_PREVENT_ENUMERATION = "strict"
# Whoever asks for a link to an address without an account gets a mail that says so, so that the
# answer takes the same time for every address and says the same.
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = True
# Django's own needs no statement, so that known and unknown addresses take the same work.
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
ACCOUNT_EMAIL_NOTIFICATIONS = True  # changes of password and factors are told by mail
ACCOUNT_FORMS = {
    "signup": "municipalities.forms.account.SignupForm",
    "reset_password": "municipalities.forms.account.ResetForm",
}
# Wrong passwords: by address, by account and address, and by account alone (see the adapter). A
# limit ends by itself after minutes. Others by the package: mails and sign-ups per address.
ACCOUNT_RATE_LIMITS = {
    "login_failed": "30/5m/ip,5/5m/key",
    "login_failed_account": "30/10m/key",
    "reset_password": "20/m/ip,5/5m/key",
    "signup": "20/m/ip",
    # Reports of barriers need no account: so many from one address, and from all together.
    "report_barrier": "5/h/ip,60/h/key",
    # Asking to hear of a call sends a mail to whatever address was typed.
    "call_subscription": "20/h/ip,3/d/key",
    **env.json("RATE_LIMITS", {}),
}
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if PORTAL_TLS else "http"
# Behind a proxy every visitor would share its address, and so its limit of tries.
ALLAUTH_TRUSTED_PROXY_COUNT = env.int("PROXY_COUNT", 1 if PORTAL_TLS else 0)
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PORTAL_TLS  # on this machine, over plain HTTP
MFA_ADAPTER = "municipalities.adapters.factors.FactorAdapter"
MFA_TOTP_ISSUER = "KIV-Portal"
MFA_FORMS = {"activate_totp": "municipalities.forms.factors.AppForm"}
# An account of an organisation may come later. Without an issuer nothing of it is there: no app,
# no table, no address, no button.
OIDC_ISSUER = env.str("OIDC_ISSUER", "")
OIDC_NAME = env.str("OIDC_NAME", "Organisationskonto") if OIDC_ISSUER else ""
if OIDC_ISSUER:
    INSTALLED_APPS += ["allauth.socialaccount", "allauth.socialaccount.providers.openid_connect"]
    SOCIALACCOUNT_ADAPTER = "municipalities.adapters.oidc.OrganisationAdapter"
    SOCIALACCOUNT_EMAIL_AUTHENTICATION = False  # an address alone opens nobody's account
    SOCIALACCOUNT_STORE_TOKENS = False
    SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {
            "OAUTH_PKCE_ENABLED": True,
            "APPS": [
                {
                    "provider_id": "organisation",
                    "name": OIDC_NAME,
                    "client_id": env.str("OIDC_CLIENT_ID"),
                    "secret": env.str("OIDC_CLIENT_SECRET"),
                    "settings": {"server_url": OIDC_ISSUER, "fetch_userinfo": False},
                }
            ],
        }
    }
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
# How long what is kept, in days; None: the authority has not said, and nothing is erased. What each
# period is for stands in the data maps (`*/datamap.py`), who erases in `erase_expired`.
RETENTION_DAYS: dict[str, int | None] = {
    "closed_accounts": 30,  # an account its person has closed
    "unused_accounts": 3 * 365,  # one nobody signed in with
    "unverified_accounts": 14,  # one whose address was never confirmed
    "invitations": 90,  # invitations and guests, after their end
    "sign_in_log": 180,  # sign-ins, factors and internet addresses
    "rights_log": 10 * 365,  # who gave whom which right
    "mails": 90,  # mails sent or given up, and jobs done
    "drafts": 2 * 365,  # a draft nobody touched and nobody filed
    "case_files": None,  # a filed application after its end; then it is offered to the archive
    "expired_contacts": 90,  # a contact the public does not see any more
    **env.json("RETENTION_DAYS", {}),
}
BACKUP_DAYS = env.int("BACKUP_DAYS", 30)  # told in the notice; deploy/systemd deletes older ones
CONTACT_DAYS = 365  # a contact in the directory is shown for so long after it was confirmed
# What was erased stands here too, a line each without names, so that a restored backup can be held
# to it (`repeat_erasures`). Keep it apart from the database, and never restore an older one.
ERASURE_LEDGER = Path(env.str("ERASURE_LEDGER", str(VAR_DIR / "erasures.jsonl")))
INVITATION_DAYS = 14  # an invitation can be accepted for so long
# Minutes without an activity, and minutes altogether (kiv_portal.sessions). The cookie lives
# longer than both, so that an end is told and not just found.
SESSION_LIMITS = {
    "staff": (env.int("STAFF_IDLE_MINUTES", 60), env.int("STAFF_SESSION_MINUTES", 8 * 60)),
    "municipality": (env.int("IDLE_MINUTES", 60), env.int("SESSION_MINUTES", 12 * 60)),
}
SESSION_ENGINE = "kiv_portal.sessions"
SESSION_COOKIE_AGE = 7 * 24 * 3600
KNOWN_BROWSER_COOKIE = "__Host-kiv-browser" if PORTAL_TLS else "kiv-browser"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
KEPT_INPUT_COOKIE = "kiv-eingaben"  # opens what was typed when a session ended
MESSAGE_STORAGE = "kiv_portal.sessions.Notices"
MESSAGE_COOKIE = "__Host-kiv-hinweise" if PORTAL_TLS else "kiv-hinweise"
CSRF_FAILURE_VIEW = "kiv_portal.views.csrf_failure"

# Rate limits of the sign-in and shared states live in a cache every process sees.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
        # Django's default of 300 would throw away counted tries as soon as many people sign in.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# --- Language, time, numbers --------------------------------------------------------------------
LANGUAGE_CODE = "de"
TIME_ZONE = "Europe/Berlin"
USE_I18N = True
USE_TZ = True
# USE_THOUSAND_SEPARATOR stays off: it would print the year as „2.026".

# --- Files ---------------------------------------------------------------------------------------
FIXTURE_DIRS = [BASE_DIR / "fixtures"]
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
KERN_DIST = BASE_DIR / "node_modules" / "@kern-ux" / "native" / "dist"
# `manage.py build_assets` writes KERN's sheet and slim fonts here, before collectstatic.
ASSETS_DIR = VAR_DIR / "assets"
ASSETS_DIR.mkdir(exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "static", ASSETS_DIR]
MEDIA_ROOT = Path(env.str("MEDIA_ROOT", str(VAR_DIR / "media")))
STORAGES = {
    "default": {"BACKEND": "kiv_portal.storage.WholeFiles"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}


def object_store(address: str) -> dict[str, object]:
    """The storage behind an address as MEDIA_STORE has it: bucket, and options of S3Storage."""
    parts = urlsplit(address)
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": parts.netloc,
            **dict(parse_qsl(parts.query)),
            "addressing_style": "path",  # stores other than Amazon's have no names below theirs
            "signature_version": "s3v4",
            "file_overwrite": False,  # as on disk: what is written once never changes
            "max_memory_size": 5 * 1024 * 1024,  # what is read beyond goes to the disk
        },
    }


if MEDIA_STORE := env.str("MEDIA_STORE", ""):
    STORAGES["default"] = object_store(MEDIA_STORE)
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_HANDLERS = [
    "kiv_portal.arriving.LimitHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024  # form data besides files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 3000
UPLOAD_MAX_BYTES = 20 * 1024 * 1024  # one uploaded file; a proxy in front must let it pass
# A clamd that looks into uploads: unix:///run/clamav/clamd.ctl or tcp://127.0.0.1:3310
CLAMD = env.str("CLAMD", "")

# --- Mail ----------------------------------------------------------------------------------------
# Whatever sends mail writes an outbox row; the worker delivers it through DELIVERY_EMAIL.
EMAIL_BACKEND = "kiv_portal.outbox.OutboxBackend"
_mail = env.dj_email_url("EMAIL_URL", "filemail://")
DELIVERY_EMAIL = {
    "backend": (
        _mail["EMAIL_BACKEND"]
        if os.environ.get("EMAIL_URL")
        else "django.core.mail.backends.filebased.EmailBackend"
    ),
    "host": _mail.get("EMAIL_HOST", ""),
    "port": _mail.get("EMAIL_PORT") or 25,
    "username": _mail.get("EMAIL_HOST_USER") or "",
    "password": _mail.get("EMAIL_HOST_PASSWORD") or "",
    "use_tls": _mail.get("EMAIL_USE_TLS", False),
    "use_ssl": _mail.get("EMAIL_USE_SSL", False),
    "timeout": 20,
    "file_path": str(VAR_DIR / "mails"),
}
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", "kiv-portal@portal.example")
SERVER_EMAIL = DEFAULT_FROM_EMAIL

# --- Security headers -----------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "style-src": [SELF],
        "script-src": [SELF],
        "img-src": [SELF, "data:"],  # KERN's icons are data addresses in its style sheet
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
if OIDC_ISSUER:  # the form of the button leads there
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["form-action"].append(
        "{0.scheme}://{0.netloc}".format(urlsplit(OIDC_ISSUER))
    )
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if PORTAL_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    SESSION_COOKIE_NAME = "__Host-kiv-session"
    CSRF_COOKIE_NAME = "__Host-kiv-csrf"
    KEPT_INPUT_COOKIE = "__Host-kiv-eingaben"
    CSRF_TRUSTED_ORIGINS = [f"https://{urlsplit(PORTAL_ADDRESS).netloc}"]

# --- Forms, import/export -------------------------------------------------------------------------
CRISPY_ALLOWED_TEMPLATE_PACKS = ("kern",)
CRISPY_TEMPLATE_PACK = "kern"
FORM_RENDERER = "kiv_portal.widgets.Renderer"
IMPORT_EXPORT_ESCAPE_FORMULAE_ON_EXPORT = False  # our own resources escape without losing text
IMPORT_EXPORT_IMPORT_PERMISSION_CODE = "change"
IMPORT_EXPORT_EXPORT_PERMISSION_CODE = "view"
SIMPLE_HISTORY_HISTORY_CHANGE_REASON_USE_TEXT_FIELD = True

# --- Logs, operators ------------------------------------------------------------------------------
METRICS_TOKEN = env.str("METRICS_TOKEN", "")
LOG_FORMAT = env.str("LOG_FORMAT", "plain" if PORTAL_DEMO or DEBUG else "json")
logs.configure()
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {"()": "kiv_portal.logs.json_formatter"},
        "plain": {"()": "kiv_portal.logs.plain_formatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        # Libraries that tell of every style sheet and font they touch.
        **{name: {"level": "WARNING"} for name in ("fontTools", "pikepdf", "weasyprint")},
        # A person at a terminal wants faults, not every request.
        **({"django_structlog": {"level": "ERROR"}} if LOG_FORMAT == "plain" else {}),
    },
}
