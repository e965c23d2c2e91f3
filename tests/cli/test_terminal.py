"""What commands print of hostile names: shown on the terminal, never obeyed by it. Real commands, real processes."""

from __future__ import annotations

import ast
import json
import os
import re
from pathlib import Path

import pytest

from tests.audio import make_audio
from tests.cli.program import PROJECT, Program

# Renames the window, clears it, goes up and over what was printed, rings, and turns the direction of writing around.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x1b[1A\r\x9b31m\u202egnp\u2066\u2028"
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
TITLES = (f"Morning {HOSTILE}", f"Noon {HOSTILE}\nEverything fits.", "Evening")


@pytest.fixture
def hostile(program: Program) -> Program:
    """A library whose titles, files, playlist and folder are hostile; one file of it is gone, one is a stranger's."""
    program.serve(*TITLES[:2])
    program.write_library(*TITLES).rename(program.home / f"liked {HOSTILE}.csv")
    program.manage("import_library", str(program.home / f"liked {HOSTILE}.csv"))
    program.manage("work", "--until-empty")
    folder = program.music / f"Stranger {HOSTILE}"
    folder.mkdir()
    for name in (f"a{HOSTILE}.mp3".encode(), b"b\xff\x1b[2J.mp3"):  # the second is no UTF-8
        os.rename(make_audio(program.home / "made.mp3", 4), os.fsencode(folder) + b"/" + name)
    return program


def said_by(program: Program, *words: str) -> str:
    """All that a command prints, on both streams."""
    done = program.run(*words)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout + done.stderr


# Each command that prints names, and a word of what it must have said of them.
SAID = (
    (["import_library", "CSV"], "liked"),
    (["import_library", "BROKEN"], "broken"),
    (["decisions", "import", "DECISIONS"], "refused"),
    (["check_library"], "Stranger"),
    (["reconcile", "--full"], "missing: Maria Ruiz"),
    (["adopt", f"nowhere {HOSTILE}"], "owned"),
    (["adopt"], "audio files"),
    (["move_files", "--plan", "--template", "{artist}/x {title}"], "->"),
    (["playlists"], "playlist"),
    (["bin"], "in the bin"),
    (["status"], "missing"),
    (["work", "--until-empty"], "Evening"),
)
IN_JSON = (["status"], ["check_library"], ["reconcile"], ["move_files", "--plan"])


@pytest.mark.long
def test_no_command_lets_a_name_act_on_the_terminal(hostile: Program) -> None:
    files = {"CSV": f"liked {HOSTILE}.csv", "BROKEN": f"broken {HOSTILE}.csv", "DECISIONS": "decisions.json"}
    Path(hostile.home / files["BROKEN"]).write_bytes(b"%PDF")
    _write_decisions(hostile.home / files["DECISIONS"])
    hostile.files()[0].unlink()
    hostile.time_passes()
    for words, shown in SAID:
        said = said_by(hostile, *(str(hostile.home / files[word]) if word in files else word for word in words))
        assert shown in said, (words, said)
        assert OBEYED.findall(said) == [], (words, said)
        assert "\nEverything fits." not in said, f"{words}: a title has made itself a line of its own"
    for words in IN_JSON:
        said = hostile.manage(*words, "--json")
        assert said.isascii() and OBEYED.findall(said) == [], (words, said)
        assert json.loads(said.splitlines()[-1])


def _write_decisions(path: Path) -> None:
    song = f'{{"title": "Morning {HOSTILE.encode("unicode_escape").decode()}"}}'.replace("\\x", "\\u00")
    path.write_text(f'{{"format": "tonekeep decisions", "version": 1, "decisions": [{{"song": {song}}}]}}')


def test_every_command_of_ours_prints_through_the_plain_output() -> None:
    """`migrate` is Django's own, which prints no name."""
    modules = [
        path
        for room in ("catalog", "config", "downloads")
        for path in (PROJECT / room).glob("management/commands/[a-z]*.py")
    ]
    assert len(modules) > 10
    for path in modules:
        if path.stem == "migrate":
            continue
        bases = [
            ast.unparse(base)
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.ClassDef) and node.name == "Command"
            for base in node.bases
        ]
        assert bases in (["PlainCommand"], ["ReportCommand"]), path
        assert not re.search(r"\bprint\(|sys\.stdout\.write", path.read_text()), path
