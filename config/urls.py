"""Addresses of the whole program: each app names its own."""

from django.contrib import admin
from django.urls import include, path, re_path

from catalog.web.known_browser import remember_browser
from config import health

handler400 = "config.errors.bad_request"
handler500 = "config.errors.server_error"

urlpatterns = [
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    path("admin/login/", remember_browser(admin.site.login)),  # before the admin's own, which it stands for
    path("admin/", admin.site.urls),
    path("", include("catalog.urls")),
    path("", include("downloads.urls")),
]
