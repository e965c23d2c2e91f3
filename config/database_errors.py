"""What a database error means to a person."""

from __future__ import annotations

from catalog.system.command_line import command

URL_PART = "A part of DATABASE_URL cannot be used. Check it; a password's special characters are written as %XX."
# What the drivers say (psycopg 3, sqlite3), and the cure. First match wins.
SENTENCES = (
    ("no such table", "The catalog has no tables yet. Run `{migrate}` first."),
    ("no such column", "The catalog is older than the program. Run `{migrate}` first."),
    ("file is not a database", "The file that DATABASE_URL names is no SQLite database. Name another one."),
    ("malformed", "The database file is damaged. Put a backup in its place: `{restore}`."),
    ("readonly database", "The database file may not be written to. Check the rights of it and its folder."),
    ("authentication failed", "The database refused user or password. Check DATABASE_URL."),
    ("pg_hba", "The database lets no such user in from here. Check DATABASE_URL and the server's pg_hba.conf."),
    ('role "', "The database knows no such user. Check DATABASE_URL."),
    (
        "does not exist",
        "The database or its tables are not there. Create the database, then run `{migrate}`.",
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
    ("invalid uri", URL_PART),
    ("invalid percent", URL_PART),
    ("is bad: invalid", URL_PART),
    ("invalid connection option", URL_PART),
    ("failed to resolve host", "The database's host is not known. Check DATABASE_URL."),
    ("connection", "The database does not answer. Check DATABASE_URL and that the server runs."),
)


def sentence(error: Exception) -> str:
    """One sentence for a driver's error. The driver's own text may hold the password and is not repeated."""
    text = str(error).lower()
    cure = next((cure for sign, cure in SENTENCES if sign in text), "The database cannot be used. Check DATABASE_URL.")
    return cure.format(migrate=command("migrate"), restore=command("restore FILE", stopped=True))
