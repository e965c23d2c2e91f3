"""A question before what touches many songs or moves files: a page that posts the same form once more."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog.web.permissions import page_of_button

FIELD = "confirmed"
CONFIRM_ABOVE = 100  # songs that a button changes without a question
OWN = (FIELD, "csrfmiddlewaretoken", "next")


def confirmed(request: HttpRequest) -> bool:
    return FIELD in request.POST


def confirmation(request: HttpRequest, question: str, button: str, text: str = "") -> HttpResponse:
    """The question, with the number in it. Yes repeats the POST, no leads back; nothing has happened before."""
    fields = [(name, value) for name, values in request.POST.lists() for value in values if name not in OWN]
    way_back = request.POST.get("next") or page_of_button(request)
    context = {"question": question, "text": text, "button": button, "fields": fields, "way_back": way_back}
    return render(request, "confirm.html", context)
