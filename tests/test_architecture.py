"""The house rules that a reader relies on: imports run one way, and each outside library has one door."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("config", "downloads", "catalog")  # each may import those after it

# Library -> the only modules of the product that import it.
ONE_DOOR = {
    "spotipy": {"catalog/spotify/auth.py", "catalog/spotify/client.py"},
    "mutagen": {"catalog/tags/audio_tags.py", "catalog/tags/tag_fields.py"},
    "watchdog": {"catalog/scanning/watcher.py"},
    "yt_dlp": {"downloads/fetch/ytdlp.py"},
    "ytmusicapi": {"downloads/search/youtube_music.py"},
    "waitress": {"config/process/web_server.py"},
    "prometheus_client": {"catalog/reports/metrics.py"},
    "segno": {"catalog/views/people.py"},
    "tqdm": {"catalog/system/console.py", "demo/run.py"},
    "apprise": {"downloads/notify/apprise_process.py"},
    "django_q": {"downloads/jobs/queue.py", "downloads/jobs/cluster.py"},  # wake-ups and its tables; its processes
    "supervisor": {
        "config/process/supervisor.py",
        "config/process/event_listener.py",
    },  # the manager, and what it starts
}

# Who may use `subprocess`: foreign programs are started by one function, with a clean environment and limits.
STARTS_PROGRAMS = {
    "catalog/system/programs.py",
    "catalog/scanning/scan_worker.py",  # this Python, without any environment
    "config/process/supervisor.py",  # `cat`, before supervisord starts
    "downloads/fetch/sandbox.py",  # ties what yt-dlp starts to its process; starts nothing
}

# Who may touch os.environ, and why. Everybody else asks django.conf.settings.
ENVIRONMENT = {
    "config/settings.py": "reads every setting",
    "manage.py": "names the settings module",
    "config/wsgi.py": "names the settings module",
    "catalog/system/programs.py": "passes a few names on to the programs that it starts, no secret among them",
}

# Values only: no Django, so that they can be read, tested and timed alone.
PURE = {
    "catalog/music/identity.py",
    "catalog/music/path_template.py",
    "catalog/music/records.py",
    "downloads/failures/backoff.py",
    "downloads/failures/kinds.py",
    "downloads/failures/classify.py",
    "downloads/fetch/child.py",
    "downloads/matching/score.py",
    "catalog/system/child_lifetime.py",
    "catalog/system/programs.py",
    "config/process/event_listener.py",
    "config/log_redaction.py",
}

VAGUE = {"utils", "helpers", "services", "managers", "common"}


def modules(*rooms: str) -> list[str]:
    """Paths of a room's own modules, relative to the root."""
    return sorted(
        str(path.relative_to(ROOT))
        for room in rooms
        for path in (ROOT / room).rglob("*.py")
        if "migrations" not in path.parts
    )


@cache
def tree(module: str) -> ast.Module:
    return ast.parse((ROOT / module).read_text(), module)


@cache
def imported(module: str) -> list[str]:
    """Dotted names of everything that a module imports, also inside functions."""
    return list(_imported(module))


def _imported(module: str) -> Iterator[str]:
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively"
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def rooms_of(module: str) -> set[str]:
    return {name.split(".")[0] for name in imported(module)}


@pytest.mark.parametrize("place", range(len(ROOMS)))
def test_imports_run_one_way(place: int) -> None:
    above = set(ROOMS[:place]) | {"tests", "demo", "bench"}
    wrong = {module: rooms_of(module) & above for module in modules(ROOMS[place])}
    assert {module: found for module, found in wrong.items() if found} == {}


@pytest.mark.parametrize("library", ONE_DOOR)
def test_each_library_has_one_door(library: str) -> None:
    assert {module for module in modules(*ROOMS, "demo") if library in rooms_of(module)} == ONE_DOOR[library]


def test_foreign_programs_are_started_in_one_place() -> None:
    assert {module for module in modules(*ROOMS) if "subprocess" in rooms_of(module)} == STARTS_PROGRAMS


