"""Every setting of Tonekeep. The only module that reads the environment.

A value that cannot be used ends the start with one sentence that names its variable (`manage.py` prints it).
MUSIC_DIR is the exception: a library that is not there is a state that the pages show, not an error.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import sys
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import dotenv
from django.core.exceptions import ImproperlyConfigured

from catalog.db.database_settings import EXPECTED, UnusableAddress, database_settings
from catalog.text import setting_values
from config.private_files import make_private
from config.secret_key import MIN_LENGTH, load_or_make_secret_key
from config.static_cache import keep_static_files
from downloads.search.sources import AUDIO_SOURCES

T = TypeVar("T")
ALL_ROLES = ("web", "jobs", "downloads", "watch")
BASE_DIR = Path(__file__).resolve().parent.parent


# What YOUTUBE_EXTRACTOR_ARGS may say: the maintainers' stop-gaps, nothing that names a host or a program.
EXTRACTOR_ARGS = {
    *("player_client", "player_skip", "player_js_variant", "player_js_version", "formats", "skip", "webpage_client"),
    *("po_token", "visitor_data", "data_sync_id", "fetch_pot", "playback_wait"),
}


def text(name: str, default: str = "") -> str:
    """The value of an environment variable, stripped; an empty value counts as not set."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, default: bool = False) -> bool:
    """A yes-or-no variable: true/false, yes/no, on/off, 1/0."""
    value = text(name, "true" if default else "false").lower()
    if value not in {"true", "yes", "on", "1", "false", "no", "off", "0"}:
        raise ImproperlyConfigured(f"{name} is {value!r}; write true or false.")
    return value in {"true", "yes", "on", "1"}


def number(name: str, default: float, least: float, most: float) -> float:
    """A number within [least, most]."""
    return _read(setting_values.number, name, text(name, str(default)), least, most)


def whole(name: str, default: int, least: int, most: int) -> int:
    """A whole number within [least, most]."""
    return _read(setting_values.whole, name, text(name, str(default)), least, most)


def choice(name: str, default: str, *allowed: str) -> str:
    """One of a few words, in any case."""
    return _read(setting_values.choice, name, text(name, default), allowed)


def _read(reader: Callable[..., T], name: str, *words: Any) -> T:
    """A value read by the same rules as on the page of the settings."""
    try:
        return reader(name, *words)
    except ValueError as error:
        raise ImproperlyConfigured(str(error)) from error


def names(name: str) -> list[str]:
    """A comma-separated list."""
    return [part.strip() for part in text(name).split(",") if part.strip()]


def networks(name: str) -> list[str]:
    """A comma-separated list of addresses or networks of proxies."""
    for entry in names(name):
        try:
            ip_network(entry)
        except ValueError as error:
            raise ImproperlyConfigured(
                f"{name} names {entry!r}; write the proxy's address or network, like 127.0.0.1 or 172.18.0.0/16."
            ) from error
    return names(name)


def address(name: str, default: str = "") -> str:
    """An http(s) address, returned without its trailing slash."""
    value = text(name, default)
    return _read(setting_values.address, name, value) if value else ""


def host_name(value: str) -> str:
    """This host's name among those that share the database: letters, digits, dots and dashes, 20 at most."""
    if not re.fullmatch(r"[A-Za-z0-9.-]{0,20}", value):
        raise ImproperlyConfigured(
            f"HOST_NAME is {value!r}; write at most 20 letters, digits, dots and dashes, like nas."
        )
    own = re.sub(r"[^A-Za-z0-9-]+", "-", socket.gethostname().partition(".")[0])[:20]
    return value or own or "host"


def redis_cache(url: str) -> dict[str, dict[str, Any]]:
    """Django's ``CACHES`` for the Redis at ``url``. A page waits a second at most for one that hangs."""
    options = {
        "socket_timeout": 1,
        "socket_connect_timeout": 1,
        "serializer": "catalog.web.sessions.JsonSerializer",
    }
    cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": url, "KEY_PREFIX": "tonekeep"}
    return {"default": {**cache, "OPTIONS": options}}


