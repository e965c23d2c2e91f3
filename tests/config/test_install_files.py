"""The files that install it agree with the program: their variables exist, their paths are there, the image is lean."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[2]
OF_THE_IMAGE = {"PUID", "PGID", "UMASK"}


def known() -> set[str]:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    return set(re.findall(r"^#?([A-Z_]+)=", text, re.MULTILINE)) | OF_THE_IMAGE


def test_compose_names_variables_that_the_program_reads() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    ours = services["tonekeep"]
    assert set(ours["environment"]) <= known()
    assert (
        ours["read_only"] is True and ours["cap_drop"] == ["ALL"] and "no-new-privileges:true" in ours["security_opt"]
    )
    assert services["postgres"]["profiles"] == ["postgres"]


def test_the_unraid_template_names_variables_that_the_program_reads() -> None:
    root = ElementTree.parse(ROOT / "docker" / "unraid.xml").getroot()
    found = {one.get("Target") for one in root.iter("Config") if one.get("Type") == "Variable"}
    assert found <= known()
    paths = {one.get("Target") for one in root.iter("Config") if one.get("Type") == "Path"}
    assert paths == {"/data", "/music"}


def test_what_the_image_copies_is_there_and_let_through() -> None:
    allowed = set((ROOT / ".dockerignore").read_text().split())
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            for source in line.split()[1:-1]:
                assert (ROOT / source).exists(), source
                assert f"!{source.split('/')[0]}" in allowed, source


@pytest.mark.parametrize("name", ["entrypoint", "healthcheck"])
def test_the_scripts_are_shell_and_may_run(name: str) -> None:
    path = ROOT / "docker" / name
    assert path.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", path], check=True)


@pytest.mark.parametrize(
    ("puid", "sentence"), [("kim", "must be numbers"), ("0", "does not run as root"), ("", "must be numbers")]
)
def test_the_entrypoint_refuses_a_user_that_is_none_in_a_sentence(puid: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "id").write_text("#!/bin/sh\necho 0\n")  # as root, whoever runs this test
    (tmp_path / "id").chmod(0o755)
    done = subprocess.run(
        ["sh", ROOT / "docker" / "entrypoint", "run"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PUID": puid, "PGID": "1000" if puid else "", "UMASK": "022"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1 and sentence in done.stderr
