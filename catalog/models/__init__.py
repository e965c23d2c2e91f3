"""The catalog: what should be there, and what is. Rows are the only memory that the program has.

The columns of a track's state are written by `catalog.tracks.transitions` alone; the constraints here say the same
rules to the database. `artists`, `albums`, `entries` describe; `status`, `local_path` and their neighbours remember.
"""

from catalog.models.accounts import Account, ApiToken, ApiTokenQuerySet, LoginFailure, SetupLink, SpotifyApp
from catalog.models.collections import Collection, CollectionQuerySet, Entry
from catalog.models.events import Event, EventQuerySet
from catalog.models.hosts import Cluster, ClusterQuerySet, Host, JobRequest, JobRequestQuerySet, Lease, LeaseQuerySet
from catalog.models.library import AdoptionMatch, BinnedFile, Folder, Library, PathInLibrary
from catalog.models.people import BrowserSession, PersonLink
from catalog.models.runs import Run, RunQuerySet
from catalog.models.services import Service, ServiceQuerySet
from catalog.models.settings import Setting
from catalog.models.timings import Timing
from catalog.models.tracks import Album, Alias, Artist, Credit, Track, TrackManager, TrackQuerySet

__all__ = [
    "Account",
    "AdoptionMatch",
    "Album",
    "Alias",
    "ApiToken",
    "ApiTokenQuerySet",
    "Artist",
    "BinnedFile",
    "BrowserSession",
    "Cluster",
    "ClusterQuerySet",
    "Collection",
    "CollectionQuerySet",
    "Credit",
    "Entry",
    "Event",
    "EventQuerySet",
    "Folder",
    "Host",
    "JobRequest",
    "JobRequestQuerySet",
    "Lease",
    "LeaseQuerySet",
    "Library",
    "LoginFailure",
    "PathInLibrary",
    "PersonLink",
    "Run",
    "RunQuerySet",
    "Service",
    "ServiceQuerySet",
    "Setting",
    "SetupLink",
    "SpotifyApp",
    "Timing",
    "Track",
    "TrackManager",
    "TrackQuerySet",
]
