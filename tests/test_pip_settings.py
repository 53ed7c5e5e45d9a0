import pytest


@pytest.fixture
def pip_settings(import_script):
    return import_script("tools/pip_settings.py")


LISTING = """\
:env:.default-timeout='60'
:env:.extra-index-url='https://two/simple'
download.index-url='https://elsewhere/simple'
global.cert='/etc/a folder/ca.crt'
global.extra-index-url='https://one/simple'
global.find-links='/wheels\\n/more'
global.index-url='https://global/simple'
install.index-url='https://user:a=b@install/simple'
"""


def test_the_environment_wins_over_install_and_that_over_global(pip_settings):
    """As pip does; what another of its commands is told is not install's."""
    assert pip_settings.parse(LISTING) == {
        "cert": "/etc/a folder/ca.crt",
        "default-timeout": "60",
        "extra-index-url": "https://two/simple",
        "find-links": "/wheels\n/more",
        "index-url": "https://user:a=b@install/simple",
    }


def test_each_setting_has_its_variable(pip_settings):
    assert pip_settings.for_uv(pip_settings.parse(LISTING)) == {
        "SSL_CERT_FILE": "/etc/a folder/ca.crt",
        "UV_DEFAULT_INDEX": "https://user:a=b@install/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_HTTP_TIMEOUT": "60",
        "UV_INDEX": "https://two/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_a_cache_that_uv_shares_has_a_folder_of_its_own(pip_settings):
    assert pip_settings.for_uv({"cache-dir": "/big"}) == {"UV_CACHE_DIR": "/big/uv"}


def test_without_settings_uv_is_told_nothing(pip_settings):
    assert pip_settings.for_uv(pip_settings.parse("")) == {}
    assert pip_settings.for_uv({"quiet": "1", "no-input": "1"}) == {}


def test_what_uv_does_not_know_is_named(pip_settings):
    with pytest.raises(ValueError, match="pip's setting no-binary$"):
        pip_settings.for_uv({"index-url": "https://a/simple", "no-binary": ":all:"})


def test_what_is_set_for_uv_stays(pip_settings, monkeypatch, capsysbinary):
    for name in ("UV_INDEX", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_INDEX_URL", "https://pips/simple")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "https://uvs/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://more/simple")
    pip_settings.main()
    written = capsysbinary.readouterr().out.split(b"\0")
    assert b"UV_INDEX=https://more/simple" in written
    assert not [name for name in written if name.startswith(b"UV_DEFAULT_INDEX")]
