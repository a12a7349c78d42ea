"""The steps of an application as forms. They read and check what was typed and never save.

`step_data()` gives the plain values that `services.save_step` takes. A field added here, to
the model and to `services.drafts.STEP_FIELDS` is a field of the application.
"""

from typing import Final

from applications.forms.steps.base import Problem, Section, Sheet, StepForm
from applications.forms.steps.plan import PlanForm
from applications.forms.steps.schedule import ScheduleForm
from applications.forms.steps.texts import (
    ConceptForm,
    ContactForm,
    DeclarationForm,
    ParticipationForm,
)
from applications.rules import Step

__all__ = ["FORMS", "Problem", "Section", "Sheet", "StepForm"]

FORMS: Final[dict[Step, type[StepForm]]] = {
    form.step: form
    for form in (
        ContactForm,
        ConceptForm,
        ParticipationForm,
        ScheduleForm,
        PlanForm,
        DeclarationForm,
    )
}
"""The steps that are filled in. Municipalities and documents are chosen and uploaded."""
