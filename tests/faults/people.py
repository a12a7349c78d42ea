"""Who works on the portal while it is being killed, and what each was told."""

from __future__ import annotations

import io
import math
import re
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from PIL import Image, PngImagePlugin

from applications import services
from applications.rules import DocumentKind, Step
from kiv_portal.management.bench.forms import Form, forms_of
from municipalities.models import User
from tests import world
from tests.factories import MembershipFactory, MunicipalityFactory, PopulationFactory, UserFactory
from tests.faults.browser import Answer, Away, Browser, session_of

PATIENCE = 400  # tries of one act; a server needs seconds to come back, more where others work
FOUND = 302


@dataclass
class Case:
    """One application, what is to be done with it, and what its people heard."""

    pk: int
    uuid: str
    session: str
    signer: str
    """The session of the person of the authority who signs."""
    saved: list[tuple[str, bool]] = field(default_factory=list)
    """Titles in their order: whether saving each was acknowledged."""
    uploads: dict[str, bool] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)
    """Acts that were acknowledged: `filed` with the Antragsnummer, `answered`, `signed`."""


@dataclass
class History:
    """What everybody heard, together."""

    acknowledged: Counter[str] = field(default_factory=Counter)
    unanswered: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    """What came instead of an answer: `POST 503`, `POST RemoteDisconnected`."""
    faults: list[str] = field(default_factory=list)


# --- Setting up -----------------------------------------------------------------------------------


def cases(number: int, at: datetime, until: str) -> list[Case]:
    """So many applications, each of its own town: `filled`, `requested` or `proposed`."""
    w = _world(at)
    signer = session_of(w.signer, second_factor=True)
    return [_case(w, at, until, signer) for _ in range(number)]


def _world(at: datetime) -> world.World:
    if "w" not in _made or not User.objects.filter(pk=_made["w"].signer.pk).exists():
        _made["w"] = world.build(at=at)
    return _made["w"]


_made: dict[str, world.World] = {}


def _case(w: world.World, at: datetime, until: str, signer: str) -> Case:
    town = MunicipalityFactory(district=w.town.district)
    PopulationFactory(municipality=town, value=20_000)
    person = UserFactory()
    MembershipFactory(
        user=person, municipality=town, may_sign=True, confirmed_at=at, confirmed_by=w.administrator
    )
    application = services.start(call=w.call, lead=town, by=person, at=at)
    for step, data in world.content(town).items():
        application = world.save(application, step, data, person, at)
    if until != "filled":
        application = world.file(application, person, at)
        application = services.begin_check(application=application, by=w.reviewer, at=at)
        application = services.set_file_number(
            application=application, file_number=f"II 25 – {application.pk}", by=w.reviewer, at=at
        )
    if until == "requested":
        services.request_information(
            application=application,
            items=[(Step.KONZEPTION, "Bitte ergänzen.")],
            due_on=(at + timedelta(days=20)).date(),
            by=w.reviewer,
            at=at,
        )
    if until == "proposed":
        application = services.accept_formally(application=application, by=w.reviewer, at=at)
        services.propose(
            application=application, proposal=world.grant_proposal(), by=w.reviewer, at=at
        )
    return Case(application.pk, str(application.uuid), session_of(person), signer)


# --- Acting ---------------------------------------------------------------------------------------


class Person(threading.Thread):
    """Works through acts until all are acknowledged; whoever gets no answer tries again."""

    def __init__(
        self,
        port: int,
        acts: list[Callable[[Person], None]],
        history: History,
        end: float = math.inf,
    ) -> None:
        """`end` is when no further act is begun, by `time.monotonic`."""
        super().__init__(daemon=True)
        self.end = end
        self.port = port
        self.acts = acts
        self.history = history
        self.failed: BaseException | None = None

    def run(self) -> None:
        try:
            for act in self.acts:
                if time.monotonic() > self.end:
                    break
                act(self)
        except BaseException as error:  # told by the test
            self.failed = error

    def browser(self, session: str) -> Browser:
        return Browser(self.port, session, self.history.faults)

    def until_answered(self, kind: str, act: Callable[[], str]) -> str:
        """Do it until it is acknowledged; what it says then."""
        for _ in range(PATIENCE):
            try:
                said = act()
            except Away as away:
                self.history.unanswered[kind] += 1
                self.history.met[str(away)] += 1
                time.sleep(0.3)
            else:
                self.history.acknowledged[kind] += 1
                return said
        raise TimeoutError(f"{kind}: no answer after {PATIENCE} tries")


