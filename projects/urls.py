"""Addresses of the directory. Below /projekte/ no project has an address in RESERVED_SLUGS."""

from django.urls import path

from projects import views

urlpatterns = [
    path("projekte/", views.project_list, name="projects"),
    path("projekte.csv", views.projects_csv, name="projects_csv"),
    path("projekte.csv-metadata.json", views.projects_csv_metadata, name="projects_csv_metadata"),
    path("projekte.json", views.projects_json, name="projects_json"),
    path("projekte.geojson", views.projects_geojson, name="projects_geojson"),
    path("projekte.atom", views.projects_atom, name="projects_atom"),
    path("projekte/aenderungen/", views.change_list, name="project_changes"),
    path("projekte/zahlen/", views.programme_numbers, name="programme_numbers"),
    path("kontakt/bestaetigen/<str:token>/", views.renewal, name="contact_renewal"),
    path("projekte/<slug:slug>/", views.project_detail, name="project"),
    path(
        "projekte/<slug:slug>/dokumente/<int:pk>.pdf",
        views.project_document,
        name="project_document",
    ),
]
