"""The portal's secret is changed: nothing that waits is lost, a leaked one opens nothing new."""

from __future__ import annotations

import pytest
from allauth.account.forms import default_token_generator
from cryptography.fernet import InvalidToken
from django.core import signing
from django.test import Client
from pytest_django import Settings

from kiv_portal.sealing import fernet, seal, unseal
from tests.factories import UserFactory

OLD = "a secret of before, long enough 0123456789"
NEW = "the secret of now, long enough 0123456789"


def test_after_a_change_the_old_secret_still_opens_and_only_the_new_one_seals(
    settings: Settings,
) -> None:
    settings.SECRET_KEY = OLD
    waiting, form = seal("mail", "Ihr Link"), fernet("seal").encrypt_at_time(b"7:a:b", 1000)
    kept, link = fernet("kept", "token").encrypt(b"Getippt"), signing.dumps([1, "n"], salt="x")

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert unseal("mail", waiting) == "Ihr Link"
    assert fernet("seal").decrypt_at_time(form, 60, 1059) == b"7:a:b"
    assert fernet("kept", "token").decrypt(kept) == b"Getippt"
    assert signing.loads(link, salt="x") == [1, "n"]
    fresh = seal("mail", "Neu")

    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []  # whoever has the leaked one
    with pytest.raises(InvalidToken):
        unseal("mail", fresh)

    settings.SECRET_KEY = NEW  # the old one is taken out of the list
    assert unseal("mail", fresh) == "Neu"
    for purpose, text in (("mail", waiting), ("letters", fresh)):
        with pytest.raises(InvalidToken):
            unseal(purpose, text)


@pytest.mark.django_db
def test_nobody_is_signed_out_by_a_change_and_everybody_where_the_old_secret_is_gone(
    client: Client, settings: Settings
) -> None:
    settings.SECRET_KEY = OLD
    user = UserFactory()
    client.force_login(user)
    link = default_token_generator.make_token(user)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]
    assert client.get("/konto/daten/").status_code == 200
    assert default_token_generator.check_token(user, link)
    settings.SECRET_KEY_FALLBACKS = []
    assert not default_token_generator.check_token(user, link)
    fresh = Client()
    settings.SECRET_KEY = OLD
    fresh.force_login(user)
    settings.SECRET_KEY = NEW
    assert fresh.get("/konto/daten/").status_code == 302
