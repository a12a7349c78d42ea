"""The steps of an application as forms. They read and check what was typed and never save.

`step_data()` gives the plain values that `services.save_step` takes. A field added here, to
the model and to `services.content.STEP_FIELDS` is a field of the application.
"""

from typing import Final

from applications.forms.steps.base import Problem, Section, Sheet, StepForm
from applications.forms.steps.concept import ConceptForm
from applications.forms.steps.contact import ContactForm
from applications.forms.steps.declarations import DeclarationForm
from applications.forms.steps.participation import ParticipationForm
from applications.forms.steps.partners import PartnersForm
from applications.forms.steps.plan import PlanForm
from applications.forms.steps.schedule import ScheduleForm
from applications.rules import Step

__all__ = ["FORMS", "Problem", "Section", "Sheet", "StepForm"]

FORMS: Final[dict[Step, type[StepForm]]] = {
    form.step: form
    for form in (
        PartnersForm,
        ContactForm,
        ConceptForm,
        ParticipationForm,
        ScheduleForm,
        PlanForm,
        DeclarationForm,
    )
}
"""The steps that are filled in. The municipalities themselves are chosen, documents uploaded."""
