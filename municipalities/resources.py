"""The register import in django-import-export's clothes: its upload, preview and confirm.

What happens is decided by the same services as for `manage.py import_register`: one plan,
all of it or nothing. The package's row-by-row import is not used.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.core import signing
from django.core.exceptions import ValidationError
from django.utils import timezone
from import_export.formats.base_formats import Format
from import_export.forms import ConfirmImportForm, ImportForm
from import_export.resources import ModelResource
from import_export.results import Error, Result

from municipalities.models import REGISTER_SOURCE, Municipality, Population
from municipalities.register import RegisterFile, read
from municipalities.services import ImportPlan, ImportRefused, apply_import, plan_import

ALL_LANDS = "alle"
LAND_CHOICES = [("06", "Hessen"), (ALL_LANDS, "alle Länder")]

UPLOAD_SALT = "municipalities.register-upload"
UPLOAD_SECONDS = 3600
"""How long a preview can be confirmed."""

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Upload:
    """An official file that was read, and the proof which one it was."""

    file: RegisterFile
    sha256: str


class RegisterFormat(Format):
    """GV100AD or Auszug GV, told apart by content."""

    def __init__(self, encoding: str | None = None) -> None:
        self.encoding = encoding  # the package hands one over; the reader finds its own

    def get_title(self) -> str:
        return "Gemeindeverzeichnis: GV100AD oder Auszug GV (XLSX)"

    def create_dataset(self, in_stream: bytes) -> Upload:
        """Read the file; raises RegisterError where it is none of the register."""
        return Upload(read(in_stream), hashlib.sha256(in_stream).hexdigest())

    def can_import(self) -> bool:
        return True


class RegisterResult(Result):
    """The package's result with the whole plan, which the page shows."""

    plan: ImportPlan | None = None


class RegisterResource(ModelResource):
    """Plans or applies the import of a whole file."""

    class Meta:
        model = Municipality
        fields = ()

    def import_data(
        self, dataset: Upload, dry_run: bool = False, user: Any = None, **kwargs: Any
    ) -> RegisterResult:
        """A preview with `dry_run`, else the import itself; refusals become errors."""
        form = kwargs["form"]
        stated = form.stated()
        result = RegisterResult()
        if dry_run:
            result.plan = plan_import(dataset.file, **stated)
            form.plan = result.plan
            reasons = result.plan.refusals
        else:
            try:
                report = apply_import(
                    dataset.file,
                    by=user,
                    at=kwargs.get("at") or timezone.now(),
                    file_name=kwargs.get("file_name") or "",
                    sha256=dataset.sha256,
                    fingerprint=form.cleaned_data["fingerprint"],
                    **stated,
                )
            except ImportRefused as refused:
                reasons = refused.reasons
            else:
                result.plan, reasons = report.plan, []
        for reason in reasons:
            result.append_base_error(Error(ImportRefused([reason])))
        result.reasons = reasons
        return result


def _stated(cleaned: dict[str, Any]) -> dict[str, Any]:
    """What whoever imports says about the file, as the services take it."""
    return {
        "population_as_of": cleaned["population_as_of"],
        "basis": cleaned["basis"],
        "source": cleaned["source"],
        "land": None if cleaned["land"] == ALL_LANDS else cleaned["land"],
        "territory_as_of": cleaned["territory_as_of"],
    }


class PlannedImportForm(ImportForm):
    """An upload whose plan is shown before anything happens; its format says its content."""

    max_bytes: ClassVar[int | None] = None
    plan: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["format"].widget = forms.HiddenInput()

    def clean_import_file(self) -> Any:
        file = self.cleaned_data["import_file"]
        most = self.max_bytes or settings.UPLOAD_MAX_BYTES
        if file.size > most:
            raise ValidationError(f"Die Datei ist größer als {most // _MEGABYTE} MB.")
        return file


class PlannedConfirmForm(ConfirmImportForm):
    """What was previewed; the name of the stored upload is signed, so no other can be named."""

    fingerprint = forms.CharField(widget=forms.HiddenInput())

    @staticmethod
    def initial_for(form: Any, storage_name: str) -> dict[str, Any]:
        """The hidden values for an upload that was previewed."""
        return {
            "import_file_name": signing.dumps(storage_name, salt=UPLOAD_SALT),
            "fingerprint": form.plan.fingerprint() if form.plan else "",
        }

    def clean_import_file_name(self) -> str:
        try:
            name: str = signing.loads(
                self.cleaned_data["import_file_name"], salt=UPLOAD_SALT, max_age=UPLOAD_SECONDS
            )
        except signing.BadSignature:
            raise ValidationError("Die Vorschau ist abgelaufen. Bitte neu hochladen.") from None
        return name


class RegisterImportForm(PlannedImportForm):
    """The upload, and what the file itself does not say."""

    population_as_of = forms.DateField(
        label="Stichtag der Einwohnerzahlen",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Steht nicht in jeder Datei und weicht oft vom Gebietsstand ab.",
    )
    basis = forms.CharField(
        label="Zensusbasis",
        max_length=Population._meta.get_field("basis").max_length,
        help_text="etwa „Zensus 2011“ oder „Zensus 2022“",
    )
    land = forms.ChoiceField(label="Land", choices=LAND_CHOICES)
    source = forms.CharField(
        label="Quelle",
        max_length=Population._meta.get_field("source").max_length,
        initial=REGISTER_SOURCE,
    )
    territory_as_of = forms.DateField(
        label="Gebietsstand",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Nur, wenn die Datei keinen nennt.",
    )
    field_order = ["resource", "import_file", "format", "population_as_of", "basis", "land"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["import_file"].label = "Amtliche Datei"
        self.fields["import_file"].help_text = RegisterFormat().get_title()

    def stated(self) -> dict[str, Any]:
        return _stated(self.cleaned_data)


class ConfirmRegisterForm(PlannedConfirmForm):
    """What was previewed, with what whoever imports says about the file."""

    population_as_of = forms.DateField(
        widget=forms.HiddenInput(attrs={"type": "hidden"}),
    )
    basis = forms.CharField(widget=forms.HiddenInput())
    land = forms.ChoiceField(widget=forms.HiddenInput(), choices=LAND_CHOICES)
    source = forms.CharField(widget=forms.HiddenInput())
    territory_as_of = forms.DateField(widget=forms.HiddenInput(), required=False)

    @staticmethod
    def initial_for(form: RegisterImportForm, storage_name: str) -> dict[str, Any]:
        """The hidden values for an upload that was previewed."""
        days = {
            name: form.cleaned_data[name].isoformat() if form.cleaned_data[name] else ""
            for name in ("population_as_of", "territory_as_of")
        }
        return {
            **PlannedConfirmForm.initial_for(form, storage_name),
            **{name: form.cleaned_data[name] for name in ("basis", "land", "source")},
            **days,
        }

    def stated(self) -> dict[str, Any]:
        return _stated(self.cleaned_data)