def proxy(name: str, default: str = "") -> str:
    """A proxy's address: http, https, socks4 or socks5, perhaps with a user and a password."""
    value = text(name, default)
    try:
        parts = urlsplit(value)
        valid = parts.scheme in {"http", "https", "socks4", "socks4a", "socks5", "socks5h"} and bool(parts.hostname)
        _ = parts.port  # raises where it is no number
    except ValueError:
        valid = False
    if value and not valid:
        raise ImproperlyConfigured(f"{name} cannot be read; write http://host:port or socks5://host:port.")
    return value.rstrip("/")


def extractor_args(name: str) -> dict[str, list[str]]:
    """yt-dlp's own words, ``youtube:player_client=tv,web;player_js_variant=main``; only names that are allowed."""
    value = text(name).removeprefix("youtube:")
    pairs = [part.partition("=") for part in value.split(";") if part.strip()]
    args = {key.strip(): [word.strip() for word in words.split(",")] for key, _, words in pairs}
    if refused := sorted(set(args) - EXTRACTOR_ARGS):
        raise ImproperlyConfigured(
            f"{name} names {refused[0]!r}; these are allowed: {', '.join(sorted(EXTRACTOR_ARGS))}."
        )
    return args


def first_line(path: Path) -> str:
    """What stands in a small file of ours; "" where there is none."""
    try:
        return path.read_text(encoding="utf-8").strip() if path.exists() else ""
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"{path} cannot be read; remove it and choose the music folder anew.") from error


def own_command() -> str:
    """How this program's commands begin when they are run in its folder: its Python and manage.py."""
    python = Path(sys.executable or "python")
    return f"{shlex.quote(str(python.relative_to(BASE_DIR) if python.is_relative_to(BASE_DIR) else python))} manage.py"


def readable(name: str) -> str:
    """The absolute path of a file that this program can read; "" where none is named."""
    if not text(name):
        return ""
    path = place(name, BASE_DIR)
    try:
        path.open("rb").close()
    except OSError as error:
        raise ImproperlyConfigured(f"{name} ({path}) cannot be read: {error.strerror}.") from error
    return str(path)


def program(name: str) -> str:
    """The absolute path of a program that may be run; "" where none is named."""
    path = text(name)
    if path and not (path.startswith("/") and os.access(path, os.X_OK) and Path(path).is_file()):
        raise ImproperlyConfigured(f"{name} is {path!r}; write the whole path of a program that may be run.")
    return path


def place(name: str, default: Path) -> Path:
    """A path, made absolute; `~` is the home folder."""
    value = text(name, str(default))
    try:
        return Path(value).expanduser().absolute()
    except RuntimeError as error:
        raise ImproperlyConfigured(f"{name} is {value!r}, and there is no such user; write the whole path.") from error


def read_env_file() -> None:
    """Put the lines of the settings file into the environment, which wins; a file that is named must be readable."""
    path = place("ENV_FILE", BASE_DIR / ".env")
    try:
        if text("ENV_FILE") or path.exists():
            path.read_text(encoding="utf-8")
        dotenv.load_dotenv(path, encoding="utf-8-sig")
    except OSError as error:
        raise ImproperlyConfigured(f"The settings file {path} (ENV_FILE) cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ImproperlyConfigured(
            f"The settings file {path} (ENV_FILE) is no UTF-8 text; save it again as UTF-8, like .env.example."
        ) from error


os.umask(0o077)  # whatever started us; published music gets its modes by MUSIC_UMASK, explicitly
read_env_file()

# --- Where things are -------------------------------------------------------------------------------------
DATA_DIR = place("DATA_DIR", BASE_DIR / "data")
try:
    DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Bodies of requests that are too large for memory: beside the database, not in a /tmp of RAM.
    FILE_UPLOAD_TEMP_DIR = DATA_DIR / "tmp"
    FILE_UPLOAD_TEMP_DIR.mkdir(mode=0o700, exist_ok=True)
except OSError as error:
    raise ImproperlyConfigured(f"DATA_DIR ({DATA_DIR}) cannot be made: {error.strerror}.") from error

