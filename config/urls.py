"""Addresses of the whole program: each app names its own."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from config import health
from downloads.api.application import api, description

handler400 = "config.errors.bad_request"
handler500 = "config.errors.server_error"

urlpatterns = [
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    # Before the pages' hundred addresses, each of which a poll would be compared with.
    path("api/v1/openapi.json", description, name="openapi"),
    path("api/v1/", api.urls),
    path(
        "admin/login/", RedirectView.as_view(pattern_name="login", query_string=True), name="admin_login"
    ),  # for the admin's own
    path("admin/", admin.site.urls),
    path("", include("catalog.urls")),
    path("", include("downloads.urls")),
]
