"""Programs of this project as forks of a process that has imported them: they share its memory, and start at once.

Measured with `python -m bench.memory`: a program that was started by an exec holds 60 to 75 MB before it does
anything; a fork holds what it has changed, 1 to 10 MB.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import importlib
import os
import signal
import sys
import threading
import traceback
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

from catalog.system import programs
from catalog.system.forked_call import set_title

# What each role runs (`config.settings.ROLES`). All of it reads its settings when it is imported, none of it opens a
# connection or starts a thread.
JOBS = ("downloads.jobs.cluster", "downloads.jobs.tasks", "config.management.commands.qcluster")
PRELOADED = {
    "web": ("config.wsgi", "config.urls", "config.process.web_server"),
    "jobs": JOBS,
    "downloads": JOBS,
    "watch": ("downloads.management.commands.watch",),
}
MOST_DESCRIPTORS = 256  # that a process which has only imported modules can have
M_ARENA_MAX = -8  # malloc.h
GAP_SIZES = 1032, 8, -16  # bytes, the large ones first: a small block would split a large gap
GAPS_OF_A_SIZE = 60  # counted: 50 at most
FOR_ALL = ("config.process.event_listener", "manage", "django.core.management", "django.db.utils")


def preload(roles: Collection[str]) -> frozenset[int]:
    """Import what the programs of ``roles`` need, before the first fork. The descriptors that were opened by it.

    They must stay open in a fork: a module that lets go of one would close another's of the same number.
    """
    import django  # here: supervisord's own start needs none of it

    before = _open_descriptors()
    django.setup()
    for role in roles:
        for name in PRELOADED[role]:
            importlib.import_module(name)
    for name in FOR_ALL:
        importlib.import_module(name)
    from downloads.jobs import rehearsal  # here: it needs the apps

    rehearsal.rehearse("qcluster", "watch")
    tidy_up()
    _settle_heap()
    return _open_descriptors() - before


def _open_descriptors() -> frozenset[int]:
    found = set()
    for number in range(3, MOST_DESCRIPTORS):
        with suppress(OSError):
            os.fstat(number)
            found.add(number)
    return frozenset(found)


def _settle_heap() -> None:
    """Take the gaps that the imports left in C's heap: a fork that fills one copies the page around it.

    They hold 0.4 MB and lie on some 500 pages. A connection to SQLite, which needs 0.2 MB, would copy 2 MB. And let
    all threads of a process share its heap: one for each thread costs the web server 1.5 MB.
    """
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # glibc
        library.mallopt(M_ARENA_MAX, 1)
    library.malloc.restype, library.malloc.argtypes = ctypes.c_void_p, (ctypes.c_size_t,)
    for size in range(*GAP_SIZES):
        for _ in range(GAPS_OF_A_SIZE):
            library.malloc(size)  # for good


def tidy_up() -> None:
    """Before a fork: no garbage is left to it, and a collection there will not write to what it shares with us."""
    gc.collect()
    gc.freeze()


def become(words: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """In a fork: run ``python WORDS``, which are ``-m MODULE …`` or ``manage.py …``, to its end. Does not return."""
    status = 1
    try:
        for number in signal.valid_signals():
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)  # as an exec does
        programs.replace_environment(environment)
        status = _run(*words)
    finally:
        os._exit(status)


def _run_command(argv: list[str]) -> None:
    """As Django's own, in a process where Django is set up: to do that once more would copy 2 MB of what is shared."""
    from django.core.management import ManagementUtility  # here: supervisord's own start needs none of it

    ManagementUtility(argv).fetch_command(argv[1]).run_from_argv(argv)


def _run(*words: str) -> int:
    """The exit status of ``python WORDS``. Each module has its ``main``, which gets the words after ``-m MODULE``."""
    name, *arguments = words[1:] if words[0] == "-m" else words
    set_title(" ".join([name, *arguments]))
    sys.argv[:] = [name, *arguments]
    module = importlib.import_module(name.removesuffix(".py"))
    status = 0
    try:
        module.main(*(arguments if words[0] == "-m" else (_run_command,)))
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]  # what an interpreter does at its end
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return status
