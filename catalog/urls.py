"""Addresses of the catalog's own pages. An optional slash at the end: addresses are typed by hand."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import re_path

from catalog.views import browse, setup, status
from catalog.web.known_browser import remember_browser
from catalog.web.throttled_login import ThrottledLogin

urlpatterns = [
    re_path(r"^status/?$", status.status_json, name="status_json"),
    re_path(r"^metrics/?$", status.metrics, name="metrics"),
    re_path(r"^artists/?$", browse.artist_list, name="artists"),
    re_path(r"^albums/?$", browse.album_list, name="albums"),
    re_path(r"^setup/(?P<token>[\w-]{20,100})/?$", setup.first_admin, name="first_admin"),
    re_path(
        r"^login/?$",
        remember_browser(LoginView.as_view(template_name="login.html", authentication_form=ThrottledLogin)),
        name="login",
    ),
    re_path(r"^logout/?$", LogoutView.as_view(next_page="/"), name="logout"),
]
