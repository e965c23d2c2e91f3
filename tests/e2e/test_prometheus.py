"""A real Prometheus reads /metrics with a token; the dashboard's queries and the alert rules find what they ask for."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest

from demo.archive import Song
from tests.e2e.installation import PROJECT, SONGS, HeldArchive, Installation, eventually
from tests.ports import free_port

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not (shutil.which("prometheus") and shutil.which("promtool")),
        reason="Prometheus is not installed (Debian: apt install prometheus)",
    ),
]
RULES = PROJECT / "docs" / "monitoring" / "alerts.yml"
DASHBOARD = PROJECT / "docs" / "monitoring" / "grafana-dashboard.json"
NOT_THERE = Song("s9", "Song Nobody Has", ("Test Choir",), "s9.mp3", "First", 4000)

# Alert -> series that last for two days, from which it must have come at the end.
FIRES = {
    "TonekeepFolderMissing": ["tonekeep_storage_online 0"],
    "TonekeepWorkersSilent": ['tonekeep_worker_silent_seconds{cluster="default"} 301'],
    "TonekeepPaused": ['tonekeep_service_paused{service="audio"} 1'],
    "TonekeepQueueStands": ["tonekeep_queue_age_seconds 86401", "tonekeep_storage_online 1"],
    "TonekeepDiskAlmostFull": ["tonekeep_storage_free_bytes 4000000000"],
}
CALM = [
    "tonekeep_storage_online 1",
    'tonekeep_worker_silent_seconds{cluster="default"} 60',
    'tonekeep_service_paused{service="audio"} 0',
    'tonekeep_service_paused{service="spotify"} 1',
    "tonekeep_queue_age_seconds 600",
    "tonekeep_storage_free_bytes 5000000001",
]


def test_each_alert_comes_when_it_should_and_none_in_quiet_times(tmp_path: Path) -> None:
    cases = [([name], series) for name, series in FIRES.items()] + [([], CALM)]
    written = {
        "rule_files": [str(RULES)],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [
                    {"series": one.rpartition(" ")[0], "values": f"{one.rpartition(' ')[2]}+0x2880"} for one in series
                ],
                "promql_expr_test": [
                    {
                        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": "2d",
                        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in names],
                    }
                ],
            }
            for names, series in cases
        ],
    }
    (tmp_path / "tests.yml").write_text(json.dumps(written))  # YAML holds JSON
    said = subprocess.run(["promtool", "test", "rules", tmp_path / "tests.yml"], capture_output=True, text=True)
    assert said.returncode == 0, said.stdout + said.stderr
    assert set(re.findall(r"alert: (\w+)", RULES.read_text())) == FIRES.keys()


def test_prometheus_reads_the_metrics_with_a_token_and_the_dashboard_has_data(
    tmp_path: Path, archive: HeldArchive
) -> None:
    with Installation(tmp_path / "home", archive, STATUS_PUBLIC="false") as installation:
        installation.command("add_person", "anna", "--role", "owner")
        token = installation.command("api_token", "anna", "--name", "prometheus").stdout.split()[-1]
        installation.start()
        eventually(lambda: "ok" in _health(installation), "it runs")
        with _prometheus(tmp_path / "prometheus", installation.port, token) as ask:
            eventually(lambda: _values(ask("query", query="up")) == [1.0], "a scrape with the token")
            installation.import_songs(*SONGS, NOT_THERE)
            queries = [one["expr"] for panel in _panels() for one in panel["targets"]]
            assert len(queries) > 10

            def without_data() -> list[str]:
                return [query for query in queries if not _values(ask("query", query=query))]

            eventually(lambda: not without_data(), "every query of the dashboard has data", 120)
            rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
            assert {rule["health"] for rule in rules} == {"ok"} and len(rules) == len(FIRES)
            assert {rule["state"] for rule in rules} == {"inactive"}
            for name in set(re.findall(r"tonekeep_\w+", RULES.read_text())):
                assert _values(ask("query", query=name)), name


@contextmanager
def _prometheus(home: Path, port: int, token: str) -> Iterator[Any]:
    """A Prometheus that scrapes twice a second; yields a function that asks its API."""
    home.mkdir()
    own = f"127.0.0.1:{free_port()}"
    scraped = {
        "job_name": "tonekeep",
        "authorization": {"credentials": token},
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
    }
    intervals = {"scrape_interval": "500ms", "scrape_timeout": "500ms", "evaluation_interval": "1s"}
    config = {"global": intervals, "rule_files": [str(RULES)], "scrape_configs": [scraped]}
    (home / "prometheus.yml").write_text(json.dumps(config))
    subprocess.run(["promtool", "check", "config", home / "prometheus.yml"], check=True, capture_output=True)
    words = [f"--config.file={home}/prometheus.yml", f"--storage.tsdb.path={home}/data", f"--web.listen-address={own}"]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(["prometheus", *words], stdout=log, stderr=log)

    def ask(what: str, **parameters: str) -> Any:
        try:
            with urlopen(f"http://{own}/api/v1/{what}?{urlencode(parameters)}", timeout=10) as answer:
                return json.load(answer)["data"]
        except (URLError, ConnectionError):
            return {"result": []}

    try:
        yield ask
    finally:
        process.terminate()
        process.wait(20)


def _values(data: dict[str, Any]) -> list[float]:
    """Those that are numbers: a quantile of nothing is NaN."""
    values = [float(row["value"][1]) for row in data["result"]]
    return [value for value in values if value == value]


def _panels() -> list[dict[str, Any]]:
    panels: list[dict[str, Any]] = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in panels if panel.get("targets")]


def _health(installation: Installation) -> str:
    try:
        return installation.get("/healthz")
    except (URLError, ConnectionError):
        return ""
