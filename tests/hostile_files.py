"""Files that ask their readers for too much: exports, zips and sound files, made here and nowhere else.

Each is made by a function, under a name that says what it is. Tests of what takes megabytes and seconds are long.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

GOOD = "title,artist\nNana,Falla\n"
EXTINF = "#EXTM3U\n#EXTINF:1,"

Made = Callable[[], bytes]


def text(made: str) -> Made:
    return lambda: made.encode("utf-8", "surrogatepass")


def lines(head: str, line: str, count: int, tail: str = "") -> Made:
    return lambda: (head + line * count + tail).encode()


def as_json(value: Callable[[], Any]) -> Made:
    return lambda: json.dumps(value()).encode()


def tracks(count: int) -> list[dict[str, str]]:
    return [{"artist": f"A{number}", "album": "B", "track": f"T{number}", "uri": ""} for number in range(count)]


BILLION_LAUGHS = '<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "lol">' + "".join(
    f'<!ENTITY {chr(98 + level)} "{f"&{chr(97 + level)};" * 10}">' for level in range(12)
)
XSPF = '<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList>'
PLIST = '<?xml version="1.0"?><plist version="1.0"><dict><key>Tracks</key><dict>'

# name of the file -> its bytes
EXPORTS: dict[str, Made] = {
    "a line of a million blanks.m3u": text(f"{EXTINF}a{' ' * 1_000_000}b\nx.mp3\n"),
    "lines of blanks at the limit.m3u": lines("#EXTM3U\n", f"#EXTINF:1,a{' ' * 9_900}b\nx.mp3\n", 100),
    "a length of 9000 digits.m3u": text(f"#EXTM3U\n#EXTINF:{'9' * 9_000},A - B\nx.mp3\n"),
    "headers alone.m3u": lines("", "#EXTM3U\n", 200_000),
    "a path of 3000 steps up.m3u": lines("#EXTM3U\n", f"{'../' * 3_000}x.mp3\n", 200),
    "addresses of spotify in each other.m3u": lines("#EXTM3U\n", f"{'spotify:track:' * 700}\n", 200),
    "dashes.txt": lines("", f"{' - ' * 3_300}\n", 100),
    "dashes of each kind.txt": lines("A - B\n", f"a{' –— -' * 1_900}\n", 100),
    "as many lines as are allowed.txt": lines("", "A - B\n", 249_999),
    "twelve million blank lines.txt": lines("A - B\n", "\n", 12_000_000),
    "forty megabytes of blanks.txt": lines("A - B\n", " ", 40_000_000),
    "forty megabytes of empty lines.csv": lines(GOOD, "\n", 40_000_000),
    "a cell of twenty megabytes.csv": lines(f'{GOOD}"', "x\n", 10_000_000, '",Falla\n'),
    "a quotation that never ends.csv": lines(f'{GOOD}"', "x,y\n", 250_000),
    "ten thousand columns.csv": lines("title,artist", ",x", 10_000, "\nNana,Falla\n"),
    "as many columns as are allowed.csv": lines(f"title,artist{',x' * 490}\n", f"Nana,Falla{',y' * 490}\n", 20_000),
    "quotation marks.csv": lines(GOOD, '"' * 9_000 + "\n", 200),
    "bare quotation marks.csv": lines(GOOD, 'a"b"c"d,e"f\n', 20_000),
    "more rows than any library.csv": lines(GOOD, "A,B\n", 250_001),
    "formulas.csv": lines(GOOD, "=HYPERLINK(1),@SUM(A1)\n", 5_000),
    "a NUL.csv": text("title,artist\nNa\x00na,Falla\n"),
    "every separator.csv": lines("title,artist;a\tb|c\n", ",;\t|" * 2_000 + "\n", 100),
    "uris of uris.csv": lines("Track URI,Track Name,Artist Name(s)\n", f"{'spotify:' * 1_000}track:x,A,B\n", 300),
    "entities of entities.csv": lines(GOOD, f"{'&amp;' * 900}lt;,{'&amp;amp;' * 500}\n", 300),
    "titles at the limit.csv": lines(GOOD, f"{'T' * 9_900},Falla\n", 4_000),
    "ten thousand guests.csv": lines(GOOD, f"{'(feat. x) ' * 950},{'A & ' * 100}B\n", 500),
    "brackets in brackets.json": lines("", "[", 100_000),
    "objects in objects.json": lines("", '{"playlists":', 50_000),
    "a number of 100,000 digits.json": text('{"tracks": [' + "9" * 100_000 + "]}"),
    "four hundred thousand empty lists.json": lines('{"playlists": [', '{"name":"a","items":[]},', 400_000, "{}]}"),
    "the same key again and again.json": lines("{", '"tracks":[],', 300_000, '"tracks":[]}'),
    "half characters.json": text('{"tracks": [{"artist": "\\ud800", "album": "", "track": "\\udfff\\u0000"}]}'),
    "more tracks than any library.json": as_json(lambda: {"tracks": tracks(300_000)}),
    "a list's name of a megabyte.json": as_json(
        lambda: {"playlists": [{"name": "n" * 1_000_000, "items": [{"track": {"trackName": "A", "artistName": "B"}}]}]}
    ),
    "no numbers.json": text('[{"ts":"x","ms_played":NaN,"master_metadata_track_name":"A"},{"ms_played":-Infinity}]'),
    "a billion laughs.xml": text(f"{BILLION_LAUGHS}]><plist>&m;</plist>"),
    "another file.xml": text('<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY x SYSTEM "file:///etc/passwd">]><plist>&x;'),
    "elements in elements.xml": lines(PLIST, "<dict>", 100_000),
    "an attribute of five megabytes.xspf": text(f'{XSPF}<track a="{"x" * 5_000_000}"/></trackList></playlist>'),
    "three hundred thousand tracks.xml": lambda: (
        PLIST
        + "".join(f"<key>{n}</key><dict><key>Name</key><string>A{n}</string></dict>" for n in range(300_000))
        + "</dict></dict></plist>"
    ).encode(),
    "entries that are not there.pls": text(
        f"[playlist]\nNumberOfEntries=999999999999\nFile{'9' * 5_000}=x.mp3\nTitle1={'x' * 9_900}\n"
    ),
    "signs of the order of bytes.txt": lambda: b"\xff\xfe\xfe\xff\x00" * 50_000,
}  # fmt: skip

LARGE = {
    "as many lines as are allowed.txt",
    "twelve million blank lines.txt",
    "forty megabytes of blanks.txt",
    "forty megabytes of empty lines.csv",
    "a cell of twenty megabytes.csv",
    "as many columns as are allowed.csv",
    "more rows than any library.csv",
    "titles at the limit.csv",
    "four hundred thousand empty lists.json",
    "the same key again and again.json",
    "more tracks than any library.json",
    "an attribute of five megabytes.xspf",
    "three hundred thousand tracks.xml",
}


# --- Zips -------------------------------------------------------------------------------------------------


def zipped(members: Iterable[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return packed.getvalue()


def one(name: str, data: bytes = GOOD.encode(), method: int = zipfile.ZIP_DEFLATED) -> Made:
    return lambda: zipped([(name, data)], method)


def changed(made: bytes, local: int, central: int, form: str, value: int) -> bytes:
    """A zip of one member with another value in both places that say one (APPNOTE.TXT, 4.3.7 and 4.3.12)."""
    raw = bytearray(made)
    struct.pack_into(form, raw, raw.index(b"PK\x03\x04") + local, value)
    struct.pack_into(form, raw, raw.index(b"PK\x01\x02") + central, value)
    return bytes(raw)


def nested(depth: int) -> bytes:
    data = zipped([("list.csv", GOOD.encode())])
    for _ in range(depth):
        data = zipped([("inner.zip", data)])
    return data


def shared_data(members: int) -> bytes:
    """Every entry of the directory leads to the one body: what one member takes, all of them unpack to."""
    rows = GOOD.encode() + b"".join(b"%x,Falla\n" % zlib.crc32(b"%d" % number) for number in range(60_000))
    raw = zipped([("00000.csv", rows)])
    central = raw.index(b"PK\x01\x02")
    end = raw.index(b"PK\x05\x06")
    entry = raw[central:end]
    entries = b"".join(entry.replace(b"00000.csv", b"%05d.csv" % number) for number in range(members))
    return raw[:central] + entries + struct.pack(
        "<4s4H2LH", b"PK\x05\x06", 0, 0, members, members, len(entries), central, 0
    )  # fmt: skip


def link(target: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        info = zipfile.ZipInfo("list.csv")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, target)
    return packed.getvalue()


def rows(members: int) -> bytes:
    """Lists that are just short of what counts as a bomb, together far beyond what is unpacked."""
    table = GOOD.encode() + b"A,B\n" * 240_000
    return zipped((f"{number}.csv", table) for number in range(members))


ZIPS: dict[str, Made] = {
    "a bomb": one("list.csv", b"a" * 30_000_000),
    "a bomb by bzip2": one("list.csv", b"a" * 30_000_000, zipfile.ZIP_BZIP2),
    "a bomb by lzma": one("list.csv", b"a" * 30_000_000, zipfile.ZIP_LZMA),
    "zips in zips": lambda: nested(6),
    "twenty thousand members": lambda: zipped((f"{number}.csv", b"x") for number in range(20_000)),
    "two thousand members of one body": lambda: shared_data(2_000),
    "a size that is too small": lambda: changed(zipped([("a.csv", GOOD.encode() * 9_000)]), 22, 24, "<L", 500),
    "a size of four gigabytes": lambda: changed(zipped([("a.csv", GOOD.encode())]), 22, 24, "<L", 0xFFFFFFF0),
    "a packed size of four gigabytes": lambda: changed(zipped([("a.csv", GOOD.encode())]), 18, 20, "<L", 0xFFFFFFF0),
    "a link": lambda: link(b"/etc/passwd"),
    "a way up": one("../../list.csv"),
    "a way up by backslashes": one("..\\..\\list.csv"),
    "an absolute place": one("/etc/list.csv"),
    "a drive": one("C:list.csv"),
    "a NUL in its name": lambda: zipped([("listx.csv", GOOD.encode())]).replace(b"listx.csv", b"list\x00.csv"),
    "cut in the middle": lambda: zipped([("a.csv", GOOD.encode() * 900)])[:-40],
    "a wrong checksum": lambda: zipped([("a.csv", GOOD.encode())], zipfile.ZIP_STORED).replace(b"Nana", b"Nene"),
    "an unknown method": lambda: changed(zipped([("a.csv", GOOD.encode())]), 8, 10, "<H", 99),
    "a password": lambda: changed(zipped([("a.csv", GOOD.encode())]), 6, 8, "<H", 1),
    "two hundred large lists": lambda: rows(200),
}
LARGE_ZIPS = {"two thousand members of one body", "two hundred large lists"}


# --- Sound files ------------------------------------------------------------------------------------------


def syncsafe(number: int) -> bytes:
    """Four bytes of seven bits: ID3v2.4, section 6.2."""
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3(frames: bytes) -> bytes:
    return b"ID3\x04\x00\x00" + syncsafe(len(frames)) + frames


def text_frame(name: bytes, body: bytes, flags: bytes = b"\x00\x00") -> bytes:
    return name + syncsafe(len(body)) + flags + body


def packed_frame(megabytes: int) -> bytes:
    """A text frame that unpacks to so much: ID3v2.4, section 4.1.2, compression with a data length."""
    packer = zlib.compressobj(9)
    data = b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()
    return text_frame(b"TXXX", syncsafe(megabytes * 2**20 & (2**28 - 1)) + data, b"\x00\x09")


def many_frames(count: int) -> bytes:
    return b"".join(text_frame(b"TXXX", b"\x03" + struct.pack(">L", number) + b"\x00") for number in range(count))


def undecodable_frames(count: int) -> bytes:
    """ADTS frames whose bodies are nothing: ffmpeg complains of each."""
    return (b"\xff\xf1\x50\x80\x04\x1f\xfc" + b"\xff" * 26) * count


def media_bombs(sound: bytes) -> Iterator[tuple[str, bytes]]:
    """(Name, bytes) of each; ``sound`` is an ordinary mp3."""
    yield "a frame that unpacks to 4 GB.mp3", id3(packed_frame(4_000)) + sound
    yield "a million frames.mp3", id3(many_frames(1_000_000)) + sound
    yield "a title of 8 MB.mp3", id3(text_frame(b"TIT2", b"\x03" + b"(feat. x) " * 800_000)) + sound
    yield "a tag of 200 MB.mp3", id3(text_frame(b"TIT2", b"\x03" + b"x" * 200_000_000)) + sound
    yield "52 MB that cannot be decoded.aac", undecodable_frames(1_600_000)


def written(folder: Path, name: str, data: bytes) -> str:
    path = folder / name.replace("/", "_")
    path.write_bytes(data)
    return str(path)
