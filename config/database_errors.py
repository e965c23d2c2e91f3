"""What a database error means to a person."""

from __future__ import annotations

# What the drivers say (psycopg 3, sqlite3), and the cure. First match wins.
SENTENCES = (
    ("no such table", "The catalog has no tables yet. Run `python manage.py migrate` first."),
    ("no such column", "The catalog is older than the program. Run `python manage.py migrate` first."),
    (
        "does not exist",
        "The database or its tables are not there. Create the database, then run `python manage.py migrate`.",
    ),
    (
        "unable to open database file",
        "The database file cannot be opened. Check DATABASE_URL or DATA_DIR and its rights.",
    ),
    (
        "database is locked",
        "The database stayed busy for 20 seconds. Try again; if it stays so, look for a stuck process.",
    ),
    (
        "disk is full",
        "The disk that holds the database is full. Make room, then try again; nothing was lost.",
    ),
    ("authentication failed", "The database refused user or password. Check DATABASE_URL."),
    ("failed to resolve host", "The database's host is not known. Check DATABASE_URL."),
    ("connection", "The database does not answer. Check DATABASE_URL and that the server runs."),
)


def sentence(error: Exception) -> str:
    """One sentence for a driver's error. The driver's own text may hold the password and is not repeated."""
    said = str(error).lower()
    return next((cure for sign, cure in SENTENCES if sign in said), "The database cannot be used. Check DATABASE_URL.")
