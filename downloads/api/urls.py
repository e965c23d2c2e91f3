"""Addresses of the API, below ``/api/v1/``. Imported when the first of them is asked for (`config.urls`)."""

from django.urls import path

from downloads.api.application import api, description

urlpatterns = [path("openapi.json", description, name="openapi"), *api.urls[0]]
