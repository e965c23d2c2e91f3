"""Two that must not run together do not, also across processes."""

import subprocess
import sys
import threading

from catalog.system.file_locks import lock, try_lock

HOLDER = """
import sys
import django
django.setup()
from django.conf import settings
from pathlib import Path
settings.DATA_DIR = Path(sys.argv[1])
from catalog.system.file_locks import try_lock
with try_lock("sync") as mine:
    print(mine, flush=True)
    sys.stdin.readline()
"""


def test_the_second_one_is_told_so_at_once(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    with try_lock("sync") as first, try_lock("sync") as second, try_lock("reconcile") as other:
        assert (first, second, other) == (True, False, True)
    with try_lock("sync") as later:
        assert later


def test_a_killed_process_leaves_no_lock_behind(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "True\n"
        with try_lock("sync") as mine:
            assert not mine
    finally:
        holder.kill()
        holder.communicate()
    with try_lock("sync") as mine:
        assert mine


def test_those_in_turn_wait_for_each_other(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    order = []

    def second():
        with lock("token"):
            order.append("second")

    with lock("token"):
        thread = threading.Thread(target=second)
        thread.start()
        order.append("first")
    thread.join(timeout=600)
    assert order == ["first", "second"]
