"""Addresses of the pages. An optional slash at the end: addresses are typed by hand."""

from importlib.util import find_spec

from django.contrib import admin
from django.contrib.auth.views import LogoutView
from django.urls import include, path, re_path

from catalog.views import browse as catalog
from config import health
from downloads.views.home import controls as downloads
from downloads.views.settings import trash
from downloads.views.settings.imports import import_now, import_page
from downloads.views.todo import adopt

handler500 = "config.health.broken"

urlpatterns = [
    path("", catalog.status_page, name="status_page"),
    re_path(r"^status/?$", catalog.status_json, name="status"),
    re_path(r"^queue/?$", downloads.queue, name="queue"),
    re_path(r"^metrics/?$", catalog.metrics, name="metrics"),
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    re_path(r"^tracks/?$", catalog.tracks, name="tracks"),
    re_path(r"^tracks/(?P<pk>[0-9]{1,18})/?$", downloads.track, name="track"),
    re_path(r"^artists/?$", catalog.artist_list, name="artists"),
    re_path(r"^albums/?$", catalog.album_list, name="albums"),
    re_path(r"^import/?$", import_page, name="import"),
    re_path(r"^import/now/?$", import_now, name="import_now"),
    re_path(r"^adopt/?$", adopt.doubts, name="adopt"),
    re_path(r"^bin/?$", trash.bin_page, name="bin"),
    # Buttons: POST only.
    re_path(r"^adopt/answer/?$", adopt.answer, name="adopt_answer"),
    re_path(r"^bin/take-back/?$", trash.take_back, name="bin_take_back"),
    re_path(r"^bin/former-back/?$", trash.former_back, name="bin_former_back"),
    re_path(r"^tracks/(?P<pk>[0-9]{1,18})/(?P<deed>retry|ignore|want)/?$", downloads.change_track, name="change_track"),
    re_path(r"^failed/retry/?$", downloads.retry_failed, name="retry_failed"),
    re_path(r"^fetching/pause/?$", downloads.pause, name="pause"),
    re_path(r"^services/(?P<name>[a-z]+)/go-on/?$", downloads.go_on, name="go_on"),
    re_path(r"^library/accept-missing/?$", downloads.accept_missing, name="accept_missing"),
    re_path(r"^library/accept-root/?$", downloads.accept_root, name="accept_root"),
    re_path(r"^(?P<job>sync|reconcile)/now/?$", downloads.ask_for, name="ask_for"),
    # Who may in.
    re_path(r"^setup/(?P<token>[\w-]{20,100})/?$", catalog.first_admin, name="first_admin"),
    re_path(r"^logout/?$", LogoutView.as_view(next_page="/"), name="logout"),
    path("admin/", admin.site.urls),
    path("", include("downloads.urls")),  # what a person decides
]
if find_spec("downloads.urls_connect"):
    urlpatterns.append(path("", include("downloads.urls_connect")))