# The folder under DATA_DIR is ours to make. One that a person names is never made: an unmounted drive's
# mount point would be filled with a second library.
MUSIC_DIR_FIXED = bool(text("MUSIC_DIR"))
MUSIC_DIR_FILE = DATA_DIR / "music_dir"  # what a person chose on a page: `catalog.storage.choose`
_chosen = "" if MUSIC_DIR_FIXED else first_line(MUSIC_DIR_FILE)
MUSIC_DIR_NAMED = MUSIC_DIR_FIXED or bool(_chosen)
MUSIC_DIR = str(place("MUSIC_DIR", Path(_chosen) if _chosen else DATA_DIR / "music"))
MUSIC_UMASK = int(choice("MUSIC_UMASK", "022", "000", "002", "007", "022", "027", "077"), 8)
MIN_FREE_BYTES = int(number("MIN_FREE_GB", 1, 0, 1_000_000) * 1_000_000_000)
make_private(DATA_DIR, Path(MUSIC_DIR))

# --- Host -------------------------------------------------------------------------------------------------
HOST_NAME = host_name(text("HOST_NAME"))
ROLES = tuple(names("ROLES")) or ALL_ROLES  # what `manage.py run` starts here
if unknown := sorted(set(ROLES) - set(ALL_ROLES)):
    raise ImproperlyConfigured(f"ROLES names {unknown[0]!r}; write some of: {', '.join(ALL_ROLES)}.")

# How a command of ours begins where a person types it: `catalog.system.command_line`.
COMMAND_PREFIX = text("COMMAND_PREFIX", own_command())

# --- Web --------------------------------------------------------------------------------------------------
DEBUG = False
SECRET_KEY = text("SECRET_KEY") or load_or_make_secret_key(DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = names("SECRET_KEY_FALLBACKS")  # earlier keys: what they sealed is read, and sealed anew at start
if len(SECRET_KEY) < MIN_LENGTH:
    raise ImproperlyConfigured(
        f"SECRET_KEY has {len(SECRET_KEY)} characters; write {MIN_LENGTH} or more at random, and the present one into "
        "SECRET_KEY_FALLBACKS, so that stored tokens can still be read."
    )
BIND = text("BIND", "127.0.0.1")
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
PORT = whole("PORT", 8000, 1, 65535)
HTTPS = flag("HTTPS")
STATUS_PUBLIC = flag("STATUS_PUBLIC")
ALLOWED_HOSTS = names("ALLOWED_HOSTS") or ["127.0.0.1", "localhost", "[::1]"]
for _name in ALLOWED_HOSTS:
    if "/" in _name or (":" in _name and not _name.startswith("[")):
        raise ImproperlyConfigured(f"ALLOWED_HOSTS names {_name!r}; write names only, without http:// and port.")
if "*" in ALLOWED_HOSTS and BIND not in LOOPBACK:
    raise ImproperlyConfigured(
        f"ALLOWED_HOSTS is *, and BIND is {BIND}: any web page could speak to this program in a visitor's browser. "
        "Write the names that browsers will use, like nas.local,192.168.1.5."
    )
CSRF_TRUSTED_ORIGINS = names("CSRF_TRUSTED_ORIGINS")
for _name in CSRF_TRUSTED_ORIGINS:
    if not setting_values.is_address(_name):
        raise ImproperlyConfigured(
            f"CSRF_TRUSTED_ORIGINS names {_name!r}; write whole addresses, like https://music.example.org."
        )
if BIND not in LOOPBACK | {"0.0.0.0", "::"} and BIND not in ALLOWED_HOSTS:  # noqa: S104
    ALLOWED_HOSTS.append(BIND)
TRUSTED_PROXY = networks("TRUSTED_PROXY")  # whose X-Forwarded-For is believed
AUTH_PROXY_HEADER = text("AUTH_PROXY_HEADER")  # `catalog.web.proxy_user`
AUTH_PROXY_FROM = networks("AUTH_PROXY_FROM")
if AUTH_PROXY_HEADER and not AUTH_PROXY_FROM:
    raise ImproperlyConfigured(
        f"AUTH_PROXY_HEADER is {AUTH_PROXY_HEADER}, but AUTH_PROXY_FROM is not set: anybody could send that header. "
        "Write the proxy's address, like 172.18.0.2."
    )

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "config",  # before django_q: its `qcluster` command is the one that runs
    "django_q",
    "downloads",
    "catalog",
]
MIDDLEWARE = [
    "config.middleware.security_headers.security_headers",
    "config.middleware.note_proxies.note_proxies",
    "config.middleware.request_limits.request_limits",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.middleware.first_admin.first_admin_first",
    "config.middleware.page_delivery.CompressPages",
    "config.middleware.page_delivery.conditional_pages",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "catalog.web.proxy_user.ProxyUser",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "config.middleware.time_zone.local_times",
    "config.errors.method_not_allowed",
    "config.middleware.reject_nul.no_nul",
]
# The page that documents the API. Not as an app: that would be imported everywhere (6 MB), the API where it is asked.
NINJA = Path(getattr(find_spec("ninja"), "origin", "")).parent
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates", NINJA / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "downloads.views.frame.frame",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
if AUTH_PROXY_HEADER:
    AUTHENTICATION_BACKENDS.append("catalog.web.proxy_user.KnownPeople")
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{validator}"}
    for validator in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
