"""Addresses of the catalog's own pages. An optional slash at the end: addresses are typed by hand."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import re_path

from catalog.views import account, browse, people, setup, status
from catalog.web.known_browser import remember_browser
from catalog.web.throttled_login import ThrottledLogin

urlpatterns = [
    re_path(r"^status/?$", status.status_json, name="status_json"),
    re_path(r"^metrics/?$", status.metrics, name="metrics"),
    re_path(r"^artists/?$", browse.artist_list, name="artists"),
    re_path(r"^albums/?$", browse.album_list, name="albums"),
    re_path(r"^setup/(?P<token>[\w-]{20,100})/?$", setup.first_admin, name="first_admin"),
    re_path(r"^people/?$", people.people, name="people"),
    re_path(
        r"^people/(?P<pk>[0-9]{1,18})/(?P<deed>role|reset|disable|enable|remove)/?$",
        people.change_person,
        name="change_person",
    ),
    re_path(r"^people/links/(?P<pk>[0-9]{1,18})/take-back/?$", people.take_back, name="take_back_link"),
    re_path(r"^join/(?P<token>[\w-]{20,100})/?$", people.join, name="join"),
    re_path(r"^account/?$", account.account, name="account"),
    re_path(r"^account/sessions/end/?$", account.end_sessions, name="end_sessions"),
    re_path(r"^account/tokens/new/?$", account.new_token, name="new_token"),
    re_path(r"^account/tokens/(?P<pk>[0-9]{1,18})/revoke/?$", account.revoke_token, name="revoke_token"),
    re_path(
        r"^login/?$",
        remember_browser(LoginView.as_view(template_name="login.html", authentication_form=ThrottledLogin)),
        name="login",
    ),
    re_path(r"^logout/?$", LogoutView.as_view(next_page="/"), name="logout"),
]
