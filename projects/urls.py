"""Addresses of the directory. Reserved below /projekte/: „aenderungen", what changed."""

from django.urls import path

from projects import views

urlpatterns = [
    path("projekte/", views.project_list, name="projects"),
    path("projekte.csv", views.projects_csv, name="projects_csv"),
    path("projekte.json", views.projects_json, name="projects_json"),
    path("projekte/<slug:slug>/", views.project_detail, name="project"),
]
