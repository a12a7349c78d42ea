"""The data map of calls and applications. Terms: `kiv_portal.datamap`."""

from __future__ import annotations

from typing import Final

from kiv_portal.datamap import CONSENT, HOUSE, TASK, Table, Use

FILE = Use(
    title="Antrag und Verfahrensakte",
    purpose=(
        "Anträge auf Förderung vorbereiten, prüfen, entscheiden, bekannt geben und abwickeln; "
        "festgehalten wird, wer was wann getan hat."
    ),
    basis=TASK,
    retention=(
        "Nicht eingereichte Entwürfe {drafts} nach der letzten Änderung. Eingereichte Anträge "
        "{case_files} nach ihrem Abschluss; vorher wird die Akte dem zuständigen Archiv "
        "angeboten (§ 4 HArchivG). Danach bleiben Nummern und Prüfwerte ohne Inhalt."
    ),
    recipients=(
        "Die Personen Ihrer Kommune und ihre Gäste; nach dem Einreichen die zuständigen "
        "Beschäftigten der Behörde; was bewilligt ist, im Projektverzeichnis die Öffentlichkeit."
    ),
)

DRAFTING = Use(
    title="Gemeinsam an einem Antrag arbeiten",
    purpose=(
        "Gäste einladen, sich in Kommentaren abstimmen, sehen, wer gerade schreibt, an Fristen "
        "erinnern und nichts verlieren, wenn eine Sitzung endet oder das Einreichen noch nicht "
        "möglich war."
    ),
    basis=TASK,
    retention=(
        "Anwesenheit 15 Minuten, verwahrte Eingaben 24 Stunden, alles andere so lange wie der "
        "Antrag; Zugänge von Gästen {invitations} nach ihrem Ende."
    ),
    recipients="Die Personen Ihrer Kommune und Gäste des Antrags, nie die Behörde.",
)

NAMED = Use(
    title="Ansprechpersonen im Projektverzeichnis",
    purpose="Eine Person als Ansprechperson nennen, wenn sie selbst eingewilligt hat.",
    basis=CONSENT,
    retention=(
        "Bis zum Ende der Einwilligung oder bis zum Widerruf; ohne Antwort 30 Tage. Danach auch "
        "in früheren Fassungen gelöscht."
    ),
    recipients="Der Name: die Öffentlichkeit. Die E-Mail-Adresse: niemand.",
    fixed="basis",  # a person is named with their own recorded consent only
)

SUBSCRIPTION = Use(
    title="Benachrichtigung über den nächsten Aufruf",
    purpose="Ihnen einmal schreiben, wenn ein Förderaufruf beginnt.",
    basis=CONSENT,
    retention="Bis zur Nachricht oder Abmeldung; ohne Bestätigung zwei Tage.",
    recipients="Niemand.",
)

