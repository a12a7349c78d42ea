"""Reading files in at the desk: upload, preview of the whole plan, confirmation; all or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.urls import reverse
from import_export.admin import ImportMixin

from municipalities.resources import PlannedConfirmForm

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

SHOWN_REASONS: Final = 20
"""So many reasons stand in a message; the preview shows them all."""


class PlannedImport(ImportMixin):
    """django-import-export's pages around a plan: what is confirmed is what was shown.

    The resource's result has `plan` and `reasons` (why nothing was read in).
    """

    import_title: ClassVar[str]
    unreadable: ClassVar[type[Exception]]  # raised for a file that cannot be read; says why
    confirm_form_class = PlannedConfirmForm

    def done(self, request: HttpRequest, result: Any) -> str:
        """What was read in, as the page says it afterwards."""
        raise NotImplementedError

    def get_import_formats(self) -> list[Any]:
        return list(self.import_formats)

    def get_import_data_kwargs(self, **kwargs: Any) -> dict[str, Any]:
        return {"form": kwargs["form"], "at": getattr(kwargs["request"], "arrived_at", None)}

    def get_confirm_form_initial(self, request: HttpRequest, import_form: Any) -> dict[str, Any]:
        initial: dict[str, Any] = super().get_confirm_form_initial(request, import_form)
        if import_form is not None:
            names = self.confirm_form_class
            initial |= names.initial_for(import_form, initial["import_file_name"])
        return initial

    def add_data_read_fail_error_to_form(self, form: Any, e: Exception) -> None:
        if not isinstance(e, self.unreadable):
            raise e
        form.add_error("import_file", str(e))

    def import_action(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        response = super().import_action(request, **kwargs)
        response.context_data["title"] = self.import_title
        return response

    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        try:
            response = super().process_import(request, **kwargs)
        except FileNotFoundError:
            # Confirmed twice, or so late that the upload was tidied away.
            return self._back(request, ["Die hochgeladene Datei ist nicht mehr da."])
        if hasattr(response, "context_data"):  # the confirmation itself was not valid
            form = response.context_data["confirm_form"]
            return self._back(request, [text for texts in form.errors.values() for text in texts])
        return response

    def process_result(self, result: Any, request: HttpRequest) -> HttpResponse:
        if result.reasons:
            return self._back(request, result.reasons)
        messages.success(request, self.done(request, result))
        return HttpResponseRedirect(self._address("changelist"))

    def _back(self, request: HttpRequest, reasons: list[str]) -> HttpResponse:
        messages.error(request, " ".join(["Nichts wurde eingelesen.", *reasons[:SHOWN_REASONS]]))
        return HttpResponseRedirect(self._address("import"))

    def _address(self, page: str) -> str:
        return reverse("admin:{}_{}_{}".format(*self.get_model_info(), page))
