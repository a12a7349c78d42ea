"""Pages that belong to the portal as a whole: home, help, contact, legal pages, health, errors."""

from datetime import date
from functools import cache
from http import HTTPStatus
from typing import Any

import phonenumbers
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from applications.models import FundingCall
from kiv_portal.euro import format_euro
from kiv_portal.models import Authority, Download
from municipalities.eligibility import Limits
from municipalities.models import Municipality
from projects.models import Project, ProjectMember


@login_not_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What KIV is, whether a call is open, and the three ways on."""
    at = request.arrived_at
    announced = FundingCall.objects.announced()
    call = FundingCall.objects.open_at(at).first()
    following = announced.filter(opens_at__gt=at, display_only=False).order_by("opens_at").first()
    reference = call or following or announced.newest_first().first()
    return render(
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
        },
    )


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


def dial(number: str) -> str:
    """A telephone number as a `tel:` link needs it; empty where it cannot be told."""
    try:
        parsed = phonenumbers.parse(number, "DE")
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def whole(number: int) -> str:
    """A whole number with German thousands separators."""
    return f"{number:,}".replace(",", ".")


@login_not_required
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """The online procedure, step by step, and the words it uses."""
    return render(request, "kiv_portal/help.html")


@login_not_required
@require_safe
def contact(request: HttpRequest) -> HttpResponse:
    """Who helps when the online way does not work, by telephone, e-mail or post."""
    authority = Authority.load()
    context = {"authority": authority, "dial": dial(authority.help_phone) if authority else ""}
    return render(request, "kiv_portal/contact.html", context)


@login_not_required
@require_safe
def downloads(request: HttpRequest) -> HttpResponse:
    """Documents of the programme that really can be opened."""
    return render(request, "kiv_portal/downloads.html", {"entries": Download.objects.published()})


@login_not_required
@require_safe
def imprint(request: HttpRequest) -> HttpResponse:
    """Impressum (§ 5 DDG)."""
    return render(request, "kiv_portal/imprint.html", {"authority": Authority.load()})


@login_not_required
@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    """Datenschutzhinweise (Art. 13 DSGVO)."""
    return render(request, "kiv_portal/privacy.html", {"authority": Authority.load()})


@login_not_required
@require_safe
def accessibility(request: HttpRequest) -> HttpResponse:
    """Erklärung zur Barrierefreiheit (§ 14 HessBGG)."""
    return render(request, "kiv_portal/accessibility.html", {"authority": Authority.load()})


# --- For operators ----------------------------------------------------------------------------


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    """The migrations in this release; they cannot change while the process runs."""
    return frozenset(MigrationLoader(None).disk_migrations)


@login_not_required
@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """The process can work: the database answers and has every migration of this release."""
    checks = {"database": False, "migrations": False}
    try:
        applied = MigrationRecorder(connection).applied_migrations()
        checks = {"database": True, "migrations": _known_migrations() <= applied.keys()}
    except DatabaseError:
        pass
    good = all(checks.values())
    return JsonResponse(
        {"status": "ok" if good else "unavailable", "checks": checks},
        status=HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE,
    )


# --- When something went wrong ------------------------------------------------------------------


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form came without its protection: mostly a page left open for too long."""
    return render(request, "403_csrf.html", status=HTTPStatus.FORBIDDEN)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=HTTPStatus.BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    context: dict[str, Any] = {"explanation": str(exception)}
    return render(request, "403.html", context, status=HTTPStatus.FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """At the desk its people stay in the desk; everybody else sees the public page."""
    status = HTTPStatus.NOT_FOUND
    if request.path.startswith(reverse("admin:index")) and hasattr(request, "user"):
        site = admin.site
        if site.has_permission(request):
            context = {**site.each_context(request), "title": "Diese Seite gibt es nicht"}
            return render(request, "admin/not_found.html", context, status=status)
    return render(request, "404.html", status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """Our own fault: say so, even when the ordinary page cannot be built either."""
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    try:
        return HttpResponse(render_to_string("500.html", request=request), status=status)
    except Exception:
        return HttpResponse(
            "<!DOCTYPE html><html lang=de><meta charset=utf-8><title>Technischer Fehler</title>"
            "<h1>Technischer Fehler</h1><p>Das KIV-Portal kann diese Seite gerade nicht zeigen. "
            "Bitte versuchen Sie es in einigen Minuten noch einmal.</p>",
            status=status,
        )
