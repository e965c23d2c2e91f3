"""Folders and files below the music folder that are never a track's file: bins, snapshots, what other programs left.

One list with its reasons, for reconcile, relink, adopt, the watcher and the audit. Pure, no Django. Names are compared
without case. Folders and files that begin with a dot are hidden and belong to nobody, ours among them. Names of folders
that a person adds come as an argument, ``own``: their `path_key`s, as `catalog.text.setting_values` reads them.
"""

from __future__ import annotations

import re

from catalog.text.path_key import path_key

# Name of a folder -> what it is.
FOLDERS = {
    "#recycle": "the recycle bin of a Synology share",
    "@recycle": "the recycle bin of a QNAP share",
    "$recycle.bin": "the recycle bin of Windows",
    "network trash folder": "the trash of macOS on a share",
    "temporary items": "temporary files of macOS on a share",
    "__macosx": "what macOS packs beside the files of a zip",
    "@sharebin": "the recycle bin of a Synology share",
    "#snapshot": "snapshots of a Synology share",
    "@recently-snapshot": "snapshots of a QNAP share",
    "@snapshots": "snapshots",
    "~snapshot": "snapshots of a NetApp share",
    "@eadir": "thumbnails and indexes of a Synology share",
    "@tmp": "temporary files of a Synology share",
    "system volume information": "data of Windows about a disk",
}
# At the root alone: deeper down it may be somebody's album.
AT_ROOT = {
    "lost+found": "what a repair of the file system found",
    "found.000": "what a repair of the disk found",
    "recycler": "the recycle bin of old Windows",
    "recycled": "the recycle bin of old Windows",
    "recycle bin": "the recycle bin of a Netgear share",
    "trashbox": "the trash of a Buffalo share",
}

OWN_REASON = "a folder that the settings leave alone"

# Pattern of a file's name -> what it is.
FILES = {
    r"\..*": "a hidden file",
    r".*\.sync-conflict-\d{8}-\d{6}.*": "a conflict copy of Syncthing",
    r".* \(.*conflicted copy.*\)\..*": "a conflict copy of Dropbox",
    r".*_conflict-\d{8}-\d{6}.*": "a conflict copy of Nextcloud",
    r".*\.(part|partial|crdownload|download|!qb|!ut|aria2|ytdl|tmp|temp)": "a download that was not finished",
    r".*\.temp\.[a-z0-9]{2,4}": "a file that yt-dlp had not finished",
}

_FOREIGN = re.compile(rf"(?:^|/)(?:{'|'.join(map(re.escape, FOLDERS))})(?=/|$)", re.IGNORECASE)
_HIDDEN_OR_AT_ROOT = re.compile(rf"(?:^|/)\.[^/]|^(?:{'|'.join(map(re.escape, AT_ROOT))})(?=/|$)", re.IGNORECASE)
_FILES = [(re.compile(pattern, re.IGNORECASE | re.DOTALL), reason) for pattern, reason in FILES.items()]
_FILE = re.compile("|".join(f"(?:{pattern})" for pattern in FILES), re.IGNORECASE | re.DOTALL)


def is_own(path: str, own: frozenset[str]) -> bool:
    """Whether a folder, or one above it, has a name that a person added."""
    return bool(own) and not own.isdisjoint(path_key(path).split("/"))


def is_foreign_folder(path: str, own: frozenset[str] = frozenset()) -> bool:
    """Whether a folder, or one above it, is another program's bin, snapshot or index, or `is_own`. "" is the root."""
    return _FOREIGN.search(path) is not None or is_own(path, own)


def is_ignored_folder(path: str, own: frozenset[str] = frozenset()) -> bool:
    """As `is_foreign_folder`; also hidden folders, and ``lost+found`` at the root."""
    return is_foreign_folder(path, own) or _HIDDEN_OR_AT_ROOT.search(path) is not None


def outside(place: str, own: frozenset[str] = frozenset()) -> str:
    """A place for a new file, "_" behind each folder's name that would have it ignored: an artist may be called so."""
    *folders, name = place.split("/")
    places = [
        f"{folder}_" if is_foreign_folder(folder, own) or (not depth and folder.casefold() in AT_ROOT) else folder
        for depth, folder in enumerate(folders)
    ]
    return "/".join([*places, name])


def is_ignored_file(name: str) -> bool:
    """Whether a file is ignored for its name; its folder is not looked at."""
    return _FILE.fullmatch(name) is not None


def reason(path: str, own: frozenset[str] = frozenset()) -> str:
    """Why a file, by its path relative to the root, is ignored; "" for one that may be a track's."""
    *folders, name = path.split("/")
    for depth, folder in enumerate(folders):
        names = FOLDERS if depth else FOLDERS | AT_ROOT
        if folder.casefold() in names or folder.startswith("."):
            return names.get(folder.casefold(), "a hidden folder")
        if is_own(folder, own):
            return OWN_REASON
    return next((why for pattern, why in _FILES if pattern.fullmatch(name)), "")
