"""Give back recordings that were sent away because of the site's illness, not because of their content.

"No video formats found!" and its like counted as a proof against the recording; they say nothing of it.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations
from django.db.models import Q
from django.utils import timezone

TEXTS = ("No video formats found", "Requested format is not available", "Only images are available", "No formats")


def give_back(apps: Any, schema_editor: Any) -> None:
    alias = schema_editor.connection.alias
    candidates = apps.get_model("downloads", "Candidate").objects.using(alias)
    tracks = apps.get_model("catalog", "Track").objects.using(alias)
    by_text = Q()
    for text in TEXTS:
        by_text |= Q(why__startswith=text)
    rows = candidates.filter(by_text, verdict__in=["disproved", "chosen"])
    ids = set(rows.values_list("track", flat=True))
    rows.filter(verdict="disproved").update(verdict="", why="")
    rows.filter(verdict="chosen").update(why="")
    failed = ("no_audio", "no_match", "needs_decision", "choice_failed")
    for start in range(0, len(ids), 500):
        part = sorted(ids)[start : start + 500]
        waiting = tracks.filter(pk__in=part, status="missing", error_kind__in=failed)
        waiting.update(retry_after=timezone.now(), attempts=0)


class Migration(migrations.Migration):
    dependencies = [("downloads", "0009_matcher_version"), ("catalog", "0010_names_keep_facts")]
    operations = [migrations.RunPython(give_back, migrations.RunPython.noop)]
