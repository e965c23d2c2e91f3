"""Every kind of failure has whose fault it is, a sentence and a cure."""

import pytest

from downloads.failures.kinds import CANDIDATE, ERROR_KINDS, SERVICE, TRACK

WANTED = [
    "no_match",
    "needs_decision",
    "unavailable",
    "private",
    "removed",
    "geo",
    "age",
    "members",
    "drm",
    "live",
    "login",
    "bot_check",
    "rate_limit",
    "network",
    "server",
    "no_js_runtime",
    "no_ffmpeg",
    "no_audio",
    "bad_file",
    "too_short",
    "wrong_length",
    "silent",
    "timeout",
    "tool_crashed",
    "disk_full",
    "read_only",
    "storage",
    "stopped",
    "unknown",
]


def test_the_kinds_that_were_asked_for_are_all_there() -> None:
    assert set(WANTED) <= set(ERROR_KINDS)


@pytest.mark.parametrize("kind", ERROR_KINDS)
def test_each_kind_has_a_culprit_a_sentence_and_a_cure(kind: str) -> None:
    row = ERROR_KINDS[kind]
    assert row.fault in {TRACK, CANDIDATE, SERVICE}
    assert row.service in {"", "audio", "storage"}
    assert row.sentence.endswith(".") and row.cure.endswith(".")
    assert "\n" not in row.sentence + row.cure


def test_only_content_that_failed_its_proof_bans_a_candidate() -> None:
    assert {kind for kind, row in ERROR_KINDS.items() if row.bans} == {
        "no_audio", "bad_file", "too_short", "wrong_length", "silent", "refused_sound", "low_quality",
    }  # fmt: skip
