"""The files that install it agree with the program: their variables exist, their paths are there, the image is lean."""

from __future__ import annotations

import json
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


def test_compose_is_what_the_compose_specification_allows() -> None:
    """By the schema that docker-compose 1.29.2 brings (Apache License 2.0), with ``${…}`` filled in by its defaults."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    schema = json.loads((Path(__file__).with_name("compose_spec.json")).read_text())
    text = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", (ROOT / "compose.yaml").read_text())
    assert "${" not in text
    compose = yaml.safe_load(text)
    checker = jsonschema.Draft7Validator(schema)
    assert [error.message for error in checker.iter_errors(compose)] == []
    compose["services"]["tonekeep"]["restrat"] = "always"  # the schema does refuse what it does not know
    assert list(checker.iter_errors(compose))


CASAOS = {
    *("main", "title", "tagline", "description", "category", "architectures", "scheme", "port_map", "index", "icon"),
    *("author", "developer", "thumbnail", "screenshot_link", "tips", "store_app_id", "is_uncontrolled", "hostname"),
}


def test_what_casaos_is_told_are_fields_that_it_reads() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    told = compose["x-casaos"]
    assert set(told) <= CASAOS and told["main"] in compose["services"]
    assert f":{told['port_map']}" in compose["services"][told["main"]]["ports"][0]
    assert all(set(told[name]) == {"en_us"} for name in ("title", "tagline"))


def test_the_unraid_template_has_the_published_fields_of_a_container_of_version_2() -> None:
    root = ElementTree.parse(ROOT / "docker" / "unraid.xml").getroot()
    assert (root.tag, root.get("version")) == ("Container", "2")
    known = {"Name", "Repository", "Network", "Privileged", "Overview", "Category", "WebUI", "ExtraParams", "Config"}
    assert {child.tag for child in root} == known
    fields = {"Name", "Target", "Default", "Mode", "Description", "Type", "Display", "Required", "Mask"}
    for one in root.iter("Config"):
        assert set(one.keys()) == fields, one.get("Name")
        assert one.get("Type") in {"Port", "Path", "Variable", "Label", "Device"}
        assert one.get("Display") in {"always", "advanced", "always-hide", "advanced-hide"}
        assert one.get("Mode") in {"Port": {"tcp", "udp"}, "Path": {"rw", "ro"}}.get(one.get("Type", ""), {""})
        assert {one.get("Required"), one.get("Mask")} <= {"true", "false"}
    assert root.findtext("WebUI") == "http://[IP]:[PORT:8000]/"
    assert (root.findtext("Category") or "").split() == ["MediaApp:Music", "Downloaders:"]
    assert root.findtext("Privileged") == "false"


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
