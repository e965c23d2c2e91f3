"""Addresses of the pages that connect Spotify and choose what is kept. An optional slash at the end."""

from django.urls import re_path

from downloads.views.library import collections
from downloads.views.settings import spotify

urlpatterns = [
    re_path(r"^connect/?$", spotify.connect_page, name="connect"),
    re_path(r"^connect/app/?$", spotify.save_app, name="connect_app"),
    re_path(r"^connect/start/?$", spotify.start, name="connect_start"),
    re_path(r"^connect/callback/?$", spotify.callback, name="connect_callback"),
    re_path(r"^connect/paste/?$", spotify.paste, name="connect_paste"),
    re_path(r"^connect/(?P<pk>[0-9]{1,18})/disconnect/?$", spotify.disconnect, name="disconnect"),
    re_path(r"^collections/?$", collections.collections, name="collections"),
    re_path(r"^collections/choose/?$", collections.choose, name="choose"),
]