STATIC_URL = "static/"
STATICFILES_DIRS = [folder for folder in (BASE_DIR / "static", NINJA / "static") if folder.is_dir()]
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = False
WHITENOISE_ADD_HEADERS_FUNCTION = keep_static_files
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.middleware.page_delivery.HashedUrls"},
}
SESSION_ENGINE = "catalog.web.sessions"
REDIS_URL = text("REDIS_URL")  # for sessions, and nothing that may not be lost
if REDIS_URL:
    if not re.match(r"(redis|rediss|unix)://", REDIS_URL):
        raise ImproperlyConfigured("REDIS_URL is no address of a Redis; write redis://127.0.0.1:6379/0.")
    CACHES = redis_cache(REDIS_URL)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = f"tonekeep_session_{PORT}"  # cookies know no port: two installations on one host
CSRF_COOKIE_NAME = f"tonekeep_csrf_{PORT}"
BROWSER_COOKIE_NAME = f"tonekeep_browser_{PORT}"  # `catalog.web.known_browser`
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz/?$"]  # asked by the container's own health check, without the proxy
SECURE_HSTS_SECONDS = 30 * 86_400 if HTTPS else 0
# Other programs of the house may live beside this one: neither its subdomains nor browsers' preload lists are ours.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"

# --- Database ---------------------------------------------------------------------------------------------
DATABASE_URL = text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'tonekeep.sqlite3'}")
try:
    DATABASES: dict[str, dict[str, Any]] = {"default": database_settings(DATABASE_URL)}
except UnusableAddress as error:
    raise ImproperlyConfigured(f"DATABASE_URL cannot be read; {EXPECTED}.") from error
SQLITE = DATABASES["default"]["ENGINE"].endswith("sqlite3")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Spotify ----------------------------------------------------------------------------------------------
SPOTIFY_CLIENT_ID = text("SPOTIFY_CLIENT_ID")
SPOTIFY_CLIENT_SECRET = text("SPOTIFY_CLIENT_SECRET")
SPOTIFY_REDIRECT_URI = address("SPOTIFY_REDIRECT_URI", f"http://127.0.0.1:{PORT}/connect/callback")
SPOTIFY_REFRESH_TOKEN = text("SPOTIFY_REFRESH_TOKEN")
SPOTIFY_API_URL = address("SPOTIFY_API_URL", "https://api.spotify.com/v1")
SPOTIFY_ACCOUNTS_URL = address("SPOTIFY_ACCOUNTS_URL", "https://accounts.spotify.com")

# --- Audio ------------------------------------------------------------------------------------------------
AUDIO_SOURCE = choice("AUDIO_SOURCE", "youtube", *AUDIO_SOURCES)
ARCHIVE_URL = address("ARCHIVE_URL")
if AUDIO_SOURCE == "archive" and not ARCHIVE_URL:
    raise ImproperlyConfigured("AUDIO_SOURCE is archive, but ARCHIVE_URL is not set; write the address of the server.")
