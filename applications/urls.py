"""Addresses of this room."""

from django.urls import path

from applications.views import (
    begin,
    check,
    comments,
    dates,
    files,
    filing,
    notices,
    overview,
    partnership,
    publication,
    sheets,
    steps,
    team,
)
from applications.views.steps import live
from applications.views.steps.years import years

urlpatterns = [
    path("foerder-check/", check.check, name="check"),
    path("foerder-check.json", check.check_json, name="check_json"),
    path("foerder-check/kommunen.json", check.check_choices, name="check_choices"),
    path("foerder-aufrufe/<int:pk>.ics", dates.call_dates, name="call_dates"),
    path("benachrichtigung/", notices.subscribe, name="call_subscription"),
    path("benachrichtigung/<str:token>/", notices.subscription, name="call_subscription_link"),
    path("erinnerung-abbestellen/<str:token>/", notices.reminder_off, name="reminder_off"),
    path("konto/erinnerungen/", notices.my_reminders, name="my_reminders"),
    path("kooperation/<str:token>/", partnership.cooperate, name="cooperation"),
    path("antraege/", overview.index, name="applications"),
    path("antraege/neu/", begin.start, name="application_start"),
    path("antraege/gast/<str:token>/", team.invitation, name="application_invitation"),
    path("antraege/<uuid:key>/", overview.overview, name="application"),
    path("antraege/<uuid:key>/pruefen/", filing.review, name="application_review"),
    path("antraege/<uuid:key>/einreichen/", filing.submit, name="application_submit"),
    path("hilfe/antragsformular.pdf", sheets.blank_form, name="blank_form"),
    path(
        "antraege/<uuid:key>/kooperation/<str:ags>.pdf",
        sheets.cooperation,
        name="application_cooperation",
    ),
    path(
        "antraege/<uuid:key>/unterschriftsblatt.pdf",
        sheets.signature,
        name="application_signature",
    ),
    path("antraege/<uuid:key>/antrag.pdf", files.application_pdf, name="application_pdf"),
    path(
        "antraege/<uuid:key>/anlagen/<uuid:document>/", files.document, name="application_document"
    ),
    path("antraege/<uuid:key>/schreiben/<uuid:letter>/", files.letter, name="application_letter"),
    path("antraege/<uuid:key>/nachreichen/", filing.answer, name="application_answer"),
    path("antraege/<uuid:key>/zurueckziehen/", filing.withdraw, name="application_withdraw"),
    path(
        "antraege/<uuid:key>/veroeffentlichung/", publication.entry, name="application_publication"
    ),
    path("kontakt/einwilligung/<str:token>/", publication.consent, name="person_consent"),
    path("antraege/<uuid:key>/finanzierung/haushaltsjahre/", years, name="application_years"),
    path("antraege/<uuid:key>/finanzierung/summen/", live.sums, name="application_sums"),
    path("antraege/<uuid:key>/<slug:step>/speichern/", live.autosave, name="application_autosave"),
    path("antraege/<uuid:key>/<slug:step>/anwesend/", live.present, name="application_present"),
    path("antraege/<uuid:key>/neu-beginnen/", begin.anew, name="application_anew"),
    path("antraege/<uuid:key>/team/", team.team, name="application_team"),
    path(
        "antraege/<uuid:key>/unterschriftsblatt/",
        team.signature_sheet,
        name="application_signature_sheet",
    ),
    path("antraege/<uuid:key>/kommentare/", comments.comments, name="application_comments"),
    path("antraege/<uuid:key>/<slug:step>/", steps.step, name="application_step"),
]