TABLES: Final[dict[str, Table]] = {
    # --- Calls and texts --------------------------------------------------------------------------
    "applications.FundingCall": Table(
        HOUSE,
        acts="opened_by",
        neutral=(
            "id title round is_demo display_only opens_at closes_at opened_at closing_note "
            "guideline clause purpose minimum_population maximum_population population_as_of "
            "population_basis population_source joint_allowed min_partners max_partners "
            "joint_minimum_sum joint_source earlier_funding_excludes duration_min duration_max "
            "duration_source cap cap_source rate financing_type earliest_decision_weeks "
            "required_documents signature_form letters_elsewhere"
        ),
    ),
    "applications.CallBudget": Table(HOUSE, neutral="id call year funds commitment source"),
    "applications.NumberRange": Table(HOUSE, neutral="year last"),
    "applications.LetterBlock": Table(
        HOUSE,
        neutral="id call kind key text valid_from valid_to confirmed_by_office is_sample",
    ),
    # --- The application and its parts ------------------------------------------------------------
    "applications.Application": Table(
        FILE,
        acts="created_by reviewer",
        mail={
            "contact_email": "contact_person contact_phone contact_unit",
            "finance_email": "finance_person finance_phone finance_unit",
        },
        personal="signatory_name signatory_function account_holder iban payment_reference",
        content=(
            "addressee street title summary situation goals target_groups topics approach "
            "procurement_text continuation social_space bodies wir_centre other_funding_text "
            "search_key"
        ),
        neutral=(
            "id uuid call status created_at revision changed_at members_municipalities "
            "submitted_at reference first_snapshot submission_token received_late decided_at "
            "erased_at received_as file_number lead_key matters_on asked asked_by_year "
            "refused_members project postal_code city procurement_way starts_on months "
            "vat_deductible budget_situation authority_declared declares_correct "
            "declares_not_started declares_financing_secured other_funding consents_publication"
        ),
    ),
    "applications.ApplicationMember": Table(
        FILE,
        neutral=(
            "id application municipality role position call live population population_as_of "
            "population_basis population_source"
        ),
    ),
    "applications.Cooperation": Table(
        FILE,
        acts="confirmed_by",
        content="contribution",
        neutral="id position application municipality confirmed_at statement_sha256",
    ),
    "applications.ParticipationFormat": Table(
        FILE,
        content="name reaches when how_many barriers",
        neutral="id position application",
    ),
    "applications.Milestone": Table(FILE, content="text", neutral="id position application due_on"),
    "applications.Adoption": Table(
        FILE, content="body", neutral="id position application municipality planned_on"
    ),
    "applications.Expense": Table(
        FILE,
        content="text",
        neutral="id position application year category amount eligible",
    ),
    "applications.CoverItem": Table(
        FILE,
        content="text",
        neutral="id position application year kind municipality amount",
    ),
    "applications.Document": Table(
        FILE,
        acts="uploaded_by",
        content="file name",
        neutral=(
            "id application kind municipality content_type size sha256 uploaded_at removed_at "
            "replaces scan scanned_at"
        ),
    ),
    "applications.FormSheet": Table(
        FILE, content="values file", neutral="id kind application about key created_at"
    ),
    # --- Records ----------------------------------------------------------------------------------
    "applications.Revision": Table(
        FILE,
        acts="by",
        content="data",
        neutral="id application number step at autosaved",
        labels={"by": "Konto", "data": "Inhalt", "step": "Abschnitt", "at": "am"},
    ),
    "applications.Snapshot": Table(
        FILE,
        acts="taken_by",
        content="payload pdf",
        neutral="id application number version sha256 taken_at pdf_sha256",
    ),
    "applications.CaseLogEntry": Table(
        FILE,
        acts="actor_id",
        neutral="id application sequence at action payload_hash previous_hash hash",
    ),
    "applications.CaseLogPayload": Table(
        FILE,
        content="data",
        withheld="salt",
        neutral="entry",
        labels={"data": "Inhalt", "salt": "Zufallswert"},
    ),
    "applications.InformationRequest": Table(
        FILE,
        acts="sent_by",
        content="message note",
        neutral="id application number due_on sent_at by_phone reminded_at closed_at answered",
        # The model's name is the desk's word (PROGRAMME §10).
        title="Bitten, Unterlagen nachzureichen",
    ),
    "applications.Recording": Table(
        FILE,
        acts="recorded_by confirmed_by",
        content="reason return_reason",
        neutral="id application arrived_at recorded_at ready_at confirmed_at",
    ),
    "applications.RecordingHand": Table(FILE, acts="user", neutral="id recording role at"),
    # --- Checks -----------------------------------------------------------------------------------
    "applications.CheckItem": Table(HOUSE, neutral="id call kind position text source findings"),
    "applications.CheckResult": Table(
        FILE,
        acts="by",
        content="machine_text text",
        neutral="id application item snapshot machine verdict at",
    ),
    "applications.ExpenseRuling": Table(
        FILE,
        acts="by",
        content="reason",
        neutral="id application row snapshot claimed allowed at",
    ),
    "applications.Opinion": Table(
        FILE,
        acts="asked_by answered_by",
        content="question result file name",
        neutral="id application body asked_on answered_on content_type sha256",
    ),
    "applications.RequestItem": Table(
        FILE,
        acts="settled_by",
        content="label sentence",
        neutral="id request step target position settled_at",
        title="Was nachzureichen ist",
    ),
    "applications.RetentionHold": Table(
        FILE,
        acts="by lifted_by",
        content="reason",
        neutral="id application since lifted_at",
    ),
    "applications.ArchiveOffer": Table(
        FILE,
        acts="recorded_by",
        neutral=(
            "id application offered_at reference file_number municipality call outcome "
            "concluded_on answer answered_on handed_over_on"
        ),
    ),
    # --- Decision and letters ---------------------------------------------------------------------
    "applications.Decision": Table(
        FILE,
        acts="corrected_by agreed_by",
        content=(
            "reasons reduction_reasons special_conditions return_reason purpose draft edits "
            "elsewhere_file hearing_skipped"
        ),
        neutral=(
            "id application number kind state requested amount eligible_costs starts_on ends_on "
            "proposed_at settled_at previous basis draft_sha256 elsewhere_sha256 "
            "elsewhere_dated_on elsewhere_parts corrected_at agreed_at hearing"
        ),
    ),
    "applications.DecisionYear": Table(FILE, neutral="id decision year amount"),
    "applications.DecisionPlanLine": Table(FILE, neutral="id decision side kind ags year amount"),
    "applications.DecisionHand": Table(FILE, acts="user", neutral="id decision role at sha256"),
    "applications.Hearing": Table(
        FILE,
        acts="begun_by closed_by",
        content="text answer",
        neutral="id application number subject due_on begun_at closed_at answered_on",
    ),
    "applications.Letter": Table(
        FILE,
        acts="created_by signed_by discarded_by",
        content="values file differences discarded_reason",
        neutral=(
            "id application decision hearing request kind made_elsewhere dated_on created_at "
            "sha256 seal first_opened_at signed_at discarded_at"
        ),
    ),
    "applications.RetrievalConsent": Table(
        FILE,
        acts="recorded_by",
        content="note",
        neutral="id municipality given_on recorded_at ended_on",
    ),
    "applications.Delivery": Table(
        FILE,
        acts="sent_by opened_by",
        content="failed_reason",
        neutral=(
            "id letter number way sent_on sent_at consent post_days opened_at received_on "
            "notified_on sue_until failed_at"
        ),
    ),
    "applications.CaseEntry": Table(
        FILE,
        acts="by struck_by",
        content="court court_file note struck_reason",
        neutral="id application kind on amount at struck_at",
    ),
    "applications.CaseNote": Table(
        FILE, acts="by", content="text", neutral="id application kind at"
    ),
    "applications.CaseMessage": Table(FILE, acts="by", content="text", neutral="id application at"),
    "applications.Recusal": Table(
        FILE, acts="user lifted_by", neutral="id application at lifted_at"
    ),
    "applications.Deputy": Table(
        HOUSE,
        acts="absent deputy named_by ended_by",
        neutral="id from_on to_on named_at ended_at",
    ),
    # --- The public entry -------------------------------------------------------------------------
    "applications.PublicEntry": Table(
        FILE,
        acts="settled_by",
        content="mailbox",
        neutral="id application state asked_at due_on settled_at",
    ),
    "applications.PersonConsent": Table(
        NAMED,
        acts="asked_by",
        mail={"email": "name"},
        withheld="nonce",
        neutral="id application asked_at given_at until reminded_of",
    ),
    # --- Working together -------------------------------------------------------------------------
    "applications.ApplicationGuest": Table(
        DRAFTING,
        own="user",
        acts="invited_by",
        mail={"email": "role"},
        withheld="token_hash",
        neutral="id application invited_at expires_at accepted_at ended_at",
    ),
    "applications.SectionComment": Table(
        DRAFTING,
        own="by",
        acts="done_by",
        personal="text",
        neutral="id application step at by_guest done_at",
    ),
    "applications.Presence": Table(
        DRAFTING,
        own="user",
        personal="step since seen_at",
        neutral="id application expires_at",
    ),
    "applications.KeptInput": Table(
        DRAFTING,
        own="user",
        withheld="token_hash sealed",
        personal="step kept_at",
        neutral="id application expires_at",
    ),
    "applications.ReminderOff": Table(DRAFTING, own="user", personal="kind since", neutral="id"),
    "applications.ReminderSent": Table(
        DRAFTING, own="user", personal="occasion at", neutral="id application"
    ),
    "applications.CallSubscription": Table(
        SUBSCRIPTION,
        mail={"email": "requested_at confirmed_at"},
        withheld="nonce",
        neutral="id",
    ),
}
