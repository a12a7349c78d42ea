from django.apps import AppConfig


class MunicipalitiesConfig(AppConfig):
    name = "municipalities"
    label = "municipalities"
    verbose_name = "Kommunen"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from municipalities.adapters import receivers  # needs the models

        receivers.connect()
