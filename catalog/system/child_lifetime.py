"""Processes that do not outlive their parent, however it dies (Linux: prctl PR_SET_PDEATHSIG; elsewhere nothing).

Without it, `kill -9` of a cluster's main process leaves a headless cluster that works on. It is the kernel that sends
the signal, when the thread that forked the process ends; what `exec` starts keeps it, what is forked later does not.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG = 1  # linux/prctl.h

_prctl = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None


def on_parent_death(sent: int) -> None:
    """From now on this process gets the signal ``sent`` when its parent dies; 0: none."""
    if _prctl:
        _prctl(PR_SET_PDEATHSIG, sent)


def tied_to_us() -> Callable[[], None]:
    """A ``preexec_fn`` for `subprocess`: the program ends with the thread that starts it, however that ends."""
    parent = os.getpid()

    def in_child() -> None:
        on_parent_death(signal.SIGKILL)
        if _prctl and os.getppid() != parent:
            os._exit(1)  # the parent had died before the call above

    return in_child


def forks_die_with_their_parents() -> None:
    """From now on every process that this one forks, and theirs in turn, is killed when its parent dies.

    Programs started by `subprocess` are not touched.
    """
    parent = [os.getpid()]

    def before() -> None:
        parent[0] = os.getpid()

    def in_child() -> None:
        on_parent_death(signal.SIGKILL)
        if os.getppid() != parent[0]:
            os._exit(1)  # the parent had died before the call above

    os.register_at_fork(before=before, after_in_child=in_child)
