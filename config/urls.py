"""Addresses of the whole program: each app names its own."""

from django.contrib import admin
from django.urls import URLResolver, include, path, re_path
from django.urls.resolvers import RoutePattern
from django.views.generic import RedirectView

from config import health

handler400 = "config.errors.bad_request"
handler500 = "config.errors.server_error"


class LateResolver(URLResolver):
    """Addresses below a prefix whose module is imported when one of them is asked for: the API's library takes 6 MB."""

    def _populate(self) -> None:
        """Nothing that is found through the whole program's own names: a namespace's are looked up apart."""


urlpatterns = [
    re_path(r"^healthz/?$", health.healthz, name="healthz"),
    # Before the pages' hundred addresses, each of which a poll would be compared with.
    LateResolver(RoutePattern("api/v1/"), "downloads.api.urls", app_name="ninja", namespace="api"),
    path(
        "admin/login/", RedirectView.as_view(pattern_name="login", query_string=True), name="admin_login"
    ),  # for the admin's own
    path("admin/", admin.site.urls),
    path("", include("catalog.urls")),
    path("", include("downloads.urls")),
]
