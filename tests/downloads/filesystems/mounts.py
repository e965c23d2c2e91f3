"""The file systems that people have, each mounted from what this machine has; nothing is installed."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

PRIVILEGE_SEPARATION = Path("/run/sshd")  # without it sshd does not start as root


class NotHere(Exception):
    """This machine cannot mount it; the reason."""


@dataclass
class Mounted:
    """A file system at ``path``. ``source`` is its own folder for images and branches; ``mount`` mounts it (again)."""

    kind: str
    source: Path
    path: Path
    mount: Callable[[Mounted], None]
    devices: list[str] = field(default_factory=list)  # loop devices of ours
    sshd: subprocess.Popen[bytes] | None = None  # ours, until the end: rclone knows a remote by its port too
    port: int = 0

    def unmount(self) -> None:
        """Unmount, waiting until writes that are under way have arrived."""
        for _ in range(50):
            if run("umount", str(self.path)).returncode == 0:
                break
            time.sleep(0.2)
        while self.devices:
            run("losetup", "-d", self.devices.pop())

    def again(self) -> None:
        """Away and back."""
        self.unmount()
        self.mount(self)

    def end(self) -> None:
        """Unmount for good."""
        self.unmount()
        if self.sshd:
            self.sshd.terminate()
            self.sshd.wait(30)


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def must(*command: str) -> None:
    done = run(*command)
    if done.returncode:
        raise NotHere(f"{command[0]}: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")


def need(*programs: str) -> None:
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise NotHere(f"{', '.join(missing)} not installed")


def image(mounted: Mounted, make: list[str], mount: list[str], device: bool = False) -> None:
    """Make the image of a disk where there is none, and mount it; by a loop device of ours where FUSE wants one."""
    need(make[0], mount[0])
    disk = mounted.source / "disk"
    if not disk.exists():
        with disk.open("wb") as file:
            file.truncate(320 * 2**20)
        must(*make, str(disk))
    if device:
        mounted.devices.append(run("losetup", "-f", "--show", str(disk)).stdout.strip())
    must(*mount, mounted.devices[-1] if device else str(disk), str(mounted.path))


def branches(mounted: Mounted, *names: str) -> list[str]:
    paths = [mounted.source / name for name in names]
    for path in paths:
        path.mkdir(exist_ok=True)
    return [str(path) for path in paths]


def mergerfs(mounted: Mounted, policy: str) -> None:
    need("mergerfs")
    must(
        "mergerfs",
        "-o",
        f"category.create={policy},minfreespace=1M",
        ":".join(branches(mounted, "a", "b")),
        str(mounted.path),
    )


def gocryptfs(mounted: Mounted) -> None:
    need("gocryptfs")
    (cipher,) = branches(mounted, "cipher")
    if not os.listdir(cipher):
        must("gocryptfs", "-q", "-init", "-scryptn", "10", "-extpass", "echo secret", cipher)
    must("gocryptfs", "-q", "-extpass", "echo secret", cipher, str(mounted.path))


def bindfs(mounted: Mounted) -> None:
    need("bindfs")
    must("bindfs", *branches(mounted, "plain"), str(mounted.path))


def overlay(mounted: Mounted) -> None:
    lower, upper, work = branches(mounted, "lower", "upper", "work")
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    if run("mount", "-t", "overlay", "overlay", "-o", options, str(mounted.path)).returncode:
        need("fuse-overlayfs")
        must("fuse-overlayfs", "-o", options, str(mounted.path))


def rclone(mounted: Mounted, remote: str = "", refused: str = "") -> None:
    """A cloud drive as rclone mounts it; by default over a folder of this machine. ``refused``: what it cannot do."""
    need("rclone")
    (plain, cache) = branches(mounted, "plain", "cache")
    options = ["--vfs-cache-mode", "writes", "--cache-dir", cache, "--config", "/dev/null", "--disable", refused]
    must("rclone", "mount", "--daemon", *options, remote or f":local:{plain}", str(mounted.path))


def sftp_server(mounted: Mounted, refused: str = "") -> tuple[int, Path, Path]:
    """An sshd of our own on the loopback, with keys of our own: its port, the key that opens it, its folder.

    ``refused`` are requests of SFTP that it denies.
    """
    need("ssh-keygen")
    (folder, plain) = map(Path, branches(mounted, "ssh", "plain"))
    if not mounted.sshd:
        mounted.sshd, mounted.port = start_sshd(folder, refused)
    return mounted.port, folder / "user", plain


def start_sshd(folder: Path, refused: str) -> tuple[subprocess.Popen[bytes], int]:
    sshd = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if not sshd:
        raise NotHere("sshd not installed")
    for name in ("host", "user"):
        must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name))
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    lines = {
        "Port": port, "ListenAddress": "127.0.0.1", "HostKey": folder / "host", "PidFile": "none",
        "AuthorizedKeysFile": folder / "user.pub", "StrictModes": "no", "UsePAM": "no",
        "PasswordAuthentication": "no", "Subsystem": "sftp internal-sftp",
        "ForceCommand": f"internal-sftp -P {refused}" if refused else "internal-sftp",
    }  # fmt: skip
    (folder / "config").write_text("".join(f"{name} {value}\n" for name, value in lines.items()))
    PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)  # as its service does at each start
    process = subprocess.Popen([sshd, "-D", "-e", "-f", folder / "config"], stderr=subprocess.PIPE)
    assert process.stderr
    said = list(itertools.takewhile(lambda line: b"Server listening" not in line, process.stderr))
    if process.poll() is not None:
        raise NotHere(f"sshd: {said[-1:]}")
    return process, port


def sshfs(mounted: Mounted, refused: str = "") -> None:
    need("sshfs")
    port, key, plain = sftp_server(mounted, refused)
    ours = ["-p", str(port), "-o", f"IdentityFile={key}", "-F", "/dev/null"]
    unasked = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
    must("sshfs", *ours, *unasked, f"root@127.0.0.1:{plain}", str(mounted.path))


def rclone_sftp(mounted: Mounted) -> None:
    need("rclone")
    port, key, plain = sftp_server(mounted)
    rclone(mounted, f":sftp,host=127.0.0.1,port={port},user=root,key_file={key},shell_type=none:{plain}")


FILESYSTEMS: dict[str, Callable[[Mounted], None]] = {
    "ext4": lambda mounted: image(mounted, ["mkfs.ext4", "-q", "-F"], ["mount", "-o", "loop"]),
    "xfs": lambda mounted: image(mounted, ["mkfs.xfs", "-q"], ["mount", "-o", "loop"]),
    "btrfs": lambda mounted: image(mounted, ["mkfs.btrfs", "-q"], ["mount", "-o", "loop"]),
    "exfat": lambda mounted: image(mounted, ["mkfs.exfat"], ["mount.exfat-fuse"], device=True),
    "ntfs-3g": lambda mounted: image(mounted, ["mkfs.ntfs", "-q", "-F", "-Q"], ["ntfs-3g"]),
    "mergerfs-epmfs": lambda mounted: mergerfs(mounted, "epmfs"),
    "mergerfs-mfs": lambda mounted: mergerfs(mounted, "mfs"),
    "gocryptfs": gocryptfs,
    "bindfs": bindfs,
    "overlay": overlay,
    "sshfs": sshfs,
    "rclone": rclone,
    "rclone-sftp": rclone_sftp,
}
# Mounts that make new files and write them, and refuse every link and every rename.
WRITE_ONLY: dict[str, Callable[[Mounted], None]] = {
    "sshfs-no-rename": lambda mounted: sshfs(mounted, "rename,posix-rename,hardlink"),
    "rclone-no-rename": lambda mounted: rclone(mounted, refused="Move,Copy,DirMove"),  # of a drive that has none
}
