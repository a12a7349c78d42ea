"""What a decision puts on record is published with its case alone."""

from __future__ import annotations

import pytest

from projects.models import Project
from tests import world

pytestmark = pytest.mark.django_db


def test_the_project_of_a_grant_is_known_as_one_of_a_case() -> None:
    world.granted(world.build())
    assert Project.objects.get().from_application is True
