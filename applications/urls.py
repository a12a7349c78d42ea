"""Addresses of this room."""

from django.urls import path

from applications.views import check

urlpatterns = [
    path("foerder-check/", check.check, name="check"),
    path("foerder-check.json", check.check_json, name="check_json"),
    path("foerder-check/kommunen.json", check.check_choices, name="check_choices"),
]
