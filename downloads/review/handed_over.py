"""What was found and decided for a track follows where sources tell that it was another song's.

Called in the transaction in which a file changes hands (`catalog.ingest.separate.handed_over`). Two songs of one name
have many candidates in common: so a decision goes, and its candidate is copied where the owner has none of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from downloads.models import AudioFile, Candidate, FingerprintHash, FormerFile

DECIDED = [Candidate.Verdict.CHOSEN, Candidate.Verdict.NEVER, Candidate.Verdict.DISPROVED]


def follow_owners(sender: object, owners: Mapping[int, int], files: Mapping[int, int], **_: object) -> None:
    """Let verdicts go to the owners (``owners`` is {track id before: now}), and what is known of ``files`` too."""
    decided = [(owners[row.track_id], row) for row in Candidate.objects.filter(track__in=owners, verdict__in=DECIDED)]
    Candidate.objects.filter(pk__in=[row.pk for _, row in decided]).update(verdict=Candidate.Verdict.OPEN, why="")
    for owner, row in decided:
        Candidate.objects.filter(pk=_counterpart(row, owner).pk).update(verdict=row.verdict, why=row.why)
    _move_audio(files)
    for model in (FingerprintHash, FormerFile):
        rows = list(model.objects.filter(track__in=files).values_list("pk", "track_id"))  # type: ignore[attr-defined]
        for pk, track_id in rows:
            model.objects.filter(pk=pk).update(track=files[track_id])  # type: ignore[attr-defined]


def _move_audio(files: Mapping[int, int]) -> None:
    """All of them leave before one arrives: two songs may exchange theirs."""
    rows = list(AudioFile.objects.filter(track__in=files).select_related("candidate"))
    AudioFile.objects.filter(track__in=files).delete()
    for row in rows:
        row.candidate = row.candidate and _counterpart(row.candidate, files[row.track_id])
        row.track_id = files[row.track_id]
        row.save(force_insert=True)


def _counterpart(candidate: Candidate, track_id: int) -> Candidate:
    """The same recording among another track's candidates, copied where it is not."""
    key = {"track_id": track_id, "source": candidate.source, "source_id": candidate.source_id}
    own = {"id", "track", "source", "source_id", "verdict", "why"}
    values: dict[str, Any] = {
        column.attname: getattr(candidate, column.attname)
        for column in Candidate._meta.concrete_fields
        if column.name not in own
    }
    return Candidate.objects.get_or_create(**key, defaults=values)[0]
