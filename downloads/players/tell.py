"""Tell players what has changed: which events each of them has not heard of, one call in 50 s at most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b

from django.conf import settings

from catalog.models import Collection, Event, Library
from catalog.storage.own_folders import playlists_folder
from catalog.system import programs
from catalog.system.encryption import Unsealable, seal, unseal
from downloads.models import Player
from downloads.players import mpd, playlists
from downloads.players.media_servers import Jellyfin, Plex
from downloads.players.subsonic import Subsonic
from downloads.players.web_api import PlayerError

Kind = Event.Kind
# Between two calls to one player: what came just after a call is to stand there within a minute, scan included.
EVERY = timedelta(seconds=50)
SETTLES = timedelta(seconds=2)  # an album's songs come together; and a later event may be written before an earlier one
SCAN_LOOKED_AT = timedelta(seconds=3)  # how often a scan under way is asked about
# Jellyfin begins a minute after it was told, and neither it nor Plex says when a song is in: seconds after the telling.
LOOKED_FOR_AT = (20, 90, 300)
IN_ITS_FOLDER = {Kind.FINISH, Kind.VANISH, Kind.RESTORE, Kind.CHANGE}
ANYWHERE = {Kind.ADOPT, Kind.MOVE, Kind.RECOVER}  # the place where the song was before is not known any more
MOST_EVENTS, MOST_FOLDERS = 2_000, 50  # more: the player looks through everything
COMMAND_WITHIN = 60.0  # seconds


@dataclass(frozen=True, slots=True)
class News:
    """What a player has not heard of. ``folders`` are relative to the music folder; [] stands for everything."""

    up_to: int
    stamp: str
    tracks: frozenset[int]
    folders: list[str]


def are_set() -> bool:
    """Whether there is anybody to tell."""
    return Player.objects.filter(enabled=True).exists() or bool(_said_by_environment())


def tell_all(now: datetime, should_stop: Callable[[], bool] = lambda: False) -> datetime | None:
    """Tell each player what is new. When to call again before the next minute, where something is left to do."""
    follow_environment()
    moments: list[datetime | None] = []
    for player in Player.objects.filter(enabled=True).order_by("pk"):
        if should_stop():
            break
        moments.append(_follow_scan(player, now))
        if not moments[-1] or player.kind != Player.Kind.SUBSONIC:  # whose scan is not begun anew while it runs
            moments.append(_tell(player, now))
    return min((moment for moment in moments if moment), default=None)


# --- What is new ------------------------------------------------------------------------------------------


def _news(player: Player, now: datetime) -> News | None:
    """None where nothing is."""
    events = Event.objects.filter(pk__gt=player.told_up_to).order_by("pk")
    rows = list(events.values_list("pk", "at", "kind", "track_id", "track__folder__path")[:MOST_EVENTS])
    young = next((place for place, row in enumerate(rows) if now - SETTLES < row[1] <= now), len(rows))
    many, rows = len(rows) == MOST_EVENTS, rows[:young]
    up_to, stamp = rows[-1][0] if rows else player.told_up_to, _stamp()
    known = [row for row in rows if row[2] in IN_ITS_FOLDER | ANYWHERE]
    if not known and not many and stamp == player.stamp and not player.asked:
        if up_to != player.told_up_to:
            Player.objects.filter(pk=player.pk, told_up_to=player.told_up_to).update(told_up_to=up_to)
        return None
    folders = {row[4] or "" for row in known}
    everything = many or player.asked or "" in folders or len(folders) > MOST_FOLDERS
    everything |= any(row[2] in ANYWHERE for row in known)
    if not everything and Library.current().write_playlists:
        folders.add(playlists_folder())
    if many and young == MOST_EVENTS:  # it looks through everything, and so through what came later
        up_to = max(up_to, _settled_up_to(now))
    return News(up_to, stamp, frozenset(row[3] for row in known), [] if everything else sorted(folders))


def _settled_up_to(now: datetime) -> int:
    young = Event.objects.filter(at__gt=now - SETTLES, at__lte=now).order_by("pk").values_list("pk", flat=True).first()
    last = Event.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return young - 1 if young else last


def _stamp() -> str:
    """The state of the collections, from which playlists follow."""
    rows = Collection.objects.order_by("pk").values_list("pk", "name", "enabled", "closed", "synced_at")
    return blake2b(repr(list(rows)).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


# --- Telling it -------------------------------------------------------------------------------------------


def _tell(player: Player, now: datetime) -> datetime | None:
    news = _news(player, now)
    if news is None:
        young = Event.objects.filter(pk__gt=player.told_up_to, at__gt=now - SETTLES, at__lte=now)
        return now + SETTLES if young.exists() else None
    if player.told_at and player.told_at <= now < player.told_at + EVERY:
        return player.told_at + EVERY
    same = Player.objects.filter(pk=player.pk, told_at=player.told_at)
    if not same.update(told_at=now):
        return None  # another host is at it
    try:
        answer = _call(player, news.folders)
    except PlayerError as error:
        Player.objects.filter(pk=player.pk).update(ok=False, answer=str(error))
        return None
    follows = player.playlists and _holds_playlists(player)
    if follows:
        playlists.forget_songs(player, news.tracks)
    Player.objects.filter(pk=player.pk).update(
        ok=True, answer=answer, asked=False, told_up_to=news.up_to, stamp=news.stamp, scanning=follows
    )
    return now + SCAN_LOOKED_AT if follows else None


def _call(player: Player, folders: list[str]) -> str:
    """One call about these folders, relative to the music folder; [] for all. Raises PlayerError."""
    secret = _secret(player)
    base = player.folder.rstrip("/")
    there = [f"{base}/{folder}" for folder in folders] if base else []
    match player.kind:
        case Player.Kind.MPD:
            below = [f"{base}/{folder}".lstrip("/") for folder in folders] or [base]
            clean = all(folder.isprintable() for folder in below)
            return mpd.update(player.address, secret, below if clean else [base])
        case Player.Kind.SUBSONIC:
            return Subsonic(player.address, player.user, secret).start_scan()
        case Player.Kind.JELLYFIN:
            return Jellyfin(player.address, player.user, secret).refresh(there)
        case Player.Kind.PLEX:
            return Plex(player.address, secret).refresh(there or ([base] if base else []))
    return _run(player.address, folders)


def _secret(player: Player) -> str:
    try:
        return unseal(player.secret) if player.secret else ""
    except Unsealable:
        raise PlayerError("The stored password cannot be read any more; enter it again.") from None


def _run(command: str, folders: list[str]) -> str:
    places = [f"{settings.MUSIC_DIR}/{folder}" for folder in folders] or [settings.MUSIC_DIR]
    try:
        ended = programs.run([command, *places], timeout=COMMAND_WITHIN)
    except TimeoutError:
        raise PlayerError(f"It took longer than {COMMAND_WITHIN:.0f} s and was ended.") from None
    except OSError as error:
        raise PlayerError(f"It cannot be started: {error.strerror}.") from None
    if ended.code:
        raise PlayerError(f"It ended with status {ended.code}.")
    return "It ended well."


def _holds_playlists(player: Player) -> bool:
    """Jellyfin's belong to a user: an API key is none."""
    kinds = Player.Kind
    return player.kind in (kinds.SUBSONIC, kinds.PLEX) or (player.kind == kinds.JELLYFIN and bool(player.user))