def touches_environment(module: str) -> bool:
    return any(
        (isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"})
        or (isinstance(node, ast.alias) and node.name in {"environ", "getenv"})
        for node in ast.walk(tree(module))
    )


def test_the_environment_is_read_by_the_settings_alone() -> None:
    found = {module for module in [*modules(*ROOMS), "manage.py"] if touches_environment(module)}
    assert found == set(ENVIRONMENT)


@pytest.mark.parametrize("module", sorted(PURE))
def test_pure_modules_know_no_django(module: str) -> None:
    """Themselves and everything of ours that they import."""
    seen, to_see = set(), [module]
    while to_see:
        seen.add(one := to_see.pop())
        assert "django" not in rooms_of(one), f"{module} reaches Django through {one}"
        paths = {f"{name.replace('.', '/')}.py" for name in imported(one) if name.split(".")[0] in ROOMS}
        to_see += [path for path in paths if (ROOT / path).is_file() and path not in seen]


def test_a_file_is_named_after_a_deed_or_a_thing() -> None:
    assert [module for module in modules(*ROOMS, "demo") if Path(module).stem in VAGUE] == [
        "catalog/models/services.py"  # rows of class Service
    ]


def test_the_product_does_not_know_the_word_demo() -> None:
    words = [module for module in modules(*ROOMS) if "demo" in (ROOT / module).read_text().lower().split()]
    assert words == []


# Who removes, renames or links files, and where. In the music folder only `own_folders` and what asks it may.
REMOVERS = {
    "catalog/db/backup.py": "its own temporary folder beside the backup",
    "catalog/library/playlist_files.py": "playlists with our mark, in an opened folder",
    "catalog/storage/own_folders.py": "the door to the folders of ours in the music folder",
    "catalog/storage/state.py": "a damaged marker, on a person's word",
    "catalog/system/atomic_files.py": "drafts of its own",
    "catalog/tags/tag_cache.py": "a damaged cache in DATA_DIR",
    "downloads/audio/convert.py": "in the stage that a child process works in",
    "downloads/fetch/guest_cookies.py": "a guest's cookies in DATA_DIR",
    "downloads/fetch/ytdlp.py": "old player scripts in DATA_DIR",
    "downloads/jobs/maintenance.py": "its own older backups in DATA_DIR",
    "downloads/jobs/uploads.py": "DATA_DIR",
    "downloads/publishing/staging.py": "stages of its own in DATA_DIR, where a mount of the library cannot rename",
    "downloads/publishing/retag.py": "a track's file by its tagged copy, if nobody wrote to it meanwhile",
    "downloads/publishing/link_method.py": "files by their new name, never over another",
}
REMOVALS = {"unlink", "remove", "rmdir", "removedirs", "rename", "renames", "replace", "link", "rmtree", "move"}


def removes_files(module: str) -> bool:
    """Whether a module calls one of the functions of `os` or `shutil` that take names away."""
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in REMOVALS
        and isinstance(node.value, ast.Name)
        and node.value.id in {"os", "shutil"}
        for node in ast.walk(tree(module))
    )


def test_files_are_removed_and_moved_through_few_doors() -> None:
    found = {module for module in modules("catalog", "downloads") if removes_files(module)}
    assert found == set(REMOVERS)


# --- Levels -----------------------------------------------------------------------------------------------

# From the bottom up; each package may import those of the lines before its own (docs/architecture.md).
LEVELS = [
    {"catalog.text"},
    {"catalog.system", "catalog.music"},
    {"catalog.db", "catalog.tags"},
    {"catalog.models"},
    {"catalog.tracks", "catalog.storage", "catalog.web"},
    {"catalog.scanning", "catalog.ingest", "catalog.reports"},
    {"catalog.library", "catalog.importers", "catalog.spotify"},
    {"catalog.views"},
    {"downloads.matching", "downloads.models"},
    {"downloads.failures"},
    {"downloads.audio", "downloads.publishing"},
    {"downloads.fetch"},
    {"downloads.search", "downloads.health"},
    {"downloads.review", "downloads.file_moves"},
    {"downloads.notify", "downloads.players"},
    {"downloads.worker"},
    {"downloads.jobs"},
    {"downloads.api", "downloads.views"},
]
LEVEL = {package: number for number, packages in enumerate(LEVELS) for package in packages}
MOST_MODULES = 12


def package_of(dotted: str) -> str:
    return ".".join(dotted.split(".")[:2])


def packages() -> set[str]:
    folders = {
        package_of(".".join(Path(module).with_suffix("").parts))
        for module in modules("catalog", "downloads")
        if len(Path(module).parts) > 2
    }
    return folders - {f"{app}.{name}" for app in ("catalog", "downloads") for name in ("management", "templatetags")}


def test_each_package_has_a_level() -> None:
    assert packages() | {"downloads.models"} == set(LEVEL)


@pytest.mark.parametrize("package", sorted(LEVEL))
def test_a_package_imports_only_packages_below_it(package: str) -> None:
    ours = [one for one in modules("catalog", "downloads") if package_of(dotted(one)) == package]
    upward = {
        f"{module} imports {name}"
        for module in ours
        for name in imported(module)
        if (target := package_of(name)) in LEVEL and target != package and LEVEL[target] >= LEVEL[package]
    }
    assert upward == set()


def dotted(module: str) -> str:
    return ".".join(Path(module).with_suffix("").parts).removesuffix(".__init__")


@pytest.mark.parametrize("package", sorted(LEVEL))
def test_the_modules_of_a_package_form_no_circle(package: str) -> None:
    ours = {dotted(one): one for one in modules("catalog", "downloads") if package_of(dotted(one)) == package}
    left = {name: {other for other in imported(path) if other in ours and other != name} for name, path in ours.items()}
    left.pop(package, None)  # an __init__ that gathers its modules
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    assert sorted(left) == []


def test_no_folder_has_more_modules_than_a_person_can_look_over() -> None:
    folders: dict[str, int] = {}
    for module in modules(*ROOMS):
        path = Path(module)
        if path.name != "__init__.py" and path.parent.name != "commands":
            folders[str(path.parent)] = folders.get(str(path.parent), 0) + 1
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}


def test_each_level_stands_in_the_page_about_the_architecture() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    assert [package for package in LEVEL if package.replace(".", "/") not in page and "models" not in package] == []
    files = re.findall(r"`((?:catalog|downloads|config)/[\w/]+\.py)`", page)
    assert len(files) > 10
    assert [file for file in files if not (ROOT / file).is_file()] == []


def test_a_migration_asks_the_database_that_it_is_run_on() -> None:
    """`move_to` and `restore` run them on another one than the default, which is read-only then."""
    sources = [path for app in ("catalog", "downloads") for path in (ROOT / app / "migrations").glob("0*.py")]
    lost = [path.name for path in sources if re.search(r"\.objects\b(?!\.using\()", path.read_text())]
    assert lost == []
