"""Who did it, in a column of its own: reasons of events are then told without names."""

import re
from typing import Any

from django.db import migrations, models
from django.db.models import Value
from django.db.models.functions import Substr

# As written until now: "by anna", "take “Song” (youtube …), by anna", "confirmed by anna: the same length".
AT_END = re.compile(r", by ([\w.@+-]{1,150})$")
CONFIRMED = re.compile(r"^confirmed by ([\w.@+-]{1,150}): ")
BATCH = 500


def take_names_out(apps: Any, schema_editor: Any) -> None:
    events = apps.get_model("catalog", "Event").objects.using(schema_editor.connection.alias)
    by_alone = events.filter(kind__in=["retry", "ignore", "want"], reason__startswith="by ")
    by_alone.update(by=Substr("reason", len("by ") + 1, 150), reason=Value(""))
    _rewrite(events, events.filter(kind="decide", reason__contains=", by "), AT_END, "")
    _rewrite(events, events.filter(kind="adopt", reason__startswith="confirmed by "), CONFIRMED, "confirmed: ")


def _rewrite(events: Any, chosen: Any, pattern: re.Pattern[str], instead: str) -> None:
    """Row by row, of ids read before: a person answered each of them."""
    ids = list(chosen.order_by().values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        changed = []
        for event in events.filter(pk__in=ids[start : start + BATCH]):
            if found := pattern.search(event.reason):
                event.by, event.reason = found[1], pattern.sub(instead, event.reason)
                changed.append(event)
        events.bulk_update(changed, ["by", "reason"])


class Migration(migrations.Migration):
    dependencies = [("catalog", "0016_operate_library")]

    operations = [
        migrations.AddField("event", "by", models.CharField(blank=True, db_default="", default="", max_length=150)),
        migrations.RunPython(take_names_out, migrations.RunPython.noop),
    ]
