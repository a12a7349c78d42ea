"""Which role may do what with which model at the desk: the one table that tests hold it to."""

from municipalities.permissions import ADMINISTER, AUDIT, PEOPLE, READ, REVIEW, SIGN

EVERYBODY = {READ, AUDIT, REVIEW, SIGN, ADMINISTER, PEOPLE}
KEEPERS = {ADMINISTER}
WATCHERS = {ADMINISTER, AUDIT}
LOG_READERS = {PEOPLE, AUDIT}
TABLE: dict[str, dict[str, set[str]]] = {
    "applications.application": {"view": EVERYBODY - {PEOPLE}},
    "applications.archiveoffer": {"view": WATCHERS, "change": KEEPERS},
    "applications.retentionhold": {"view": WATCHERS, "add": KEEPERS},
    "applications.callbudget": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "applications.checkitem": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "applications.fundingcall": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "applications.letterblock": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "municipalities.accountevent": {"view": LOG_READERS},
    "municipalities.district": {"view": EVERYBODY, "change": KEEPERS},
    "municipalities.factorreset": {"view": LOG_READERS},
    "municipalities.invitation": {"view": LOG_READERS},
    "municipalities.membership": {"view": LOG_READERS, "add": {PEOPLE}, "change": {PEOPLE}},
    "municipalities.municipality": {"view": EVERYBODY, "change": KEEPERS},
    "municipalities.population": {"view": EVERYBODY, "add": KEEPERS},
    "municipalities.registerimport": {"view": EVERYBODY},
    "municipalities.rolegrant": {"view": LOG_READERS},
    "municipalities.user": {"view": LOG_READERS, "add": {PEOPLE}, "change": {PEOPLE}},
    "portal.authority": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "portal.download": {
        "view": EVERYBODY,
        "add": KEEPERS,
        "change": KEEPERS,
        "delete": KEEPERS,
    },
    "portal.erasure": {"view": WATCHERS},
    "portal.erasurerun": {"view": WATCHERS},
    "portal.job": {"view": WATCHERS},
    "portal.outboxmail": {"view": WATCHERS},
    "projects.contact": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "projects.fundinground": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "projects.project": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "projects.projectdocument": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
    "projects.projectmember": {"view": EVERYBODY, "add": KEEPERS, "change": KEEPERS},
}
"""Model, verb, roles. Nothing of a case may be added, changed or deleted by hand at the desk."""

VERBS = ("view", "add", "change", "delete")