def _server(player: Player) -> playlists.Server:
    secret = _secret(player)
    match player.kind:
        case Player.Kind.JELLYFIN:
            return Jellyfin(player.address, player.user, secret)
        case Player.Kind.PLEX:
            return Plex(player.address, secret)
    return Subsonic(player.address, player.user, secret)


def _follow_scan(player: Player, now: datetime) -> datetime | None:
    """Push the playlists once the scan is over, by one host alone. When to look again."""
    if not player.scanning or not Player.objects.filter(pk=player.pk, scanning=True).update(scanning=False):
        return None
    try:
        again = _push(player, now)
        left = again is not None
    except PlayerError as error:
        Player.objects.filter(pk=player.pk).update(ok=False, answer=f"Playlists: {error}")
        again, left = None, True
    Player.objects.filter(pk=player.pk).update(scanning=left)
    return again


def _push(player: Player, now: datetime) -> datetime | None:
    server = _server(player)
    if server.is_scanning():
        return now + SCAN_LOOKED_AT
    left = playlists.push(player, server, now)
    if left.more:
        return now + SCAN_LOOKED_AT
    if not left.missed or player.kind == Player.Kind.SUBSONIC or not player.told_at:
        return None
    moments = [player.told_at + timedelta(seconds=seconds) for seconds in LOOKED_FOR_AT]
    return next((moment for moment in moments if moment > now), None)


# --- What the environment says ----------------------------------------------------------------------------


def _said_by_environment() -> dict[str, dict[str, str]]:
    """Kind -> address, user and secret."""
    said = {}
    if settings.MPD_ADDRESS:
        said[Player.Kind.MPD.value] = {"address": settings.MPD_ADDRESS, "user": "", "secret": ""}
    if settings.SUBSONIC_URL:
        named = {"user": settings.SUBSONIC_USER, "secret": settings.SUBSONIC_PASSWORD}
        said[Player.Kind.SUBSONIC.value] = {"address": settings.SUBSONIC_URL, **named}
    if settings.PLAYER_COMMAND:
        said[Player.Kind.COMMAND.value] = {"address": settings.PLAYER_COMMAND, "user": "", "secret": ""}
    return said


def follow_environment() -> None:
    """Rows for the players that the environment names; written only where something has changed."""
    said = _said_by_environment()
    Player.objects.filter(fixed=True).exclude(kind__in=said).delete()
    rows = {row.kind: row for row in Player.objects.filter(fixed=True)}
    for kind, columns in said.items():
        row = rows.get(kind)
        if row and columns == {"address": row.address, "user": row.user, "secret": _readable(row)}:
            continue
        sealed = seal(columns["secret"]) if columns["secret"] else ""
        changes = {**columns, "secret": sealed, "asked": True}
        Player.objects.update_or_create(kind=kind, fixed=True, defaults=changes)


def _readable(player: Player) -> str:
    try:
        return _secret(player)
    except PlayerError:
        return "\0"  # no secret is this
