"""Addresses of the whole program: each app names its own."""

from django.contrib import admin
from django.urls import include, path, re_path

from config import health

handler500 = "config.health.broken"

urlpatterns = [
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    path("admin/", admin.site.urls),
    path("", include("catalog.urls")),
    path("", include("downloads.urls")),
]
