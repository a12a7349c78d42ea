"""The link that confirms an address: it proves the mailbox, not who chose the password."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from allauth.account.views import ConfirmEmailView
from django.contrib.auth.decorators import login_not_required
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from municipalities import services
from municipalities.forms.account import REGISTERED, OwnPasswordForm
from municipalities.views.account import arrived

if TYPE_CHECKING:
    from django.http import HttpResponse

    from municipalities.models import User


@method_decorator([login_not_required, never_cache], name="dispatch")
class ConfirmView(ConfirmEmailView):
    """One press where the account was made; elsewhere whoever has the mailbox sets the password.

    Anybody can register a foreign address with a password they know. If its owner then only
    confirmed the address, both could sign in.
    """

    form: OwnPasswordForm | None = None

    def _account(self) -> User | None:
        return self.object.email_address.user if self.object else None

    def _made_here(self) -> bool:
        account = self._account()
        return account is not None and self.request.session.get(REGISTERED) == account.pk

    def post(self, *args: Any, **kwargs: Any) -> HttpResponse:
        self.object = self.get_object()
        account = self.object.email_address.user
        if not self._made_here():
            self.form = OwnPasswordForm(self.request.POST, email=account.email)
            if not self.form.is_valid():
                return self.render_to_response(self.get_context_data(), status=422)
            services.choose_password(
                user=account,
                password=self.form.cleaned_data["password"],
                at=arrived(self.request),
            )
        answer: HttpResponse = super().post(*args, **kwargs)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        account = self._account()
        form = None
        if account is not None and not self._made_here():
            form = self.form or OwnPasswordForm(email=account.email)
        towns = [] if account is None else account.memberships.select_related("municipality")
        return context | {
            "form": form,
            "account": account,
            "towns": [row.municipality for row in towns],
        }


confirm_email = ConfirmView.as_view()