YOUTUBE_COOKIES = readable("YOUTUBE_COOKIES")
YOUTUBE_PROXY = proxy("YOUTUBE_PROXY", text("HTTPS_PROXY") or text("ALL_PROXY"))
YOUTUBE_EXTRACTOR_ARGS = extractor_args("YOUTUBE_EXTRACTOR_ARGS")
PO_TOKEN_PROVIDER = address("PO_TOKEN_PROVIDER")
YOUTUBE_SOURCE_ADDRESS = text("YOUTUBE_SOURCE_ADDRESS")
YOUTUBE_PER_HOUR = whole("YOUTUBE_PER_HOUR", 150, 1, 1000)
DOWNLOAD_KB_PER_SECOND = _read(setting_values.bandwidth, "DOWNLOAD_KB_PER_SECOND", text("DOWNLOAD_KB_PER_SECOND", "0"))
CA_FILE = readable("SSL_CERT_FILE") or readable("REQUESTS_CA_BUNDLE")
# Of the settings that a page shows (`catalog.models.settings`): these are said here and win.
ON_THE_PAGE = (
    *("AUDIO_SOURCE", "ARCHIVE_URL", "AUDIO_FORMAT", "DOWNLOAD_WORKERS", "YOUTUBE_PER_HOUR"),
    *("DOWNLOAD_KB_PER_SECOND", "MIN_FREE_GB", "WATCH", "TIME_ZONE"),
)
SET_BY_ENVIRONMENT = frozenset(filter(text, ON_THE_PAGE))
CONFIRM_PLANS = flag("CONFIRM_PLANS", True)
AUDIO_FORMAT = choice("AUDIO_FORMAT", "best", "best", "m4a", "opus", "mp3")
DOWNLOAD_WORKERS = whole("DOWNLOAD_WORKERS", 2, 1, 16)
WATCH = choice("WATCH", "auto", "auto", "poll", "off")

# --- Players that are told what is new --------------------------------------------------------------------
MPD_ADDRESS = text("MPD_ADDRESS")
if MPD_ADDRESS and not MPD_ADDRESS.rpartition(":")[2].isdigit():
    raise ImproperlyConfigured(f"MPD_ADDRESS is {MPD_ADDRESS!r}; write host:port, like 127.0.0.1:6600.")
SUBSONIC_URL = address("SUBSONIC_URL")
SUBSONIC_USER = text("SUBSONIC_USER")
SUBSONIC_PASSWORD = text("SUBSONIC_PASSWORD")
PLAYER_COMMAND = program("PLAYER_COMMAND")  # here alone: no page may name a program

# --- Time, text, logs -------------------------------------------------------------------------------------
USE_TZ = True
TIME_ZONE = _read(setting_values.time_zone, "TIME_ZONE", text("TIME_ZONE", "UTC"))
LANGUAGE_CODE = "en-gb"
USE_I18N = False
LOG_FILE = DATA_DIR / "tonekeep.log"  # its last lines stand on a page
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "config.log_redaction.RedactingFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
            "secrets": [
                SECRET_KEY,
                *SECRET_KEY_FALLBACKS,
                SPOTIFY_CLIENT_SECRET,
                SPOTIFY_REFRESH_TOKEN,
                SUBSONIC_PASSWORD,
                DATABASES["default"]["PASSWORD"],
                urlsplit(YOUTUBE_PROXY).password or "",
            ],
        }
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "file": {"class": "config.log_redaction.LogFile", "path": str(LOG_FILE), "formatter": "line"},
    },
    "root": {"handlers": ["console", "file"], "level": "INFO"},
    "loggers": {
        "django-q": {"level": "WARNING"},  # it tells of each wake-up otherwise
        "waitress.queue": {"level": "ERROR"},  # it tells of each request that waits for a thread
    },
}

# --- Jobs -------------------------------------------------------------------------------------------------
# Wake-ups without payload travel through the ORM broker everywhere: the Redis broker loses work in hand.
# A wake-up is never tried again by the broker (the catalog knows what is due, and a tick asks it each minute):
# `retry` lies far above `timeout`, else a long task would be delivered a second time while it runs.
JOB_TIMEOUT = 6 * 3600  # seconds; a first full reconcile of a million files on a slow disk must fit
Q_CLUSTER: dict[str, Any] = {
    "name": "tonekeep",  # of all hosts: what is signed for one queue is read by another
    "cluster_name": f"tonekeep@{HOST_NAME}",
    "broker_class": "downloads.jobs.queue.WakeUps",
    "orm": "default",
    "workers": 2,  # one may sync or reconcile for long while the other ticks
    "timeout": JOB_TIMEOUT,
    "retry": 4 * JOB_TIMEOUT,
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "queue_limit": 1,
    "bulk": 1,
    "guard_cycle": 0.5,
    "poll": 0.5,
    "save_limit": 50,
    "ALT_CLUSTERS": {
        f"downloads@{HOST_NAME}": {"workers": DOWNLOAD_WORKERS, "timeout": JOB_TIMEOUT, "retry": 4 * JOB_TIMEOUT},
    },
}