def saving(case: Case, times: int) -> Callable[[Person], None]:
    """Write a new title, over and over."""
    address = f"/antraege/{case.uuid}/konzeption/"

    def act(person: Person) -> None:
        browser = person.browser(case.session)
        for number in range(times):
            title = f"Titel {number} {uuid.uuid4()}"

            def save(title: str = title) -> str:
                form = browser.get(address).form(address)
                case.saved.append((title, False))
                answer = browser.send(form, address, {"title": title, "aktion": "bleiben"})
                if answer.status != FOUND:
                    raise AssertionError(f"saving answers {answer.status}: {_words(answer)}")
                return title

            person.until_answered("answers", save)
            case.saved.append((title, True))

    return act


def uploading(case: Case, times: int) -> Callable[[Person], None]:
    """Add files, each with a name and a content of its own."""
    address = f"/antraege/{case.uuid}/anlagen/"

    def act(person: Person) -> None:
        browser = person.browser(case.session)
        for _ in range(times):
            name = f"Anlage {uuid.uuid4()}.png"
            data = picture(name)

            def upload(name: str = name, data: bytes = data) -> str:
                page = browser.get(address)
                form = page.form(address)
                case.uploads.setdefault(name, False)
                values = {"art": DocumentKind.OTHER.value}
                answer = browser.send(form, address, values, files={"datei": (name, data)})
                if answer.status != FOUND:
                    raise AssertionError(f"an upload answers {answer.status}: {_words(answer)}")
                return name

            case.uploads[person.until_answered("uploads", upload)] = True

    return act


def filing(case: Case) -> Callable[[Person], None]:
    """File it from the check page; sent again where no answer came, as people do."""
    base = f"/antraege/{case.uuid}/"

    def act(person: Person) -> None:
        browser = person.browser(case.session)
        sent: list[tuple[str, dict[str, str]]] = []

        def file() -> str:
            if not sent:
                form = browser.get(f"{base}pruefen/").form(f"{base}einreichen/")
                values = {"befugt": "on"}
                if any(name == "grund" for name, _ in form.fields):
                    values |= {"trotzdem": "on", "grund": "Das reicht aus."}
                sent.append((form.action, dict(form.fields) | values))
            form = _as_form(sent[0])
            answer = browser.send(form, f"{base}pruefen/", {})
            if answer.status != FOUND:
                raise AssertionError(f"filing answers {answer.status}: {_words(answer)}")
            return answer.leads_to

        leads_to = person.until_answered("submissions", file)
        page = person.until_answered("receipts read", lambda: browser.get(leads_to).page)
        case.told["filed"] = page

    return act


def answering(case: Case) -> Callable[[Person], None]:
    """Answer what was asked for: change the text, then send it off."""
    address = f"/antraege/{case.uuid}/nachreichen/"

    def act(person: Person) -> None:
        saving(case, 1)(person)
        browser = person.browser(case.session)

        def answer() -> str:
            page = browser.get(address)
            if page.status == FOUND:  # it had counted
                return "answered before"
            got = browser.send(page.form(address), address, {"absenden": "on"})
            if got.status != FOUND:
                raise AssertionError(f"answering answers {got.status}: {_words(got)}")
            return "answered"

        case.told["answered"] = person.until_answered("Nachreichungen", answer)

    return act


def signing(case: Case) -> Callable[[Person], None]:
    """Put the final signature under what was proposed."""
    address = f"/admin/applications/application/{case.pk}/grant/"

    def act(person: Person) -> None:
        browser = person.browser(case.signer)
        sent: list[dict[str, str]] = []

        def sign() -> str:
            if not sent:
                page = browser.get(address)
                form = next(form for form in forms_of(page.page) if "proposal" in dict(form.fields))
                sent.append(dict(form.fields))
            got = browser.send(_as_form((address, sent[0])), address, {})
            if got.status not in (FOUND, 409):  # 409: it had counted, and says so
                raise AssertionError(f"signing answers {got.status}: {_words(got)}")
            return str(got.status)

        case.told["signed"] = person.until_answered("decisions", sign)

    return act


def _as_form(sent: tuple[str, dict[str, str]]) -> Form:
    return Form(sent[0], "post", list(sent[1].items()))


def _words(answer: Answer) -> str:
    main = answer.page.partition("<main")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())[:300]


def picture(text: str) -> bytes:
    note, out = PngImagePlugin.PngInfo(), io.BytesIO()
    note.add_text("Text", text)
    Image.new("RGB", (1, 1)).save(out, "PNG", pnginfo=note)
    return out.getvalue()
