"""What the simulated patients say. Each sentence is one clip, spoken by ``scripts/make_demo_clips.py``."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Conversation:
    """One person's side of a call: ``voice`` is an espeak-ng variant, ``pitch`` and ``words_a_minute`` its settings."""

    topic: str
    voice: str
    pitch: int
    words_a_minute: int
    sentences: tuple[str, ...]

    def clip_names(self) -> tuple[str, ...]:
        return tuple(f"{self.topic}-{number}.wav" for number in range(1, len(self.sentences) + 1))


#: the reasons to call that the consultation desk meets most (D1, D13)
INBOUND = (
    Conversation(
        "appointment",
        "f3",
        55,
        165,
        ("您好,我想预约明天上午的心内科。", "对,是复诊,我有病历号。", "好的,谢谢您,再见。"),
    ),
    Conversation(
        "results",
        "m3",
        40,
        160,
        ("你好,请问我的化验结果出来了吗?", "是上周三做的抽血检查。", "好,那我明天再打过来。"),
    ),
    Conversation(
        "hours",
        "f2",
        65,
        175,
        ("喂,请问你们门诊几点开门?", "坐地铁可以到吗?", "知道了,谢谢。"),
    ),
    Conversation(
        "complaint",
        "m1",
        35,
        180,
        ("我要投诉,今天在收费处排队等了一个小时。", "我希望有人给我一个答复。", "行,我等你们的电话。"),
    ),
    Conversation(
        "rebooking",
        "f4",
        50,
        160,
        ("您好,我想把星期五的复查改到下周一。", "上午就可以。", "麻烦您了,再见。"),
    ),
)

#: the one who is called
OUTBOUND = Conversation(
    "called",
    "m2",
    45,
    165,
    ("喂,您好,请问哪位?", "嗯,药都按时吃了,好多了。", "好的,谢谢你们关心,再见。"),
)

#: a department's desk: somebody the agents ask, or transfer a call to (D21, D22)
DEPARTMENT = Conversation(
    "department",
    "f1",
    45,
    170,
    ("您好,这里是科室值班台,请讲。", "可以,请把电话转过来。", "不客气,再见。"),
)

#: the automatic agent of the demo's first calls
DESK = Conversation(
    "desk",
    "f5",
    60,
    170,
    ("您好,客户服务中心,请问有什么可以帮您?", "好的,请稍等,我帮您查一下。", "已经为您登记好了。"),
)

ALL = (*INBOUND, OUTBOUND, DEPARTMENT, DESK)
