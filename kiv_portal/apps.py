from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core import checks


class PortalConfig(AppConfig):
    name = "kiv_portal"
    label = "portal"
    verbose_name = "Portal"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from kiv_portal.services import datamap  # needs the models

        checks.register(datamap.check)


class DeskAdminConfig(AdminConfig):
    """Django's admin with our own site: the review desk (second factor checked in one place)."""

    default_site = "kiv_portal.desk.DeskAdminSite"
