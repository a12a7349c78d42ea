"""The start page: what KIV is, whether a call is open, and the three ways on."""

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from applications.models import FundingCall
from kiv_portal.euro import format_euro
from kiv_portal.public import changes_at, end_of_day, public_page
from kiv_portal.structured import absolute, graph
from municipalities.eligibility import Limits
from municipalities.models import Municipality
from projects.models import Project, ProjectMember
from projects.views.structured import FUNDER


@public_page()
def home(request: HttpRequest) -> HttpResponse:
    """What KIV is, whether a call is open, and the three ways on."""
    at = request.arrived_at
    announced = FundingCall.objects.announced()
    call = FundingCall.objects.open_at(at).first()
    following = announced.filter(opens_at__gt=at, display_only=False).order_by("opens_at").first()
    reference = call or following or announced.newest_first().first()
    response = render(
        request,
        "kiv_portal/home.html",
        {
            "call": call,
            "closing": call.until() if call else "",
            "following": following,
            "reference": reference,
            "figures": figures(reference),
            "map": hesse(timezone.localdate(at)),
            "directory": directory_figures(),
            "json_ld": described(call or following),
        },
    )
    return changes_at(response, at, FundingCall.objects.next_change(at), end_of_day(at))


def described(call: FundingCall | None) -> dict[str, Any]:
    """The portal and the funding for search engines (schema.org), with a call open or to come."""
    website = {
        "@type": "WebSite",
        "@id": absolute("/#portal"),
        "url": absolute("/"),
        "name": "KIV-Portal",
        "inLanguage": "de",
        "potentialAction": {
            "@type": "SearchAction",
            "target": {
                "@type": "EntryPoint",
                "urlTemplate": f"{absolute(reverse('projects'))}?q={{search_term_string}}",
            },
            "query-input": "required name=search_term_string",
        },
    }
    channel = {
        "@type": "ServiceChannel",
        "serviceUrl": absolute(reverse("applications")),
        "availableLanguage": "de",
    }
    service: dict[str, Any] = {
        "@type": "GovernmentService",
        "@id": absolute("/#foerderung"),
        "name": "Förderung kommunaler Vielfalts- und Integrationsstrategien (KIV)",
        "serviceType": "Förderprogramm für Städte und Gemeinden",
        "audience": {"@type": "Audience", "audienceType": "Städte und Gemeinden in Hessen"},
        "areaServed": {"@type": "State", "name": "Hessen"},
        "provider": FUNDER,
        "serviceOperator": {
            "@type": "GovernmentOrganization",
            "name": "Regierungspräsidium Darmstadt",
        },
        "availableChannel": channel,
    }
    if call is not None:
        period = {
            "validFrom": _local(call.opens_at),
            "validThrough": _local(call.closes_at),
        }
        service["hoursAvailable"] = {
            "@type": "OpeningHoursSpecification",
            "description": f"Anträge zu: {call.title}",
            **{name: instant for name, instant in period.items() if instant},
        }
    page = {
        "@type": "WebPage",
        "@id": absolute("/"),
        "url": absolute("/"),
        "name": "KIV-Portal",
        "inLanguage": "de",
        "isPartOf": {"@id": website["@id"]},
        "about": {"@id": service["@id"]},
    }
    return graph(website, page, service)


def _local(at: datetime | None) -> str | None:
    return timezone.localtime(at).isoformat() if at else None


def figures(call: FundingCall | None) -> list[tuple[str, str]]:
    """What a call says about size, duration and money: only what it really says."""
    limits = call.limits() if call else Limits()
    found = [
        (
            f"{whole(limits.minimum)} bis {whole(limits.maximum)}",
            "Einwohnerinnen und Einwohner, um allein einen Antrag zu stellen",
        )
    ]
    if limits.joint_allowed:
        few, many = limits.min_partners, limits.max_partners
        number = f"{many}" if few == many else f"{few} bis {many}"
        found.append((f"{number} Partner", "brauchen kleinere Kommunen: Antrag im Verbund"))
    if call and call.duration_min and call.duration_max:
        found.append((f"{call.duration_min} bis {call.duration_max} Monate", "dauert das Vorhaben"))
    if call and call.cap:
        amount = format_euro(call.cap).replace(",00", "")
        found.append((f"bis {amount}", "Zuwendung je Vorhaben"))
    return found


def hesse(on: date) -> dict[str, Any]:
    """Hesse as one dot per municipality, those with a published project apart.

    The dots are the strokes of two SVG paths; a degree of longitude is about 0,635 as wide
    as a degree of latitude is high.
    """
    funded = set(
        ProjectMember.objects.filter(project__in=Project.objects.published()).values_list(
            "municipality", flat=True
        )
    )
    places = (
        Municipality.objects.in_force(on)
        .able_to_apply()
        .exclude(latitude=None)
        .values_list("pk", "latitude", "longitude")
    )
    strokes: dict[bool, list[str]] = {False: [], True: []}
    for key, latitude, longitude in places:
        x, y = (float(longitude) - 7.7) * 63.5, (51.7 - float(latitude)) * 100
        strokes[key in funded].append(f"M{x:.1f} {y:.1f}h0")
    return {
        "others": "".join(strokes[False]),
        "funded": "".join(strokes[True]),
        "count": len(funded),
    }


def directory_figures() -> dict[str, Any]:
    """Projects and municipalities of the public directory, by round and altogether.

    Every published project counts, and a municipality once in each number: the same as on
    the map.
    """
    rows = (
        Project.objects.published()
        .order_by("round__number")
        .values_list("round__title", "round__years", "pk", "amif", "members__municipality")
    )
    projects: dict[str, set[int]] = {}
    towns: dict[str, set[int]] = {}
    accompanied = set()
    for title, years, project, amif, town in rows:
        name = f"{title} ({years})" if years else title
        projects.setdefault(name, set()).add(project)
        towns.setdefault(name, set()).update({town} - {None})
        if amif:
            accompanied.add(project)
    return {
        "rounds": [(name, _count(projects[name], towns[name])) for name in projects],
        "total": _count(set().union(*projects.values()), set().union(*towns.values())),
        "amif": len(accompanied),
    }


def _count(projects: set[int], towns: set[int]) -> str:
    """„6 Projekte in 7 Kommunen"."""
    work = "1 Projekt" if len(projects) == 1 else f"{len(projects)} Projekte"
    return f"{work} in {'1 Kommune' if len(towns) == 1 else f'{len(towns)} Kommunen'}"


def whole(number: int) -> str:
    """A whole number with German thousands separators."""
    return f"{number:,}".replace(",", ".")
