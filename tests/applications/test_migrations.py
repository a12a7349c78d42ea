"""Migrations that write: what was filed before a column was there has it afterwards."""

from importlib import import_module

import pytest
from django.apps import apps
from django.db import connection

from applications.models import Application
from tests import world

pytestmark = pytest.mark.django_db

COLUMNS = ("matters_on", "asked", "asked_by_year", "lead_key")


@pytest.mark.parametrize("make", [world.submitted, world.requested, world.heard, world.proposed])
def test_the_worklist_columns_are_filled_as_the_services_write_them(make) -> None:
    make(world.build())
    written = Application.objects.values_list(*COLUMNS).get()
    Application.objects.update(matters_on=None, asked=None, asked_by_year={}, lead_key="")
    migration = import_module("applications.migrations.0009_fill_worklist")
    migration.fill(apps, connection.schema_editor())
    assert Application.objects.values_list(*COLUMNS).get() == written
