"""Addresses of the pages where a person decides: which recording a song is, and where files belong."""

from django.urls import re_path

from downloads.views.settings import paths as places
from downloads.views.todo import review as decide

urlpatterns = [
    re_path(r"^decide/?$", decide.undecided, name="undecided"),
    re_path(r"^decide/(?P<pk>[0-9]{1,18})/?$", decide.decide, name="decide"),
    re_path(r"^decide/(?P<pk>[0-9]{1,18})/sound/?$", decide.sound, name="sound"),
    # Buttons: POST only.
    re_path(
        r"^decide/candidates/(?P<candidate>[0-9]{1,18})/(?P<deed>take|never|take-back)/?$", decide.judge, name="judge"
    ),
    re_path(r"^decide/(?P<pk>[0-9]{1,18})/address/?$", decide.use_address, name="use_address"),
    re_path(r"^decide/(?P<pk>[0-9]{1,18})/search/?$", decide.search_again, name="search_again"),
    re_path(r"^paths/?$", places.paths, name="paths"),
    re_path(r"^paths/save/?$", places.save, name="save_template"),
    re_path(r"^paths/move/(?P<kind>apply|undo)/?$", places.move, name="move_files"),
]
