"""How a patient's name may be typed: pinyin, initials, and the other readings of characters that have several.

Surnames follow their surname reading first (单 shàn, 曾 zēng, 解 xiè, 仇 qiú); the everyday reading finds them too.
"""

from __future__ import annotations

import importlib
import os
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import islice, product
from types import ModuleType

#: surnames whose reading differs from the everyday one; two-character surnames carry both syllables
SURNAMES: dict[str, tuple[str, ...]] = {
    "万俟": ("mo", "qi"),
    "尉迟": ("yu", "chi"),
    "单于": ("chan", "yu"),
    "长孙": ("zhang", "sun"),
    "澹台": ("tan", "tai"),
    "令狐": ("ling", "hu"),
    "鲜于": ("xian", "yu"),
    "宰父": ("zai", "fu"),
    "皇甫": ("huang", "fu"),
    "夏侯": ("xia", "hou"),
    "诸葛": ("zhu", "ge"),
    "单": ("shan",),
    "曾": ("zeng",),
    "解": ("xie",),
    "仇": ("qiu",),
    "区": ("ou",),
    "朴": ("piao",),
    "查": ("zha",),
    "盖": ("ge",),
    "任": ("ren",),
    "尉": ("wei",),
    "翟": ("zhai",),
    "缪": ("miao",),
    "冼": ("xian",),
    "覃": ("qin",),
    "宓": ("mi",),
    "员": ("yun",),
    "郇": ("xun",),
    "乐": ("yue",),
    "折": ("she",),
    "牟": ("mu",),
    "秘": ("bi",),
    "种": ("chong",),
    "繁": ("po",),
    "那": ("na",),
    "宁": ("ning",),
    "召": ("shao",),
    "黑": ("he",),
    "能": ("nai",),
    "佴": ("nai",),
    "逄": ("pang",),
    "訾": ("zi",),
    "眭": ("sui",),
    "葛": ("ge",),
    "华": ("hua",),
    "燕": ("yan",),
    "应": ("ying",),
    "洗": ("xian",),
    "哈": ("ha",),
    "重": ("chong",),
    "车": ("che",),
    "句": ("gou",),
    "阚": ("kan",),
    "晁": ("chao",),
    "教": ("jiao",),
    "占": ("zhan",),
    "谌": ("chen",),
    "邵": ("shao",),
    "沈": ("shen",),
    "石": ("shi",),
    "柏": ("bai",),
    "薄": ("bo",),
    "卜": ("bu",),
    "贾": ("jia",),
    "纪": ("ji",),
    "俞": ("yu",),
    "祭": ("zhai",),
    "朝": ("chao",),
    "行": ("xing",),
    "隗": ("wei",),
    "过": ("guo",),
    "都": ("du",),
    "费": ("fei",),
    "车正": ("che", "zheng"),
}
#: further surname readings that people use besides the first
OTHER_SURNAME_READINGS = {"覃": ("tan",), "翟": ("di",), "尉": ("yu",), "谌": ("shen",), "朴": ("pu",), "隗": ("kui",)}

#: readings kept for one name; a name of four characters with two readings each would have sixteen
MOST_READINGS = 6

#: what pypinyin looks for when it is imported
_WITHOUT_PHRASES = "PYPINYIN_NO_PHRASES"
_LATIN_WORD = re.compile(r"[a-zàáâãäåçèéêëìíîïñòóôõöøùúûüýÿ]+", re.IGNORECASE)
_PARTS = re.compile(r"[A-Za-zÀ-ÿ]+|.", re.DOTALL)
_BETWEEN_WORDS = re.compile(r"[\s·•.\-]+")
_SEPARATORS = re.compile(r"[\s'’·•.\-_]+")


@dataclass(frozen=True, slots=True)
class NameReadings:
    """``pinyin`` and ``initials`` are the first reading; ``others`` are further keys a search may hit."""

    pinyin: str
    initials: str
    others: tuple[str, ...]


