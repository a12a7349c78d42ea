"""The public directory. Its pages are the same for everybody and set no cookie.

Each is a function of its address, the directory's version and the instant. Where a page changes by
itself at an instant (a contact expires, a municipality ceases to exist), the response names the
next one as `changes_at`.
"""

from projects.views.changes import change_list, projects_atom
from projects.views.directory import (
    PAGE_SIZE,
    project_list,
    projects_csv,
    projects_csv_metadata,
    projects_geojson,
    projects_json,
)
from projects.views.numbers import programme_numbers
from projects.views.project import project_detail, project_document
from projects.views.renewal import renewal

__all__ = [
    "PAGE_SIZE",
    "change_list",
    "programme_numbers",
    "project_detail",
    "project_document",
    "project_list",
    "projects_atom",
    "projects_csv",
    "projects_csv_metadata",
    "projects_geojson",
    "projects_json",
    "renewal",
]
