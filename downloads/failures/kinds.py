"""The kinds of failure of a download (`ERROR_KINDS`: whose fault, sentence, cure, ban) and the one error type. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from catalog.text.sanitize import one_line

TRACK = "track"  # this track cools down
CANDIDATE = "candidate"  # the next candidate is tried in the same attempt; none left: the track cools down
SERVICE = "service"  # everybody's at once: the service pauses and the attempt is given back


@dataclass(frozen=True, slots=True)
class ErrorKind:
    """``fault`` is one of TRACK, CANDIDATE, SERVICE.

    ``service`` is the service that pauses when the fault is the service's own. Where a *track's* fault names a
    service, the kind counts against the track until several different tracks in a row have met it.
    ``sentence`` is for people, ``cure`` says what helps. ``bans`` is True where the *content* failed its proof:
    only such a candidate is never taken again.
    """

    fault: str
    service: str
    sentence: str
    cure: str
    bans: bool = False


_WAIT = "Nothing to do: it is tried again by itself."
_OTHER = "Another recording is tried; you can also choose one yourself."
_DECIDE = "Choose a recording on the track's page, or search with other words."
_CHOOSE = "Choose another one, or undo the choice and let the program choose."
_YTDLP = "Update yt-dlp (the start page says how), then try again."
_DISK = "See to the disk that holds the music folder; downloads resume by themselves afterwards."

ERROR_KINDS: dict[str, ErrorKind] = {
    # Nothing to fetch.
    "no_match": ErrorKind(TRACK, "", "No recording was found that fits this track.", _DECIDE),
    "needs_decision": ErrorKind(TRACK, "", "No recording fits well enough by itself.", _DECIDE),
    "choice_failed": ErrorKind(TRACK, "", "The recording that a person chose cannot be used.", _CHOOSE),
    # Fetched, and nowhere to put it.
    "no_free_name": ErrorKind(
        TRACK, "", "Every name that this track could have is taken by other files.", "Move or rename those files."
    ),
    # One recording cannot be had; another one may.
    "unavailable": ErrorKind(CANDIDATE, "", "The recording is not available.", _OTHER),
    "private": ErrorKind(CANDIDATE, "", "The recording is private.", _OTHER),
    "removed": ErrorKind(CANDIDATE, "", "The recording was taken down.", _OTHER),
    "geo": ErrorKind(CANDIDATE, "", "The recording is not offered in this country.", _OTHER),
    "age": ErrorKind(CANDIDATE, "", "The recording asks for proof of age.", _OTHER),
    "members": ErrorKind(CANDIDATE, "", "The recording is for paying members only.", _OTHER),
    "drm": ErrorKind(CANDIDATE, "", "The recording is copy-protected and is left alone.", _OTHER),
    "live": ErrorKind(CANDIDATE, "", "It is a live broadcast, not a recording.", _OTHER),
    "no_audio": ErrorKind(CANDIDATE, "", "There is no audio in the file that arrived.", _OTHER, bans=True),
    "foreign_host": ErrorKind(
        CANDIDATE, "", "The address leads to a place that nothing is downloaded from.", "Check the audio server."
    ),
    "not_a_file": ErrorKind(
        CANDIDATE, "", "The address leads to a page or a playlist, not to an audio file.", "Check the audio server."
    ),
    "too_large": ErrorKind(CANDIDATE, "", "The file is larger than any song is.", _OTHER),
    # It was fetched, and its content is not the song: never taken again.
    "bad_file": ErrorKind(CANDIDATE, "", "What arrived is not a sound audio file.", _OTHER, bans=True),
    "too_short": ErrorKind(CANDIDATE, "", "The file holds only a part of what it claims.", _OTHER, bans=True),
    "wrong_length": ErrorKind(CANDIDATE, "", "The recording's length is not the track's.", _OTHER, bans=True),
    "refused_sound": ErrorKind(
        CANDIDATE, "", "It is the same recording as one that was refused for this song.", _OTHER, bans=True
    ),
    "silent": ErrorKind(CANDIDATE, "", "The recording is silent.", _OTHER, bans=True),
    "low_quality": ErrorKind(CANDIDATE, "", "The recording's sound is too poor to keep.", _OTHER, bans=True),
    # Transport: this track's bad luck, until different tracks in a row have met it.
    "network": ErrorKind(TRACK, "audio", "The connection failed.", "Check the network if it stays so."),
    "server": ErrorKind(TRACK, "audio", "The other side answered with an error.", _WAIT),
    "timeout": ErrorKind(TRACK, "audio", "It took too long and was stopped.", _WAIT),
    "certificate": ErrorKind(
        TRACK, "audio", "The site's certificate is not trusted.", "Set SSL_CERT_FILE to your own authority's file."
    ),
    "proxy": ErrorKind(TRACK, "audio", "The proxy does not let us through.", "Check YOUTUBE_PROXY."),
    "cookies": ErrorKind(TRACK, "audio", "The cookies file cannot be used.", "Check YOUTUBE_COOKIES."),
    # The site's illness or an old yt-dlp; it says nothing of the recording.
    "no_formats": ErrorKind(TRACK, "audio", "The site offered no sound for the recording.", _YTDLP),
    "outdated": ErrorKind(TRACK, "audio", "The site has changed, and this yt-dlp cannot read it.", _YTDLP),
    # Everybody's at once.
    "login": ErrorKind(SERVICE, "audio", "The site asks for a login.", "Wait, or use another audio source."),
    "bot_check": ErrorKind(SERVICE, "audio", "The site suspects a robot.", "Wait: downloads pause by themselves."),
    "rate_limit": ErrorKind(SERVICE, "audio", "The site asks us to slow down.", "Wait: downloads pause by themselves."),
    "no_js_runtime": ErrorKind(
        SERVICE, "audio", "YouTube needs a JavaScript runtime, and none was found.", "Install deno."
    ),
    "no_ffmpeg": ErrorKind(SERVICE, "audio", "ffmpeg was not found.", "Install ffmpeg, or reinstall requirements.txt."),
    "disk_full": ErrorKind(SERVICE, "storage", "The disk is full.", "Make room on the music folder's disk."),
    "read_only": ErrorKind(SERVICE, "storage", "The music folder cannot be written to.", _DISK),
    "storage": ErrorKind(SERVICE, "storage", "The music folder's disk reports an error.", _DISK),
    # Ours.
    "stopped": ErrorKind(SERVICE, "", "It was stopped before it was done.", _WAIT),
    "tool_crashed": ErrorKind(TRACK, "", "The download program ended without a result.", _YTDLP),
    "unknown": ErrorKind(TRACK, "", "It failed for a reason that is not known here.", _YTDLP),
}

# What no later try settles: a person chooses a recording. The rest of the table is tried again by itself.
NEEDS_PERSON = ("needs_decision", "choice_failed")


class DownloadError(Exception):
    """A search, fetch or check of one track failed.

    ``kind`` is a key of `ERROR_KINDS`, ``message`` one sentence, ``retry_after`` the seconds that the server asked us
    to wait, if it did.
    """

    def __init__(self, kind: str, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = one_line(message)
        self.retry_after = retry_after
