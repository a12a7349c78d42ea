"""How gunicorn serves the portal."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from gunicorn.config import Config

from kiv_portal import serving
from kiv_portal.management.bench import processes


@dataclass
class Worker:
    """As gunicorn's: how many connections it holds, and how many it may."""

    nr_conns: int
    worker_connections: int = serving.worker_connections


@dataclass
class Request:
    closes: bool = False

    def force_close(self) -> None:
        self.closes = True


def test_a_connection_ends_only_where_others_may_wait_for_its_place():
    ends = {}
    for held in range(1, serving.worker_connections + 1):
        request = Request()
        serving.pre_request(Worker(held), request)
        ends[held] = request.closes
    assert ends == {1: False, 2: False, 3: False, 4: True}


def test_gunicorn_takes_every_setting_as_it_stands_here():
    config = Config()
    for name in ("workers", "worker_class", "threads", "worker_connections", "preload_app"):
        config.set(name, getattr(serving, name))
    config.set("pre_request", serving.pre_request)
    assert (config.workers, config.threads, config.worker_connections) == (2, 3, 4)
    assert config.worker_class_str == "gthread"


def test_start_bench_and_the_readme_name_the_same_settings():
    named = "--config python:kiv_portal.serving kiv_portal.wsgi"
    root = Path(settings.BASE_DIR)
    for file in ("portal", "README.md"):
        assert (root / file).read_text().count(named) == 1, file
    assert '"--config", "python:kiv_portal.serving"' in Path(processes.__file__).read_text()
