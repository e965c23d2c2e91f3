"""Commands in sentences: as they are run on this machine, so that they can be pasted; written in one place."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

from django.conf import LazySettings
from django.template import Context, Template

from catalog.system.command_line import command, update_ytdlp
from config import database_errors

ROOT = Path(__file__).resolve().parents[3]


def test_a_command_can_be_pasted_in_the_programs_folder() -> None:
    done = subprocess.run(command("status --help"), shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "usage: manage.py status" in done.stdout


def test_the_image_names_its_own(settings: LazySettings, tmp_path: Path) -> None:
    settings.COMMAND_PREFIX, settings.BASE_DIR = "docker exec -it tonekeep tonekeep", tmp_path
    assert command("plan --accept") == "docker exec -it tonekeep tonekeep plan --accept"
    assert command("restore FILE", stopped=True) == "docker compose run --rm tonekeep restore FILE"
    page = Template('{% load display %}{% command "setup_link" %}').render(Context())
    assert page == "docker exec -it tonekeep tonekeep setup_link"
    assert "tonekeep tonekeep migrate`" in database_errors.sentence(Exception("no such table: x"))
    assert update_ytdlp() == "take a newer image"


def test_the_image_offers_what_it_names() -> None:
    text = (ROOT / "Dockerfile").read_text()
    prefix = re.search(r'COMMAND_PREFIX="docker exec -it (\w+) (\w+)"', text)
    assert prefix and f"ln -s entrypoint /usr/local/bin/{prefix[2]}" in text
    assert f"container_name: {prefix[1]} " in (ROOT / "compose.yaml").read_text()
    assert f"<Name>{prefix[1]}</Name>" in (ROOT / "docker" / "unraid.xml").read_text()


def said(path: Path) -> list[str]:
    """The texts of a module, its docstrings aside."""
    tree = ast.parse(path.read_text())
    notes = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in notes]
    return [node.value for node in constants if isinstance(node.value, str)]


def test_no_sentence_writes_a_command_itself() -> None:
    sources = [path for room in ("catalog", "downloads", "config") for path in (ROOT / room).rglob("*.py")]
    found = {path.relative_to(ROOT): text for path in sources for text in said(path) if "manage.py" in text}
    titles = {f"downloads/jobs/{name}.py" for name in ("__init__", "rehearsal")}  # of processes, as `ps` shows them
    assert set(map(str, found)) == titles | {"config/settings.py"}  # says how commands begin


def test_what_storage_says_names_pages_alone() -> None:
    """It is stored, and read on pages and phones."""
    assert [text for path in (ROOT / "catalog" / "storage").glob("*.py") for text in said(path) if "`" in text] == []


def test_no_page_writes_a_command_itself() -> None:
    assert [path.name for path in (ROOT / "templates").rglob("*.html") if "manage.py" in path.read_text()] == []


def test_another_python_is_named_by_its_whole_path(tmp_path: Path) -> None:
    say = f"import sys; sys.executable = '{tmp_path}/a b/python'; from config import settings as s; "
    say += "print(s.COMMAND_PREFIX)"
    environment = {"DATA_DIR": str(tmp_path / "data"), "ENV_FILE": "/dev/null"}
    done = subprocess.run([sys.executable, "-c", say], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.stdout == f"'{tmp_path}/a b/python' manage.py\n"
