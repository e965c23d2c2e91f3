"""`make` sets up its own environment, or says in one sentence what this machine lacks."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
TOO_OLD = "#!/bin/sh\nexit 1\n"
# Answers like a Python that is new enough, and like Debian's without python3-venv.
WITHOUT_VENV = '#!/bin/sh\ncase "$2" in *ensurepip*) exit 1;; esac\nexit 0\n'
# Sets up a venv with itself in it, whose pip finds no package index and says so at length.
WITHOUT_NETWORK = f"""#!/bin/sh
case "$*" in
*"-m venv"*) {shutil.which("mkdir")} -p "$4/bin" && {shutil.which("cp")} "$0" "$4/bin/python" ;;
*"pip install"*) exit 1 ;;
esac
"""


def make(folder: Path, python: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`make` where the only Python is this script; `.venv` is in the folder, the project's own stays as it is."""
    programs = folder / "bin"
    programs.mkdir()
    for name in ("sh", "touch", "sed"):
        (programs / name).symlink_to(str(shutil.which(name)))
    (programs / "python3").write_text(python)
    (programs / "python3").chmod(0o755)
    command = [str(shutil.which("make")), f"VENV={folder / 'venv'}", "SHELL=/bin/sh", *words]
    return subprocess.run(command, cwd=ROOT, env={"PATH": str(programs)}, capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize("target", ["run", "demo", "test", "check", "bench", "torture", "mutants", "update-ytdlp"])
def test_a_missing_python_is_one_sentence_whatever_was_asked_for(tmp_path: Path, target: str) -> None:
    refused = make(tmp_path, TOO_OLD, target)
    assert refused.returncode == 2
    first, *rest = refused.stderr.splitlines()
    assert first.startswith("Tonekeep needs Python 3.11 or newer")
    assert len(rest) == 1, "make's own line, and nothing else"
    assert not (tmp_path / "venv").exists()


def test_a_python_without_venv_is_one_sentence_with_the_cure(tmp_path: Path) -> None:
    refused = make(tmp_path, WITHOUT_VENV, "setup")
    assert refused.returncode == 2
    assert "apt install python3-venv" in refused.stderr
    assert len(refused.stderr.splitlines()) == 2


def test_a_package_index_out_of_reach_is_one_sentence_and_the_next_make_tries_again(tmp_path: Path) -> None:
    refused = make(tmp_path, WITHOUT_NETWORK, "setup")
    assert refused.returncode == 2
    _, sentence, *rest = refused.stderr.splitlines()
    assert "is the package index within reach?" in sentence
    assert len(rest) == 1, "make's own line"
    assert (tmp_path / "venv" / "bin" / "python").exists()
    assert not (tmp_path / "venv" / ".requirements").exists()


@pytest.mark.parametrize(
    ("words", "database"), [([], "sqlite"), (["DB=postgres"], "postgres"), (["ARGS=-k nothing"], "sqlite")]
)
def test_tests_run_on_sqlite_whatever_the_environment_says(tmp_path: Path, words: list[str], database: str) -> None:
    command = ["make", "--dry-run", f"VENV={tmp_path}", "test", *words]
    said = subprocess.run(
        command, cwd=ROOT, env={"PATH": "/usr/bin:/bin", "DB": "mysql"}, capture_output=True, text=True
    )
    assert f"DB={database} " in said.stdout
    assert said.returncode == 0
