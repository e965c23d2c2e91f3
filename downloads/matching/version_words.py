"""Words in a title that say which recording of a song it is, and words that say nothing about it. Pure.

All phrases are written as `downloads.matching.title_text.normalise` leaves them: casefolded, no punctuation, single
spaces. Phrases in scripts that put no spaces between words (and Korean, which joins particles) are found anywhere in
the text, others as whole words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


def phrases(text: str) -> tuple[str, ...]:
    """Phrases from a list with commas."""
    return tuple(text.split(", "))


# Another recording, arrangement or speed than the plain song: a veto unless wished. The key is what a person reads.
EXCLUSIVE: dict[str, tuple[str, ...]] = {
    # a concert instead of the studio, in every language in which upload titles say so often
    "live": phrases(
        "live, liveauftritt, livestream, in concert, concert, en concert, concierto, "
        "concerto, konzert, koncert, en vivo, en directo, ao vivo, dal vivo, en public, "
        "in diretta, na żywo, naživo, na živo, uživo, élőben, elő koncert, canlı, "
        "canlı performans, konser, концерт, концерта, концерте, вживую, живой, лайв, наживо, "
        "на живо, ζωντανά, ライブ, ライヴ, 生演奏, 라이브, 콘서트, 现场, 現場, 演唱会, "
        "演唱會, บันทึกการแสดงสด, مباشر, حفلة, حفل, בהופעה, הופעה, trực tiếp, tour, "
        "performs, performing, performance, festival, soundcheck, rehearsal, tiny desk, "
        "jam session"
    ),
    # radio and studio sessions: recorded anew
    "session": phrases(
        "session, sessions, sesión, sesion, sessão, recorded at, spotify singles, amazon original, amazon originals"
    ),
    "unplugged": phrases("unplugged, desenchufado"),
    "acoustic": phrases(
        "acoustic, acústico, acústica, acustico, acustica, acoustique, akustik, akustisch, "
        "akustická, akustyczna, akustycznie, akustično, akoestisch, akustisk, акустика, "
        "акустическая, акустична, ακουστικό, アコースティック, 弾き語り, 어쿠스틱, 不插电, "
        "不插電, stripped, stripped down, campfire"
    ),
    # somebody else's hands
    "remix": phrases(
        "remix, remixed, remixes, rmx, remixado, remezcla, bootleg, rework, reworked, refix, "
        "flip, vip, dub mix, dub, club mix, ремикс, ремікс, リミックス, 리믹스, 混音, "
        "ريمكس, רמיקס, ρεμίξ"
    ),
    "mashup": phrases("mashup, mash up, megamix, medley, potpourri, попурри, メドレー, 메들리, 联唱"),
    "extended": phrases("extended, extendida, extendido, erweitert, maxi version, long version"),
    "cover": phrases(
        "cover, covers, covered, coverversion, cover version, versión de, coveren, кавер, "
        "カバー, カヴァー, 歌ってみた, 弾いてみた, 叩いてみた, 演奏してみた, 커버, 翻唱, "
        "คัฟเวอร์, גרסת כיסוי, in the style of, style of, originally performed by, "
        "originally by, made popular by, made famous by, as made famous, as performed by, "
        "en el estilo de, im stil von, a la manière de, al estilo de"
    ),
    "karaoke": phrases(
        "karaoke, караоке, カラオケ, 노래방, 卡拉ok, 伴奏, 伴奏版, คาราโอเกะ, כריוקי, "
        "قاريوكي, sing along, backing track, backing tracks, minus one, minusovka, минус, "
        "минусовка, playback, base musical, pista"
    ),
    "instrumental": phrases(
        "instrumental, instrumentals, instrumentale, instrumentaal, instrumentaali, "
        "instrumentál, enstrümantal, инструментал, инструментальная, інструментал, inst, "
        "mr inst, off vocal, インスト, インストゥルメンタル, 연주곡, 纯音乐, 純音樂, "
        "beat only, piano version, guitar version, violin version, string quartet version, "
        "piano solo"
    ),
    "a cappella": phrases("a cappella, acappella, acapella, a capella, vocals only, vocal only, アカペラ, акапелла"),
    "sped up": phrases(
        "sped up, spedup, speed up, speedup, speeded up, acelerada, acelerado, ускоренная, "
        "beschleunigt, hızlandırılmış, accélérée, przyspieszone, スピードアップ, 스페드업, "
        "加速版, 倍速, faster version"
    ),
    "slowed": phrases(
        "slowed, slowed down, slow version, "
        "замедленная, замедлено, verlangsamt, yavaşlatılmış, ralentie, zwolnione, lenta, "
        "减速版, chopped, screwed"
    ),
    "reverb": phrases("reverb, reverbed"),
    "nightcore": phrases("nightcore, daycore, ナイトコア, 나이트코어, найткор"),
    "8D": phrases("8d, 8d audio, 16d, 9d, 360 audio, 3d audio, binaural audio, 8д"),
    # the same recording, but not as it was made
    "altered sound": phrases(
        "bass boosted, bassboosted, boosted, 432hz, 432 hz, 440hz, 528hz, pitched, reversed, "
        "backwards, lo fi, lofi, vaporwave, phonk, earrape, muffled, from another room, "
        "in another room, speed"
    ),
    "8-bit": phrases("8 bit, 8bit, 16 bit, chiptune, midi, music box, オルゴール, lullaby, lullabies, rendition"),
    # sung or played anew years later, mostly by the same artist
    "re-recording": phrases(
        "re recorded, rerecorded, re record, rerecord, re recording, rerecording, re recordings, rerecordings, redux, "
        "new version, new recording, newly recorded, neue version, neuaufnahme, neueinspielung, nueva versión, "
        "regrabado, regrabada, nova versão, regravado, regravada, nouvelle version, nuova versione, nowa wersja, "
        "новая версия, перезапись, 再録, 再録音, 재녹음, "
        "reimagined, re imagined, reinterpreted, revisited"
    ),
    "demo": phrases(
        "demo, demos, demoversion, maqueta, demó, демо, デモ, 데모, 小样, rough mix, home recording, voice memo"
    ),
    "alternate take": phrases(
        "alternate, alternative version, alternative mix, alternate version, outtake, "
        "outtakes, early version, early take, unreleased version, work in progress"
    ),
    "tribute": phrases("tribute, tributo, hommage, трибьют, トリビュート, 트리뷰트, 致敬, homenaje, homenagem"),
    "parody": phrases("parody, parodia, parodie, paródia, пародия, 替え歌, 패러디, 恶搞"),
    # somebody shows how it is played, or listens to it
    "lesson": phrases(
        "tutorial, lesson, how to play, tabs, playthrough, play through, play along, "
        "reaction, reacts, rocksmith, guitar hero, synthesia, sheet music, piano class, "
        "урок, разбор, reacción, 리액션"
    ),
    # not all of it
    "excerpt": phrases(
        "preview, snippet, teaser, trailer, short version, ringtone, excerpt, sample, medio, "
        "tv size, tv version, anime size, tiktok version"
    ),
    # more than it
    "whole album or loop": phrases(
        "full album, album completo, full ep, full session, full concert, full show, 1 hour, "
        "10 hours, one hour, 1 hora, 1시간, loop, looped, playlist, compilation, "
        "behind the scenes, making of"
    ),
    "orchestral": phrases("orchestral, symphonic, sinfónico, orchestrale, orchester version, orchestra version"),
    "reprise": phrases("reprise, interlude, commentary, skit, interludio, интерлюдия"),
}

# The same recording cut or mixed a little differently: the length decides, and little is lost if it agrees.
COSMETIC: dict[str, tuple[str, ...]] = {
    "radio edit": phrases("radio edit, radio version, radio mix, radio cut, radio, single edit, video edit"),
    "edit": phrases("edit, cut"),
    "mono": phrases("mono, mono version, mono mix"),
    "intro": phrases("intro, outro"),
    "clean": phrases("clean, censored, clean version, edited"),  # "Edited" is how shops call a clean cut
}

# Says nothing about which recording it is: how it is shown, sold, subtitled or mastered.
NOISE: tuple[str, ...] = phrases(
    "official, officiel, officielle, oficial, offiziell, offizielles, ufficiale, oficjalny, "
    "oficjalne, officiële, resmi, официальный, официальное, офіційний, 公式, 官方, 공식, "
    "music video, musikvideo, musicvideo, video, vídeo, videoclip, video clip, clip, klip, "
    "teledysk, видео, клип, видеоклип, кліп, відео, премьера, mv, m v, pv, "
    "ミュージックビデオ, 뮤직비디오, 完整版, lyric, lyrics, lyric video, letra, letras, "
    "con letra, paroles, testo, songtext, tekst, текст, слова, 歌詞, 歌词, 가사, sözleri, "
    "legendado, legenda, subtitulado, subtitulada, sub español, sub, subs, subtitles, "
    "subtitled, traducida, traducido, tradução, перевод, napisy, untertitel, 和訳, 中文字幕, "
    "자막, 번역, español, in description, with, lirik, audio, official audio, áudio, аудио, "
    "áudio oficial, full audio, 音源, visualizer, visualiser, visualizador, art track, hd, "
    "hq, uhd, 4k, 8k, 1080p, 720p, 60fps, high quality, hi res, hifi, stereo, flac, 320kbps, "
    "upgrade, upgraded, restored, remaster, remastered, remasters, remasterizado, "
    "remasterizada, remasterisé, remasterisée, remastering, rimasterizzato, ремастер, "
    "リマスター, リマスタリング, 리마스터, digital, digitally, master, newly, explicit, "
    "explicit version, dirty, uncensored, bonus, bonus track, bonustrack, deluxe, edition, "
    "expanded, anniversary, original, original mix, original version, album version, "
    "single version, album mix, single mix, main version, main, lp, full version, studio version, "
    "standard version, stereo mix, stereo version, lp version, album, single, ep, ost, "
    "soundtrack, original motion picture soundtrack, motion picture, original soundtrack, "
    "banda sonora, саундтрек, オリジナルサウンドトラック, new, neu, premiere, out now, "
    "free download, new song, the, topic, vevo, year, hit, song, full, full song, version, "
    "ver"
)

# "<name> version" is a recording of its own ("Taylor's Version", "English Version"), unless the name is one of these.
NAMED_BY = phrases(
    "version, versión, versione, versão, versio, wersja, версия, ver, mix, edit, cut, take, edition, edición, édition, "
    "edizione, edição"
)
_UNNAMED = frozenset(
    phrases(
        "album, single, original, full, standard, stereo, mono, main, studio, explicit, lp, ep, "
        "deluxe, remaster, remastered, new, official, lyric, lyrics, audio, video, radio, clean, "
        "short, digital, master, final, uncensored, dirty, bonus, 7, 12, inch, music, hd, hq, "
        "clip, the, this, is, and, a, of, in, special, limited, collector, collectors, standard, expanded, anniversary"
    )
)

_FIRST = frozenset(["original", "album", "single", "lp"])

# A word that brings another along: "Unplugged" is live and acoustic, a session is often called live.
IMPLIES: dict[str, frozenset[str]] = {
    "unplugged": frozenset({"live", "acoustic", "session"}),
    "session": frozenset({"live"}),
    "live": frozenset({"session"}),
    "karaoke": frozenset({"instrumental", "cover"}),
    "cover": frozenset({"tribute"}),
    "tribute": frozenset({"cover"}),
    "sped up": frozenset({"altered sound", "nightcore"}),
    "nightcore": frozenset({"sped up", "altered sound"}),
    "slowed": frozenset({"altered sound"}),
}

_UNSPACED = re.compile("[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
YEAR = re.compile(r"(?:19|20)\d\d\Z")
_ANNIVERSARY, _ORDINAL = "anniversary", re.compile(r"\d{1,3}(?:st|nd|rd|th)?\Z")  # "20th Anniversary Edition"


@dataclass(frozen=True, slots=True)
class Versions:
    """What a piece of text says about the recording: keys of ``EXCLUSIVE`` and ``COSMETIC``, and the words around them.

    ``years`` are those of a performance; the year of a remaster says nothing.
    """

    exclusive: frozenset[str] = frozenset()
    cosmetic: frozenset[str] = frozenset()
    rest: tuple[str, ...] = ()
    years: frozenset[str] = frozenset()


class _Index:
    """Phrases for quick finding: by their words, and those of scripts without spaces by their letters."""

    def __init__(self, table: dict[str, tuple[str, ...]]) -> None:
        self.unspaced: list[tuple[str, str]] = []
        self.spaced: dict[tuple[str, ...], set[str]] = {}
        for key, phrases in table.items():
            for phrase in sorted(phrases, key=len, reverse=True):
                if _UNSPACED.search(phrase):
                    self.unspaced.append((phrase, key))
                else:
                    self.spaced.setdefault(tuple(phrase.split()), set()).add(key)
        self.longest = max(map(len, self.spaced), default=0)

    def find(self, normalised: str) -> tuple[set[str], tuple[str, ...]]:
        """The keys of all phrases in ``normalised``, and the words that belong to none of them."""
        keys: set[str] = set()
        if _UNSPACED.search(normalised):
            for phrase, key in self.unspaced:
                if phrase in normalised:
                    keys.add(key)
                    normalised = normalised.replace(phrase, " ")
        tokens = normalised.split()
        taken = [False] * len(tokens)
        for start in range(len(tokens)):
            for end in range(start + 1, min(len(tokens), start + self.longest) + 1):
                if keys_here := self.spaced.get(tuple(tokens[start:end])):
                    keys |= keys_here
                    taken[start:end] = [True] * (end - start)
        return keys, tuple(word for word, out in zip(tokens, taken, strict=True) if not out)


_VERSIONS = _Index({**EXCLUSIVE, **COSMETIC})
_NOISES = _Index({"noise": NOISE})


@lru_cache(maxsize=8192)
def find_versions(normalised: str) -> Versions:
    """Which recording a normalised text (`title_text.normalise`) says it is. ``rest`` has no noise in it."""
    keys, left = _VERSIONS.find(normalised)
    exclusive, cosmetic = keys & EXCLUSIVE.keys(), keys & COSMETIC.keys()
    rest = strip_noise(" ".join(left))
    if not exclusive and (_is_named(normalised, rest) or _is_dated(normalised)):
        exclusive.add("another version")
    if "radio edit" in cosmetic or "another version" in exclusive:
        cosmetic.discard("edit")
    years = (
        frozenset(word for word in normalised.split() if YEAR.match(word))
        if "master" not in normalised
        else frozenset()
    )
    return Versions(frozenset(exclusive), frozenset(cosmetic), rest, years)


def _is_named(normalised: str, rest: tuple[str, ...]) -> bool:
    """Whether a name stands before "version" or the like: "Taylor's Version", but not "Album Version"."""
    tokens = normalised.split()
    if not any(word in NAMED_BY for word in tokens):
        return False
    if _ANNIVERSARY in tokens:
        rest = tuple(word for word in rest if not _ORDINAL.match(word))
    return any(word not in NAMED_BY and word not in _UNNAMED and not word.isdigit() and word in rest for word in tokens)


def _is_dated(normalised: str) -> bool:
    """Whether it is the version of a year ("2023 Version", "2020 Mix"); not a remaster, nor the first of all."""
    tokens = set(normalised.split())
    dated = tokens & {"version", "versión", "versione", "versão", "ver", "mix"} and any(map(YEAR.match, tokens))
    return bool(dated) and "master" not in normalised and not tokens & _FIRST


@lru_cache(maxsize=8192)
def strip_noise(normalised: str) -> tuple[str, ...]:
    """The words of ``normalised`` that are neither noise nor a year, nor which anniversary it is."""
    left = tuple(word for word in _NOISES.find(normalised)[1] if not YEAR.match(word))
    return tuple(word for word in left if not _ORDINAL.match(word)) if left and _ANNIVERSARY in normalised else left


def implied_by(keys: frozenset[str]) -> frozenset[str]:
    """The keys that these bring along."""
    return frozenset(implied for key in keys for implied in IMPLIES.get(key, ()))
