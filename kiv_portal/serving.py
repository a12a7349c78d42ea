"""How gunicorn serves the portal: `gunicorn --config python:kiv_portal.serving kiv_portal.wsgi`.

`./portal start` and `./portal bench` take it as it stands here, so what is measured is what runs.
"""

from typing import Any, Final

workers: Final = 2
worker_class: Final = "gthread"
preload_app: Final = True  # read once, before the workers part; a new release needs a restart
threads: Final = 3  # one works while others wait for the database; more slow each other down
# Both workers listen, and the one that wakes up first would take a whole burst of connections:
# one processor idles while all wait for the other. A worker that holds hardly more than its
# threads can work on leaves the rest in the kernel's queue, for whoever is free, in the order in
# which they came. A buffering proxy in front keeps slow clients from filling these places.
worker_connections: Final = threads + 1


def pre_request(worker: Any, request: Any) -> None:
    """Close the connection after this answer where others may be waiting for its place.

    Otherwise those who keep their connections (browsers, a proxy's pool) would hold all places
    and those in the queue would wait until they end. As long as there is room nothing is closed.
    """
    if worker.nr_conns >= worker.worker_connections:
        request.force_close()
