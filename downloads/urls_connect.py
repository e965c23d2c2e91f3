"""Addresses of the pages that connect Spotify and choose what is kept. An optional slash at the end."""

from django.urls import re_path

from downloads import collections_page, connect_page

urlpatterns = [
    re_path(r"^connect/?$", connect_page.connect_page, name="connect"),
    re_path(r"^connect/app/?$", connect_page.save_app, name="connect_app"),
    re_path(r"^connect/start/?$", connect_page.start, name="connect_start"),
    re_path(r"^connect/callback/?$", connect_page.callback, name="connect_callback"),
    re_path(r"^connect/paste/?$", connect_page.paste, name="connect_paste"),
    re_path(r"^connect/(?P<pk>[0-9]{1,18})/disconnect/?$", connect_page.disconnect, name="disconnect"),
    re_path(r"^collections/?$", collections_page.collections, name="collections"),
    re_path(r"^collections/choose/?$", collections_page.choose, name="choose"),
]
