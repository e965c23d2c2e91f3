"""The guards, each with what the code would look like without it. Read by `tests.mutation.mutants`."""

from __future__ import annotations

from typing import NamedTuple

TRANSITIONS, PLACE = "catalog/tracks/transitions.py", "catalog/tracks/place.py"
UPDATE, WANTED = "catalog/tracks/conditional_update.py", "catalog/tracks/wanted.py"
PUBLISH, PLACING, WORKER = (
    "downloads/publishing/publish.py",
    "downloads/publishing/link_method.py",
    "downloads/worker/attempt.py",
)
RECOVER, OWN_FILES = "downloads/worker/rescue.py", "downloads/publishing/existing_file.py"
ATOMIC, OWN_FOLDERS = "catalog/system/atomic_files.py", "catalog/storage/own_folders.py"
GUARDS = "tests/crash/test_guards.py"
PUBLISHING = "tests/crash/test_publish_guards.py"
RECOVERY = "tests/crash/test_recovery_guards.py"


class Mutant(NamedTuple):
    """``old`` stands exactly once in ``file``; ``tests`` must turn red where ``new`` stands in its place."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MUTANTS = [
    # --- Claim
    Mutant(
        "claim: what is cooling",
        TRANSITIONS,
        "AND wanted AND retry_after <= %s",
        "AND wanted AND (wanted OR retry_after <= %s)",
        GUARDS,
    ),
    Mutant(
        "claim: what nobody wants",
        TRANSITIONS,
        "AND wanted AND retry_after <= %s",
        "AND retry_after <= %s",
        GUARDS,
    ),
    Mutant(
        "claim: what is here or held",
        TRANSITIONS,
        "DUE = f\"status = '{Status.MISSING}' AND wanted",
        'DUE = f"wanted',
        GUARDS,
    ),
    Mutant(
        "claim: the attempt",
        TRANSITIONS,
        "attempts = attempts + 1, ",
        "",
        GUARDS,
    ),
    Mutant(
        "claim: the deadline",
        TRANSITIONS,
        "_lease(FIRST_DUE, [now], now + lease)",
        "_lease(FIRST_DUE, [now], now + 9 * lease)",
        GUARDS,
    ),
    # --- A worker's token
    Mutant(
        "renew: the token",
        TRANSITIONS,
        "return bool(_held(track_id, token).update(**changes))",
        "return bool(Track.objects.filter(pk=track_id, status=Status.DOWNLOADING).update(**changes))",
        GUARDS,
    ),
    Mutant(
        "reserve: the token",
        TRANSITIONS,
        "_held(track_id, token).filter(claim_until__gte=now).update(",
        "Track.objects.filter(pk=track_id, claim_until__gte=now).update(",
        GUARDS,
    ),
    Mutant(
        "reserve: the deadline",
        TRANSITIONS,
        "_held(track_id, token).filter(claim_until__gte=now).update(",
        "_held(track_id, token).update(",
        GUARDS,
    ),
    Mutant(
        "finish: the token",
        TRANSITIONS,
        "change_row(track_id, _held(track_id, token).filter(reserved=True), kind",
        "change_row(track_id, Track.objects.filter(reserved=True), kind",
        GUARDS,
    ),
    Mutant(
        "finish: the reservation",
        TRANSITIONS,
        "change_row(track_id, _held(track_id, token).filter(reserved=True), kind",
        "change_row(track_id, _held(track_id, token), kind",
        GUARDS,
    ),
    Mutant(
        "fail and release: the token",
        TRANSITIONS,
        "change_row(track_id, _held(track_id, token), kind",
        "change_row(track_id, Track.objects.filter(status=Status.DOWNLOADING), kind",
        GUARDS,
    ),
    Mutant(
        "release: the attempt is given back",
        TRANSITIONS,
        '"retry_after": due or now, "attempts": given_back}',
        '"retry_after": now}',
        GUARDS,
    ),
    # --- Places
    Mutant(
        "a place in another case is the same place",
        PLACE,
        '"name_key": path_key(self.file_name)',
        '"name_key": self.file_name',
        GUARDS,
    ),
    Mutant(
        "a folder in another case is the same folder",
        PLACE,
        "    if in_use.exists() or not _is_absent(os.path.join(root, folder.path)):\n        raise PlaceTaken(path)\n",
        "",
        GUARDS,
    ),
    Mutant(
        "fail and release clear a reserved place",
        TRANSITIONS,
        '**_place_if_reserved(), "status": Status.MISSING, **changes}',
        '"status": Status.MISSING, **changes}',
        GUARDS,
    ),
    Mutant(
        "recovery clears a reserved place",
        TRANSITIONS,
        '**_place_if_reserved(), "status": Status.MISSING, "retry_after": retry_after}',
        '"status": Status.MISSING, "retry_after": retry_after}',
        GUARDS,
    ),
    Mutant(
        "a last known place is kept",
        TRANSITIONS,
        "When(reserved=True, then=Value(empty))",
        "When(pk__gt=0, then=Value(empty))",
        GUARDS,
    ),
    # --- Recovery, in the row
    Mutant(
        "recover: the deadline",
        TRANSITIONS,
        "Track.objects.expired(now).filter(pk=track.pk, claim=track.claim)",
        "Track.objects.filter(pk=track.pk, claim=track.claim)",
        GUARDS,
    ),
    Mutant(
        "recover: the token as read",
        TRANSITIONS,
        "Track.objects.expired(now).filter(pk=track.pk, claim=track.claim)",
        "Track.objects.expired(now).filter(pk=track.pk)",
        GUARDS,
    ),
    Mutant(
        "recover: the reservation",
        TRANSITIONS,
        ".filter(reserved=True, local_path=track.local_path)",
        ".filter(local_path=track.local_path)",
        GUARDS,
    ),
    Mutant(
        "recover: the place as read",
        TRANSITIONS,
        ".filter(reserved=True, local_path=track.local_path)",
        ".filter(reserved=True)",
        GUARDS,
    ),
    # --- Reconcile and people, in the row
    Mutant(
        "vanish and restore: the state",
        UPDATE,
        ' AND status = %s"  # noqa: S608\n        cursor.execute(rows, [*batch, self.status])',
        '"\n        cursor.execute(rows, batch)',
        GUARDS,
    ),
    Mutant(
        "vanish and restore: the name as read",
        UPDATE,
        "if name == seen[pk] and folders.get(pk, at) == at]",
        "if folders.get(pk, at) == at]",
        GUARDS,
    ),
    Mutant(
        "vanish: the folder as read",
        UPDATE,
        "if name == seen[pk] and folders.get(pk, at) == at]",
        "if name == seen[pk]]",
        GUARDS,
    ),
    Mutant(
        "adopt: only what is missing",
        TRANSITIONS,
        "missing = Track.objects.filter(status=Status.MISSING)",
        "missing = Track.objects.all()",
        GUARDS,
    ),
    Mutant(
        "retry: only what is missing",
        TRANSITIONS,
        "missing = tracks.filter(status=Status.MISSING)",
        "missing = tracks.all()",
        GUARDS,
    ),
    Mutant(
        "replace: only the file as seen",
        TRANSITIONS,
        "has_it = Track.objects.filter(status=Status.DOWNLOADED, local_path=path)\n    changes",
        "has_it = Track.objects.filter(status=Status.DOWNLOADED)\n    changes",
        GUARDS,
    ),
    Mutant(
        "wanted: never against a person's word",
        WANTED,
        "wanted=False, ignored=False).update(wanted=True)",
        "wanted=False).update(wanted=True)",
        GUARDS,
    ),
    Mutant(
        "wanted: only for an enabled collection",
        WANTED,
        'track=OuterRef("pk"), collection__enabled=True',
        'track=OuterRef("pk")',
        GUARDS,
    ),
    Mutant(
        "a change and its event are one",
        UPDATE,
        "    with transaction.atomic():\n        if not guarded",
        "    if True:\n        if not guarded",
        GUARDS,
    ),
    Mutant(
        "a change ends the trust in its folder",
        UPDATE,
        "        Folder.objects.filter(tracks=track_id, mtime_ns__isnull=False).update(mtime_ns=None)\n",
        "",
        GUARDS,
    ),
    # --- Into the library
    Mutant(
        "publish: the file is synced",
        PUBLISH,
        '    sync_file(staged.path)\n    failpoint("synced")',
        '    failpoint("synced")',
        PUBLISHING,
    ),
    Mutant(
        "publish: the folder is synced",
        PUBLISH,
        "        sync_folder(os.path.dirname(place.path))\n",
        "",
        PUBLISHING,
    ),
    Mutant(
        "publish: reserve before link",
        PUBLISH,
        '            if not transitions.reserve(track.pk, track.claim or "", place, staged.size, now()):\n'
        "                raise LeaseLost\n"
        '            failpoint("reserved")\n'
        "            make_folders(place.root, place.folder, 0o777 & ~settings.MUSIC_UMASK)\n"
        "            _put_in_place(staged.path, place.path, method)\n",
        '            failpoint("reserved")\n'
        "            make_folders(place.root, place.folder, 0o777 & ~settings.MUSIC_UMASK)\n"
        "            _put_in_place(staged.path, place.path, method)\n"
        '            if not transitions.reserve(track.pk, track.claim or "", place, staged.size, now()):\n'
        "                raise LeaseLost\n",
        PUBLISHING,
    ),
    Mutant(
        "publish: finish after link",
        PUBLISH,
        '            failpoint("reserved")\n            make_folders(place.root',
        '            transitions.finish(track.pk, track.claim or "", now())\n            make_folders(place.root',
        PUBLISHING,
    ),
    Mutant(
        "publish: a reservation that was refused",
        PUBLISH,
        '            if not transitions.reserve(track.pk, track.claim or "", place, staged.size, now()):\n'
        "                raise LeaseLost\n"
        '            failpoint("reserved")',
        '            transitions.reserve(track.pk, track.claim or "", place, staged.size, now())\n'
        '            failpoint("reserved")',
        PUBLISHING,
    ),
    Mutant(
        "publish: a name that is taken on the disk",
        PUBLISH,
        "        except (PlaceTaken, FileExistsError):\n            continue",
        "        except PlaceTaken:\n            continue",
        PUBLISHING,
    ),
    Mutant(
        "publish: a name that another row has",
        PUBLISH,
        "        except (PlaceTaken, FileExistsError):\n            continue",
        "        except FileExistsError:\n            continue",
        PUBLISHING,
    ),
    Mutant(
        "publish: a link never overwrites",
        PLACING,
        "            os.link(old, new, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)",
        "            os.replace(old, new, src_dir_fd=here, dst_dir_fd=there)",
        PUBLISHING,
    ),
    Mutant(
        "publish: a rename never overwrites",
        PLACING,
        "os.fsencode(new), RENAME_NOREPLACE) != 0",
        "os.fsencode(new), 0) != 0",
        PUBLISHING,
    ),
    Mutant(
        "publish: a placeholder is exclusive",
        PLACING,
        "os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666",
        "os.O_WRONLY | os.O_CREAT, 0o666",
        PUBLISHING,
    ),
    Mutant(
        "publish: a link whose answer was lost",
        PUBLISH,
        "            if os.path.samestat(os.lstat(staged), os.lstat(target)):\n                return\n",
        "            pass\n",
        PUBLISHING,
    ),
    Mutant(
        "publish: an error after the link is left to recovery",
        PUBLISH,
        "        raise LeaseLost from error\n    if not finished",
        "        raise\n    if not finished",
        PUBLISHING,
    ),
    Mutant(
        "late: the stage was taken away",
        PUBLISH,
        "                raise LeaseLost from error  # recovery has taken our stage away",
        "                raise",
        PUBLISHING,
    ),
    Mutant(
        "late: the file becomes the track's",
        PUBLISH,
        '        if transitions.adopt(track.pk, place, staged.size, now, "published after its deadline"):\n',
        "        if False:\n",
        PUBLISHING,
    ),
    Mutant(
        "late: a file that a row names stays",
        PUBLISH,
        "if not named and claim_key_in(place.path) == claim_key(track):",
        "if claim_key_in(place.path) == claim_key(track):",
        PUBLISHING,
    ),
    Mutant(
        "late: only our own file goes",
        PUBLISH,
        "if not named and claim_key_in(place.path) == claim_key(track):",
        "if not named:",
        PUBLISHING,
    ),
    Mutant(
        "late: nothing is left that nobody knows",
        PUBLISH,
        "            _take_back(track, place, staged, now())\n",
        "            pass\n",
        PUBLISHING,
    ),
    Mutant(
        "worker: still ours before the fetch",
        WORKER,
        "        self._require_ours(0)  #",
        "        #",
        PUBLISHING,
    ),
    Mutant(
        "worker: a lease outlives a restart of the database",
        WORKER,
        "            connection.close()\n            return True\n",
        "            raise\n",
        PUBLISHING,
    ),
    Mutant(
        "worker: is the drive still there before publishing",
        WORKER,
        "        self._require_ours(100)\n        self._require_storage()\n",
        "        self._require_ours(100)\n",
        PUBLISHING,
    ),
    # --- Recovery, on the disk
    Mutant(
        "recovery: only with a drive that is there",
        RECOVER,
        "decided = _recover_expired(now) if state.may_read else 0",
        "decided = _recover_expired(now)",
        RECOVERY,
    ),
    Mutant(
        "recovery: sweeps the stages of the dead",
        RECOVER,
        "    if state.may_write:\n        sweep_stages()\n    return decided",
        "    return decided",
        RECOVERY,
    ),
    Mutant(
        "sweep: the stages of the living stay",
        OWN_FOLDERS,
        "stale = [name for name in _stages_in(folder) if not is_live(name)]",
        "stale = _stages_in(folder)",
        RECOVERY,
    ),
    Mutant(
        "recovery: whoever renewed keeps its stage",
        RECOVER,
        "    if not abandoned.exists():  #",
        "    if False:  #",
        RECOVERY,
    ),
    Mutant(
        "recovery: the stage goes before the look",
        RECOVER,
        '    failpoint("recovering")\n    staging.clear_stage(track)\n',
        '    failpoint("recovering")\n',
        RECOVERY,
    ),
    Mutant(
        "recovery: the row is read again behind the fence",
        RECOVER,
        "    row = abandoned.first()\n    if row is None:\n        return False\n    if row.reserved",
        "    row = track\n    if row.reserved",
        RECOVERY,
    ),
    Mutant(
        "recovery: the size",
        RECOVER,
        "    if size is None or size != track.size:\n        return False\n",
        "    if size is None:\n        return False\n",
        RECOVERY,
    ),
    Mutant(
        "recovery: the key",
        RECOVER,
        "claim_key_in(track.local_path) == claim_key(track) or existing_file.is_of(track, track.local_path)",
        "True",
        RECOVERY,
    ),
    Mutant(
        "recovery: a file that was being adopted",
        RECOVER,
        "claim_key_in(track.local_path) == claim_key(track) or existing_file.is_of(track, track.local_path)",
        "claim_key_in(track.local_path) == claim_key(track)",
        RECOVERY,
    ),
    Mutant(
        "unknown is not absent",
        ATOMIC,
        "    except (FileNotFoundError, NotADirectoryError):\n        return None\n",
        "    except OSError:\n        return None\n",
        RECOVERY,
    ),
    Mutant(
        "placeholder: only our own goes",
        PUBLISH,
        "        if ours:\n            own_folders.unlink(track.local_path)",
        "        own_folders.unlink(track.local_path)",
        RECOVERY,
    ),
    Mutant(
        "copy: who is late leaves nothing",
        PLACING,
        "if not _is_staged(old, here, stage):",
        "if False:",
        RECOVERY,
    ),
    Mutant(
        "placeholder: only its holder removes it",
        PUBLISH,
        'transitions.reservation(track.pk, track.claim or "", place.path).select_for_update().first()',
        "Track.objects.filter(pk=track.pk).first() and track",
        RECOVERY,
    ),
    Mutant(
        "placeholder: an abandoned one goes",
        RECOVER,
        "        if row.reserved:\n            publish.remove_placeholder(row)\n",
        "",
        RECOVERY,
    ),
    Mutant(
        "probe: a full disk teaches nothing",
        PLACING,
        "        if error.errno in OF_THE_MOMENT:\n            raise error\n",
        "",
        RECOVERY,
    ),
    Mutant(
        "probe: another disk is learnt anew",
        PUBLISH,
        "            if error.errno in NOT_SUPPORTED:\n                link_method.forget_method()\n",
        "",
        RECOVERY,
    ),
    Mutant(
        "folders: none under a bare mount point",
        ATOMIC,
        "            os.mkdir(path)\n",
        "            os.makedirs(path)\n",
        RECOVERY,
    ),
    Mutant(
        "adopt: the file is still there once reserved",
        OWN_FILES,
        "    if file_size(place.path) != size:  #",
        "    if False:  #",
        RECOVERY,
    ),
    Mutant(
        "adopt: who lost the track adopts nothing",
        OWN_FILES,
        "        raise publish.LeaseLost\n    return True",
        "        return True\n    return True",
        RECOVERY,
    ),
    Mutant(
        "adopt: our number alone proves nothing",
        OWN_FILES,
        " and (same_isrc or same_words)",
        "",
        RECOVERY,
    ),
    # --- The drive, the proof, the past
    Mutant(
        "absences: is it still this drive",
        "catalog/storage/probe.py",
        "if (by_path.st_dev, by_path.st_ino) != (by_fd.st_dev, by_fd.st_ino) or marker != self.marker:",
        "if False:",
        "tests/faults/test_storage_guard.py",
    ),
    Mutant(
        "proof: the bytes that were announced",
        "downloads/audio/verify.py",
        "    if expected is not None and size < expected:",
        "    if False:",
        "tests/downloads/audio/test_verify.py",
    ),
    Mutant(
        "proof: the end that a container has",
        "downloads/audio/verify.py",
        "    if expected_ms is None and is_cut(path):",
        "    if False:",
        "tests/downloads/audio/test_verify.py",
    ),
    Mutant(
        "past: not by the clock alone",
        "catalog/models/events.py",
        "self.filter(at__lt=min(moment, now - KEPT)) if moment else self.none()",
        "self.filter(at__lt=now - KEPT)",
        "tests/downloads/jobs/test_download_retention.py",
    ),
]
