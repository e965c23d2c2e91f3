"""The API for other programs, under ``/api/v1/``. Its description stands at ``/api/v1/openapi.json``."""
