"""How many wake-ups each broker of django-q2 loses when it is killed between enqueue and take, and in a worker's hand.

    python bench/broker_loss.py [--wake-ups 1000]

Redis is one of our own, started anew after a kill -9: as Debian ships it (snapshots), and with its log of each write
(appendfsync everysec and always). The database's broker is the one that the program uses, on SQLite; the process that
put the wake-ups in, and the one that took them, are killed likewise.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from bench.setup import configure

LIST = "wake-ups"
KINDS = {
    "redis, snapshots": ["--save", "3600 1 300 100 60 10000"],
    "redis, everysec": ["--appendonly", "yes", "--appendfsync", "everysec"],
    "redis, always": ["--appendonly", "yes", "--appendfsync", "always"],
}


class Redis:
    """A server in a folder of its own."""

    def __init__(self, folder: str, options: list[str]) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port = probe.getsockname()[1]
        self.command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder, *options]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self.command, stdout=subprocess.DEVNULL)
        while socket.socket().connect_ex(("127.0.0.1", self.port)):
            time.sleep(0.05)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def broker(self) -> Any:
        import redis
        from django_q.brokers.redis_broker import Redis as Broker

        broker = Broker(LIST)
        broker.connection = redis.Redis(port=self.port)
        return broker


def in_a_process_that_dies(work: Callable[[], object]) -> None:
    """Run ``work`` in a fork that is killed as soon as it has returned."""
    from django.db import connections

    connections.close_all()
    if not (pid := os.fork()):
        work()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(pid, 0)


def put(broker: Any, count: int) -> None:
    for number in range(count):
        broker.enqueue(f"wake-up {number}")


def of_redis(options: list[str], count: int) -> tuple[int, int]:
    """Lost of ``count``: by a kill of the server after the last was put in; by a kill of the worker that took them."""
    with tempfile.TemporaryDirectory() as folder:
        server = Redis(folder, options)
        try:
            put(server.broker(), count)
            server.kill()
            server.start()
            left = int(server.broker().queue_size())
            put(server.broker(), count - left)
            in_a_process_that_dies(lambda: [server.broker().dequeue() for _ in range(10)])
            return count - left, count - int(server.broker().queue_size())
        finally:
            server.kill()


def of_the_database(count: int) -> tuple[int, int]:
    from django_q.brokers.orm import ORM
    from django_q.models import OrmQ

    in_a_process_that_dies(lambda: put(ORM(LIST), count))
    lost = count - OrmQ.objects.filter(key=LIST).count()
    in_a_process_that_dies(lambda: [ORM(LIST).dequeue() for _ in range(10)])
    return lost, count - lost - OrmQ.objects.filter(key=LIST).count()


def row(killed: int, in_hand: int) -> str:
    return f"{killed:21}   {in_hand:18}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--wake-ups", type=int, default=1000)
    count = parser.parse_args().wake_ups
    with tempfile.TemporaryDirectory(prefix="tonekeep-bench-") as place:
        configure(place, "sqlite")
        print(f"{'':20} lost of {count} by a kill   lost of 10 in hand")
        for name, options in KINDS.items():
            print(f"{name:20} {row(*of_redis(options, count))}")
        print(f"{'database':20} {row(*of_the_database(count))}")


if __name__ == "__main__":
    main()
