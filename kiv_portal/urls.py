"""All addresses. They are kept as they are: others link to them."""

from allauth.account import views as account
from allauth.usersessions import views as usersessions
from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from kiv_portal import catalogue, views
from municipalities.views import confirmation

handler400 = "kiv_portal.views.bad_request"
handler403 = "kiv_portal.views.permission_denied"
handler404 = "kiv_portal.views.not_found"
handler500 = "kiv_portal.views.server_error"

# The sign-in package under German addresses. What is not listed (further e-mail addresses) has no
# address; the sign-up is among the municipalities' own.
account_urls = [
    path("anmelden/", account.login, name="account_login"),
    path("abmelden/", views.sign_out, name="account_logout"),
    path("gesperrt/", account.account_inactive, name="account_inactive"),
    path("bestaetigen/", account.reauthenticate, name="account_reauthenticate"),
    path("passwort/aendern/", account.password_change, name="account_change_password"),
    path("passwort/setzen/", account.password_set, name="account_set_password"),
    path("passwort/vergessen/", account.password_reset, name="account_reset_password"),
    path(
        "passwort/vergessen/gesendet/",
        account.password_reset_done,
        name="account_reset_password_done",
    ),
    path(
        "passwort/neu/fertig/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^passwort/neu/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("e-mail/", account.email_verification_sent, name="account_email_verification_sent"),
    re_path(
        r"^e-mail/(?P<key>[-:\w]+)/$", confirmation.confirm_email, name="account_confirm_email"
    ),
    path("zweiter-faktor/", include("allauth.mfa.urls")),
    path("sitzungen/", usersessions.list_usersessions, name="usersessions_list"),
    path("daten/", views.own_data, name="own_data"),
    path("daten/meine-daten.zip", views.own_data_download, name="own_data_download"),
    path("", include("municipalities.urls")),
]

if settings.OIDC_ISSUER:
    from municipalities.adapters import oidc

    account_urls += [
        path("organisation/trennen/", oidc.disconnect, name="identity_disconnect"),
        path("organisation/<slug:provider_id>/", oidc.begin, name="openid_connect_login"),
        path(
            "organisation/<slug:provider_id>/zurueck/",
            oidc.callback,
            name="openid_connect_callback",
        ),
    ]

urlpatterns = [
    path("", views.home, name="home"),
    path("hilfe/", views.help_page, name="help"),
    path("kontakt/", views.contact, name="contact"),
    path("downloads/", views.downloads, name="downloads"),
    path("downloads/<int:pk>/<str:name>", views.download_file, name="download_file"),
    path("impressum/", views.imprint, name="imprint"),
    path("datenschutz/", views.privacy, name="privacy"),
    path("barrierefreiheit/", views.accessibility, name="accessibility"),
    path("barrierefreiheit/melden/", views.report_barrier, name="report_barrier"),
    path("barrierefreiheit/gemeldet/", views.barrier_reported, name="barrier_reported"),
    path("leichte-sprache/", views.easy_language, name="easy_language"),
    path("gebaerdensprache/", views.sign_language, name="sign_language"),
    path("daten/", catalogue.data, name="data"),
    path("katalog.ttl", catalogue.catalogue_turtle, name="catalogue_turtle"),
    path("katalog.jsonld", catalogue.catalogue_jsonld, name="catalogue_jsonld"),
    path("sitemap.xml", catalogue.sitemap, name="sitemap"),
    path("robots.txt", catalogue.robots, name="robots"),
    path("health/live", views.live, name="live"),
    path("health/ready", views.ready, name="ready"),
    path("metrics", views.metrics, name="metrics"),
    path("konto/", include(account_urls)),
    path("", include("applications.urls")),
    path("", include("projects.urls")),
    path("admin/", admin.site.urls),
]
