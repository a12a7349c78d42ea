"""Addresses of the desk that several of its pages link to."""

from django.urls import reverse

from applications.models import Application


def case_address(application: Application, page: str = "change") -> str:
    """The case page, or one of its further pages by name."""
    return reverse(f"admin:applications_application_{page}", args=[application.pk])