def readings_of(name: str) -> NameReadings:
    """The keys of a name: ``张三`` gives ``zhangsan`` and ``zs``; Latin names give their letters and first letters."""
    syllables = _syllables(name)
    found: dict[tuple[str, str], None] = {}
    for choice in islice(product(*syllables), MOST_READINGS):
        found["".join(choice), "".join(syllable[0] for syllable in choice)] = None
    if not found:
        return NameReadings("", "", ())
    (first_pinyin, first_initials), *more = found
    others: dict[str, None] = {}
    for reading, initials in more:
        others[reading] = None
        others[initials] = None
    for reading, _ in list(found):
        # ü is typed v at a keyboard, but stands as u or yu in passports
        if "lv" in reading or "nv" in reading:
            others[re.sub(r"([ln])v", r"\1u", reading)] = None
            others[re.sub(r"([ln])v", r"\1yu", reading)] = None
    for word in _later_words(name):
        others[word] = None
    keep = tuple(key for key in others if key and key not in (first_pinyin, first_initials))
    return NameReadings(first_pinyin, first_initials, keep)


def latin_key(text: str) -> str:
    """What was typed, in the form of the keys: lower case, no tones, no separators, ``ü`` as ``v``."""
    text = text.lower().replace("u:", "v")
    marked = unicodedata.normalize("NFD", text)
    marked = re.sub("u([\u0300\u0301\u0304\u030c]?)\u0308([\u0300\u0301\u0304\u030c]?)", "v", marked)
    plain = "".join(letter for letter in marked if not unicodedata.combining(letter))
    return re.sub(r"[1-5]", "", _SEPARATORS.sub("", plain)) if plain.isascii() else ""


def _syllables(name: str) -> list[tuple[str, ...]]:
    name = unicodedata.normalize("NFKC", name).strip()
    compound = SURNAMES.get(name[:2]) if len(name) > 2 else None
    start: list[tuple[str, ...]] = []
    if compound is not None and len(compound) == 2:
        start, name = [(syllable,) for syllable in compound], name[2:]
    elif name[:1] in SURNAMES:
        letter, name = name[0], name[1:]
        order = (*SURNAMES[letter], *OTHER_SURNAME_READINGS.get(letter, ()), *_readings(letter))
        start = [tuple(dict.fromkeys(order))]
    elif _readings(name[:1]):
        # another surname: the everyday reading alone, rare ones would only bring false hits
        start, name = [_readings(name[0])[:1]], name[1:]
    rest: list[tuple[str, ...]] = []
    for part in _PARTS.findall(name):
        if _LATIN_WORD.fullmatch(part):
            rest.append((latin_key(part),))
        elif found := _readings(part):
            rest.append(found[:2])
    return start + [choices for choices in rest if choices[0]]


@lru_cache(maxsize=32768)
def _readings(letter: str) -> tuple[str, ...]:
    """Toneless readings of one character, the most usual first; empty for what is no Chinese character."""
    if not letter:
        return ()
    found = _pypinyin().pinyin(letter, style="normal", heteronym=True, errors="ignore", v_to_u=False)
    if not found:
        return ()
    plain = (latin_key(reading) for reading in found[0])
    return tuple(dict.fromkeys(reading for reading in plain if reading.isalpha()))


@cache
def _pypinyin() -> ModuleType:
    """Loaded when a name is read, which most processes never do, and without its table of phrases: that takes four
    times as long, and says nothing of single characters."""
    kept = os.environ.get(_WITHOUT_PHRASES)
    os.environ[_WITHOUT_PHRASES] = "true"
    try:
        return importlib.import_module("pypinyin")
    finally:
        if kept is None:
            del os.environ[_WITHOUT_PHRASES]
        else:
            os.environ[_WITHOUT_PHRASES] = kept


def load() -> None:
    """Load the table of readings now, so that no name has to wait for it."""
    _pypinyin()


def _later_words(name: str) -> list[str]:
    """``Anna Maria Schmidt`` is also found by ``maria`` and ``schmidt``, ``阿依古丽·买买提`` by ``买买提``."""
    words = [word for word in _BETWEEN_WORDS.split(name.strip()) if word]
    later: list[str] = []
    for word in words[1:4]:
        later.append(latin_key(word) or word)
        if not word.isascii():
            later.append("".join(choice[0] for choice in _syllables(word)))
    return later
