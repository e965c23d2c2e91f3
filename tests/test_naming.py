"""The names stay the field's: old words are refused, dotted names in docstrings import, folders stay small."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PRODUCT = ("config", "downloads", "catalog")
OURS = (*PRODUCT, "demo", "bench", "tests")
MAX_MODULES = 12  # of one folder, without __init__.py

# Words of the first version that only its author knew -> the field's.
OLD_MODULES = {
    "aside": "superseded",
    "blame": "circuit_breaker",
    "breath": "write_yield",
    "care": "reconcile_hooks",
    "decision_files": "decision_export",
    "dressing": "tagging",
    "due": "schedule",
    "endings": "truncation",
    "former": "restore",
    "half_read": "checkpoint",
    "likeness": "similarity",
    "listening": "audio_stream",
    "looking": "scan",
    "lookout": "scan_worker",
    "many": "id_sets",
    "marks": "wanted",
    "outside": "services",
    "own_files": "existing_file",
    "pacing": "rate_limit",
    "parent_death": "child_lifetime",
    "placing": "atomic_files",
    "points": "failpoints",
    "readings": "title_parser",
    "recognise": "resolve",
    "sealing": "encryption",
    "stamps": "folder_stamp",
    "strangers": "untracked",
    "wording": "humanize",
    "torture": "crash",
    "fire": "faults",
    "acceptance": "cli",
    "end_to_end": "e2e",
    "stand_ins": "fakes",
}
OLD_SYMBOLS = {
    "Ask": "Expectation",
    "Budget": "RateLimit",
    "Doubt": "AdoptionMatch",
    "Fence": "NetworkSandbox",
    "Finding": "ScanResult",
    "Ground": "Workspace",
    "HalfRead": "Checkpoint",
    "Keeper": "ProcessWatcher",
    "LibraryReading": "LibraryReader",
    "Looker": "FolderScanner",
    "Lookout": "ScanWorker",
    "Pace": "RateLimitState",
    "Print": "FingerprintHash",
    "Proof": "VerifiedAudio",
    "Settler": "EventDebouncer",
    "Sight": "RootProbe",
    "Sound": "AudioFile",
    "Standing": "AccountStatus",
    "TooEarly": "RateLimited",
    "Trust": "FilesystemTrust",
    "Wish": "TrackQuery",
    "are_twins": "are_duplicates",
    "dress": "write_tags",
    "gives_way": "must_be_replaced",
    "let_others_write": "yield_write_lock",
    "mark_around": "refresh_wanted_flags",
    "merge_twins": "merge_duplicates",
    "one_moment": "snapshot_read",
    "only_one": "try_lock",
    "put_aside": "move_to_trash",
    "send_away": "reject",
    "why_not": "reason_not_to_work",
    "HARD": "EXCLUSIVE",
    "LOOKED_AT": "SCAN_LIMIT",
    "NOWHERE": "NO_FOLDERS",
    "PLENTY": "TOOL_TIMEOUT",
    "SOFT": "COSMETIC",
    "TOGETHER": "BATCH",
}
DOTTED = re.compile(rf"`((?:{'|'.join(OURS)})(?:\.\w+)+)(?:\(\))?`")


def modules(*folders: str) -> list[Path]:
    """Their Python files, migrations aside: those are history and keep the names of their day."""
    found = (path for folder in folders for path in (ROOT / folder).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def definitions(path: Path) -> Iterator[tuple[str, int]]:
    """Names and lines of the classes, functions and constants that a module defines."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.Assign):
            yield from ((name.id, node.lineno) for name in node.targets if isinstance(name, ast.Name))


def docstrings(path: Path) -> Iterator[str]:
    documented = ast.Module | ast.FunctionDef | ast.ClassDef
    for node in ast.walk(tree(path)):
        if isinstance(node, documented) and (text := ast.get_docstring(node)):
            yield text


def test_no_module_or_folder_has_an_old_name() -> None:
    parts = {part.removesuffix(".py") for path in modules(*OURS) for part in path.relative_to(ROOT).parts}
    parts |= {part.removeprefix("test_") for part in parts}
    assert {old: OLD_MODULES[old] for old in parts & OLD_MODULES.keys()} == {}


def test_nothing_is_defined_under_an_old_name() -> None:
    old = [
        f"{path.relative_to(ROOT)}:{line} {name}: call it {OLD_SYMBOLS[name]}"
        for path in modules(*OURS)
        for name, line in definitions(path)
        if name in OLD_SYMBOLS
    ]
    assert old == []


@pytest.mark.parametrize("folder", OURS)
def test_dotted_names_in_docstrings_import(folder: str) -> None:
    lost = []
    for path in modules(folder):
        for name in (name for text in docstrings(path) for name in DOTTED.findall(text)):
            try:
                pkgutil.resolve_name(name)
            except (ImportError, AttributeError):
                lost.append(f"{path.relative_to(ROOT)}: {name}")
    assert lost == []


def test_no_folder_holds_more_modules_than_fit_on_a_glance() -> None:
    sizes = Counter(str(path.parent.relative_to(ROOT)) for path in modules(*PRODUCT) if path.name != "__init__.py")
    del sizes["downloads/management/commands"]  # a file for each command: the framework's folder
    assert {folder: n for folder, n in sizes.items() if n > MAX_MODULES} == {}


def test_an_import_inside_a_function_says_why() -> None:
    silent = []
    for path in modules(*PRODUCT):
        lines = path.read_text().splitlines()
        for number in _inner_imports(ast.parse("\n".join(lines))):
            if not any(_is_commented(lines[at]) for at in _statement_block(lines, number)):
                silent.append(f"{path.relative_to(ROOT)}:{number} {lines[number - 1].strip()}")
    assert silent == []


def _inner_imports(tree: ast.Module) -> set[int]:
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {n.lineno for f in functions for n in ast.walk(f) if isinstance(n, ast.Import | ast.ImportFrom)}


def _is_commented(line: str) -> bool:
    return bool(re.search(r"# (?!noqa: \w+$)", line))


def _statement_block(lines: list[str], number: int) -> Iterator[int]:
    """Indexes of the import's line and of those above it, up to and with the first that is no import."""
    at = number - 1
    yield at
    while not lines[at].strip(" )") or lines[at].lstrip().startswith(("import ", "from ")) or lines[at].endswith(","):
        at -= 1
        yield at
