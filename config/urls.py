"""Addresses of the whole program: each app names its own."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from config import health

handler400 = "config.errors.bad_request"
handler500 = "config.errors.server_error"

urlpatterns = [
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    path(
        "admin/login/", RedirectView.as_view(pattern_name="login", query_string=True), name="admin_login"
    ),  # for the admin's own
    path("admin/", admin.site.urls),
    path("", include("catalog.urls")),
    path("", include("downloads.urls")),
]
