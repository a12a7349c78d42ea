"""A process of its own that files every draft it finds and says so once each is on disk.

Run by test_services_submission on the tests' database, and killed by it at any moment.
"""

import os
import sys


def main() -> None:
    """File all drafts in the name of the account given on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kiv_portal.settings")
    import django

    django.setup()

    from django.utils import timezone

    from applications import services
    from applications.models import Application
    from municipalities.models import User

    by = User.objects.get(email=sys.argv[1])
    for application in Application.objects.drafts().order_by("pk"):
        at = timezone.now()
        findings = services.findings_of(application, at)
        filed = services.submit(
            application=application,
            confirmed=services.confirmation_key(findings),
            declares_authority=True,
            by=by,
            at=at,
        )
        print(filed.reference, flush=True)
    print("done", flush=True)


if __name__ == "__main__":
    main()
