"""What is drawn without a template is, character for character, what Django's templates draw."""

from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import SafeString

from kiv_portal.widgets import Renderer

NASTY = "<b>„Süd“ & 'Nord' \" \n zwei"


@pytest.mark.parametrize("value", [None, "", "a", 7, 0, True, False, NASTY, SafeString("<i>")])
def test_widgets_are_the_same(value: Any) -> None:
    choices = [("", "–"), ("a", "Ä & <b>"), (7, "sieben"), (NASTY, NASTY), ("x", SafeString("&ä;"))]
    widgets = [
        forms.TextInput(),
        forms.NumberInput(attrs={"min": 1, "step": "any"}),
        forms.EmailInput(attrs={"autocomplete": "email"}),
        forms.URLInput(),
        forms.DateInput(),
        forms.HiddenInput(),
        forms.FileInput(attrs={"accept": NASTY}),
        forms.CheckboxInput(),
        forms.Textarea(attrs={"rows": 4, "hidden": True, "disabled": False}),
        forms.Select(choices=choices),
        forms.Select(choices=[("Gruppe", choices)]),
        forms.SelectMultiple(choices=choices),
        forms.RadioSelect(choices=choices),
        forms.CheckboxSelectMultiple(choices=choices),
        forms.PasswordInput(render_value=True),
        forms.SplitDateTimeWidget(),
    ]
    attrs = {"id": "id_x", "class": "a b", "aria-describedby": NASTY, "aria-invalid": "true"}
    for widget in widgets:
        if isinstance(widget, forms.SplitDateTimeWidget):
            value = None
        given = [value] if isinstance(widget, forms.SelectMultiple) else value
        ours, theirs = (
            widget.render(f"feld-{NASTY}", given, attrs=attrs, renderer=renderer)
            for renderer in (Renderer(), DjangoTemplates())
        )
        assert ours == theirs, type(widget).__name__
        assert isinstance(ours, SafeString)


def test_the_choices_of_a_group_are_the_same() -> None:
    class Form(forms.Form):
        way = forms.ChoiceField(choices=[("a", NASTY), ("b", "B")], widget=forms.RadioSelect)

    ours, theirs = (
        [option.tag() for option in Form({"way": "a"}, renderer=renderer)["way"]]
        for renderer in (Renderer(), DjangoTemplates())
    )
    assert ours == theirs


def test_a_form_of_its_own_is_drawn_by_its_template() -> None:
    class Form(forms.Form):
        name = forms.CharField()

    assert str(Form(renderer=Renderer())) == str(Form(renderer=DjangoTemplates()))
