"""Invented records for tests: plausible, small, and the same on every run."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import factory
from django.contrib.auth.models import Group
from factory.django import DjangoModelFactory

from applications.models import FundingCall
from municipalities.eligibility import Kind
from municipalities.models import District, Membership, Municipality, Population, User
from projects.models import Contact, FundingRound, Project, ProjectMember

NOW = datetime(2026, 11, 16, 9, 30, tzinfo=UTC)
"""The instant at which tests act, unless they name another: a Monday morning."""

PASSWORD = "ein langes Kennwort für Tests"


class DistrictFactory(DjangoModelFactory):
    class Meta:
        model = District
        django_get_or_create = ("ags",)

    ags = factory.Sequence(lambda n: f"069{n % 100:02}")
    name = factory.Sequence(lambda n: f"Musterkreis {n}")
    court = "Darmstadt"


class MunicipalityFactory(DjangoModelFactory):
    """A town of a district of its own, unless a test names one. It has no figure yet."""

    class Meta:
        model = Municipality

    ags = factory.LazyAttributeSequence(lambda town, n: f"{town.district.ags}{n % 1000:03}")
    short_name = factory.Sequence(lambda n: f"Musterstadt {n}")
    official_name = factory.LazyAttribute(lambda town: f"{town.short_name}, Stadt")
    kind = Kind.TOWN
    district = factory.SubFactory(DistrictFactory)
    territory_as_of = date(2024, 12, 31)


class PopulationFactory(DjangoModelFactory):
    class Meta:
        model = Population

    municipality = factory.SubFactory(MunicipalityFactory)
    as_of = date(2023, 12, 31)
    basis = "Zensus 2011"
    value = 12345
    imported_at = NOW


class UserFactory(DjangoModelFactory):
    """An account of a municipal person; the password is PASSWORD."""

    class Meta:
        model = User
        skip_postgeneration_save = True

    email = factory.Sequence(lambda n: f"person{n}@kommune.example")
    name = factory.Sequence(lambda n: f"Person {n}")
    password = factory.django.Password(PASSWORD)
    created_at = NOW


class StaffFactory(UserFactory):
    """An account of the authority: `StaffFactory(roles=["Prüfung"])`."""

    email = factory.Sequence(lambda n: f"staff{n}@behoerde.example")
    is_staff = True

    @factory.post_generation
    def roles(self, create: bool, names: list[str] | None, **_: Any) -> None:
        self.groups.set([Group.objects.get(name=name) for name in names or []])


class MembershipFactory(DjangoModelFactory):
    """Someone who may read and edit for a municipality, not yet confirmed."""

    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    municipality = factory.SubFactory(MunicipalityFactory)
    created_at = NOW


class FundingRoundFactory(DjangoModelFactory):
    class Meta:
        model = FundingRound
        django_get_or_create = ("number",)

    number = 1
    title = factory.LazyAttribute(lambda round_: f"KIV {'I' * round_.number}")
    years = "2018/2019"


class ProjectFactory(DjangoModelFactory):
    """A published project: `ProjectFactory(towns=[lead, partner])`, else of one invented town."""

    class Meta:
        model = Project
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"projekt-{n}")
    title = factory.Sequence(lambda n: f"Vielfalt gemeinsam gestalten {n}")
    round = factory.SubFactory(FundingRoundFactory)
    published_at = NOW

    @factory.post_generation
    def towns(self, create: bool, towns: list[Municipality] | None, **_: Any) -> None:
        for position, town in enumerate(towns or [MunicipalityFactory()]):
            ProjectMember.objects.create(project=self, municipality=town, position=position)
        self.fill_keys()
        self.save()


class ContactFactory(DjangoModelFactory):
    class Meta:
        model = Contact

    project = factory.SubFactory(ProjectFactory)
    person = "Musterperson Eins"
    email = "integration@kommune.example"
    phone = "06151 12345"
    phone_e164 = "+49615112345"
    basis = "Einwilligung vom 01.10.2026"
    confirmed_on = date(2026, 10, 1)


class FundingCallFactory(DjangoModelFactory):
    """An open call without a closing date, with the limits of the programme page."""

    class Meta:
        model = FundingCall

    title = factory.Sequence(lambda n: f"Förderaufruf {n}")
    opens_at = datetime(2026, 1, 1, 8, tzinfo=UTC)
    opened_at = opens_at
    minimum_population = 10_000
    maximum_population = 50_000
    population_as_of = date(2023, 12, 31)
    population_basis = "Zensus 2011"
    population_source = "Programmseite"
    joint_allowed = True
    joint_source = "Programmseite"
    duration_min = 12
    duration_max = 18
    duration_source = "Programmseite"
    cap = Decimal("30000.00")
    cap_source = "Förderaufruf"
