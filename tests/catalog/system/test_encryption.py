"""A stolen database gives no token away."""

import pytest

from catalog.system.encryption import Unsealable, reseal, seal, unseal


def test_a_sealed_secret_comes_back_and_cannot_be_read_off():
    sealed = seal("AQD-refresh-token")
    assert "AQD" not in sealed
    assert unseal(sealed) == "AQD-refresh-token"
    assert seal("AQD-refresh-token") != sealed


@pytest.mark.parametrize("broken", ["", "rubbish", "gAAAAA", "é"])
def test_a_damaged_seal_is_said_to_be_one(broken):
    with pytest.raises(Unsealable):
        unseal(broken)


def test_another_secret_key_opens_nothing(settings):
    sealed = seal("AQD-refresh-token")
    settings.SECRET_KEY = "another key of another installation, long enough"
    with pytest.raises(Unsealable):
        unseal(sealed)


def test_an_earlier_key_opens_its_seals_until_they_are_sealed_anew(settings):
    sealed = seal("AQD-refresh-token")
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of this installation, long enough"
    assert unseal(sealed) == "AQD-refresh-token"
    anew = reseal(sealed)
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(anew) == "AQD-refresh-token"
    with pytest.raises(Unsealable):
        unseal(sealed)
