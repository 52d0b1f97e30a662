"""Invented people for the demo: surnames, given names and number ranges to combine. Nobody in it is real."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
RARE_SURNAMES = (
    "单",
    "解",
    "仇",
    "区",
    "查",
    "翟",
    "缪",
    "朴",
    "盖",
    "乐",
    "冼",
    "欧阳",
    "诸葛",
    "上官",
    "司徒",
    "尉迟",
)
FIRST = "小伟芳娜秀敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂文辉玲红健俊晓志建海淑国春永玉雪梅嘉子梓雨思欣佳宇浩晨诗若"
SECOND = "英华玉兰珍荣贵生云龙飞鹏宁波亮峰林东燕琴凤洁梅琳莉婷宇轩涵怡萱豪博文翔然彤瑶诺妍泽航悦霖源清远安康"
MOBILE_PREFIXES = (
    *("134", "135", "136", "137", "138", "139", "147", "150", "151", "152", "157", "158", "159", "178", "182", "183"),
    *("187", "188", "198", "130", "131", "132", "155", "156", "176", "185", "186", "133", "153", "177", "180", "181"),
    *("189", "199"),
)
AREAS = (("571", 8), ("571", 8), ("571", 8), ("10", 8), ("21", 8), ("574", 8), ("573", 8), ("572", 7), ("755", 8))
LABELS = ("本人", "本人", "本人", "家属", "单位")

#: kept free for the people below: no random number begins like this
CAST_MOBILE = "1380571"
CAST_LANDLINE = "5718800"


@dataclass(frozen=True, slots=True)
class Person:
    """A demo patient: ISO birth date, numbers as ``(national digits without 0, kind, label)``."""

    name: str
    sex: str
    birth_date: str
    note: str
    numbers: tuple[tuple[str, str, str], ...]


def _mobile(last: str, label: str = "本人") -> tuple[str, str, str]:
    return f"{CAST_MOBILE}{last}", "mobile", label


def _landline(last: str, label: str = "家庭") -> tuple[str, str, str]:
    return f"{CAST_LANDLINE}{last}", "landline", label


#: people whom the demo's callers play; they come first in every demo database
CAST = (
    Person("张三", "male", "1968-03-12", "高血压,按月复诊。对青霉素过敏。", (_mobile("1001"),)),
    Person("李秀英", "female", "1951-11-02", "听力较弱,请放慢语速。", (_landline("1002"), _mobile("1003", "女儿"))),
    Person("王建国", "male", "1949-06-30", "膝关节置换术后随访。", (_landline("1004"),)),
    Person("王小明", "male", "2016-09-01", "儿科,哮喘。与祖父同一电话。", (_landline("1004"),)),
    Person("赵玉兰", "female", "1953-01-18", "与王建国同住。", (_landline("1004"), _mobile("1005"))),
    Person("单雄", "male", "1979-07-21", "姓氏读 shàn。", (_mobile("1006"),)),
    Person("曾静", "female", "1988-12-05", "孕 28 周,产科建档。", (_mobile("1007"),)),
    Person("解晓东", "male", "1990-04-16", "", (_mobile("1008"),)),
    Person("仇丽华", "female", "1962-08-09", "需要轮椅。", (_mobile("1009"),)),
    Person("欧阳文博", "male", "1985-02-27", "单位体检联系人。", (_landline("1010", "单位"), _mobile("1011"))),
    Person("陈思雨", "female", "1996-05-14", "", (_mobile("1012"),)),
    Person("陈思宇", "male", "1996-05-14", "与陈思雨为双胞胎,勿混淆。", (_mobile("1012"),)),
)


def people(seed: int) -> Iterator[Person]:
    """The cast, then invented people without end; the same seed gives the same people."""
    yield from CAST
    random_number = random.Random(seed).random
    given = [first + second for first in FIRST for second in SECOND] + list(FIRST)
    surnames = list(SURNAMES)
    family: tuple[str, str, str] | None = None
    while True:
        surname = (
            RARE_SURNAMES[int(random_number() * len(RARE_SURNAMES))]
            if random_number() < 0.02
            else surnames[int(random_number() ** 1.6 * len(surnames))]
        )
        name = surname + given[int(random_number() * len(given))]
        year, day = 1935 + int(random_number() * 90), int(random_number() * 336)
        numbers: tuple[tuple[str, str, str], ...]
        if family is not None and random_number() < 0.04:
            numbers = (family,)
        elif random_number() < 0.12:
            family = _random_landline(random_number)
            numbers = (family,)
        else:
            family = _random_mobile(random_number)
            numbers = (family,)
            if random_number() < 0.08:
                numbers = (family, _random_landline(random_number))
        yield Person(
            name,
            "female" if random_number() < 0.52 else "male",
            f"{year}-{day // 28 + 1:02d}-{day % 28 + 1:02d}",
            "",
            numbers,
        )


def _random_mobile(random_number: Callable[[], float]) -> tuple[str, str, str]:
    while True:
        prefix = MOBILE_PREFIXES[int(random_number() * len(MOBILE_PREFIXES))]
        digits = f"{prefix}{int(random_number() * 100_000_000):08d}"
        if not digits.startswith(CAST_MOBILE):
            return digits, "mobile", LABELS[int(random_number() * len(LABELS))]


def _random_landline(random_number: Callable[[], float]) -> tuple[str, str, str]:
    while True:
        area, length = AREAS[int(random_number() * len(AREAS))]
        first = 5 + int(random_number() * 4)
        digits = f"{area}{first}{int(random_number() * 10 ** (length - 1)):0{length - 1}d}"
        if not digits.startswith(CAST_LANDLINE):
            return digits, "landline", "家庭"
