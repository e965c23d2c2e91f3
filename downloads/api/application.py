"""The API as one application: its routes, its errors as RFC 9457 problem details, and its ETags."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.docs import ABS_TPL_PATH, Swagger

from catalog.web.permissions import readers_page
from downloads.api import actions, questions
from downloads.api.auth import NotAllowed
from downloads.api.schemas import Problem

LOG_IN_FIRST = "Send a token: Authorization: Bearer …; the page /account makes one."
NOT_ALLOWED = (
    "This token may not do that: it needs scope act (page /account), and its person must be a keeper or an owner."
)

PROBLEMS = (400, 401, 403, 404, 405, 409, 411, 413, 422)  # what any address may answer


class Api(NinjaAPI):
    """With its errors in the description: django-ninja knows no media type but JSON."""

    def get_openapi_schema(self, **options: Any) -> Any:
        schema = super().get_openapi_schema(**options)
        schema["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        told = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for operation in (one for path in schema["paths"].values() for one in path.values()):
            operation["responses"] |= {
                str(status): {"description": HTTPStatus(status).phrase, "content": told} for status in PROBLEMS
            }
            if "questions" in operation["tags"]:
                operation["responses"]["304"] = {"description": "Unchanged since the ETag in If-None-Match"}
        return schema


class OwnSwagger(Swagger):
    """With the files that the library brings: it is no app of Django's here, and would take them from elsewhere."""

    template_cdn = str(ABS_TPL_PATH / "swagger.html")


api = Api(
    title="Tonekeep",
    version="1",
    urls_namespace="api",
    openapi_url="/openapi.json",
    docs_url="/docs",
    docs=OwnSwagger(),
    docs_decorator=readers_page,
    description="The state of a music library, and the buttons of its pages.",
)
api.add_router("", questions.router)
api.add_router("", actions.router)


@require_safe
def description(request: HttpRequest) -> HttpResponse:
    """`/api/v1/openapi.json`: open to everybody, as it holds nothing of the library."""
    return JsonResponse(api.get_openapi_schema())


def problem(status: int, detail: str) -> HttpResponse:
    """An error as ``application/problem+json``."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail).model_dump()
    response = JsonResponse(body, status=status, content_type="application/problem+json")
    if status == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(AuthenticationError)
def unknown_token(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(HTTPStatus.UNAUTHORIZED, LOG_IN_FIRST)


@api.exception_handler(NotAllowed)
def not_allowed(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(HTTPStatus.FORBIDDEN, NOT_ALLOWED)


@api.exception_handler(Http404)
def not_found(request: HttpRequest, error: Any) -> HttpResponse:
    return problem(HTTPStatus.NOT_FOUND, "There is nothing with this id.")


@api.exception_handler(ValidationError)
def not_valid(request: HttpRequest, error: ValidationError) -> HttpResponse:
    first = error.errors[0]
    return problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{first['loc'][-1]}: {first['msg']}.")


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: HttpError) -> HttpResponse:
    return problem(error.status_code, str(error))
