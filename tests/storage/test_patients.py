from __future__ import annotations

import pytest
from sqlalchemy import Connection, Engine

from storage.database import transaction
from storage.name_readings import readings_of
from storage.patient_search import search
from storage.patients import (
    PatientError,
    PhoneEntry,
    create_patient,
    find_by_number,
    find_duplicates,
    get_patient,
    update_patient,
)
from storage.phone_numbers import NumberingPlan

HANGZHOU = NumberingPlan("CN", "0571")


def names(found: object) -> list[str]:
    return [patient.name for patient in found]  # type: ignore[attr-defined]


@pytest.fixture
def people(conn: Connection) -> Connection:
    for name, *numbers in (
        ("张三", "13812345678"),
        ("赵四", "0571-88886666"),
        ("王小明", "0571-88001004"),
        ("王建国", "88001004"),
        ("单雄", "13900000001"),
        ("曾静", "13900000002"),
        ("解晓东", "13900000003"),
        ("仇丽华", "13900000004"),
        ("欧阳文博", "13900000005", "010-65551234"),
        ("吕布", "13900000006"),
        ("Anna Maria Schmidt", "+442079460958"),
        ("阿依古丽·买买提", "13900000007"),
    ):
        create_patient(conn, name, [PhoneEntry(number) for number in numbers], plan=HANGZHOU)
    return conn


def test_a_patient_is_found_by_the_exact_number_and_several_may_share_it(people: Connection) -> None:
    assert names(find_by_number(people, "+8613812345678")) == ["张三"]
    assert names(find_by_number(people, "+8657188001004")) == ["王小明", "王建国"]
    assert find_by_number(people, "+8613800000000") == []
    assert find_by_number(people, "") == []


SEARCHES: list[tuple[str, list[str] | None]] = [
    *[("张三", ["张三"]), ("张", ["张三"]), ("三", ["张三"]), ("小明", ["王小明"]), ("明", ["王小明"])],
    *[("zhangsan", ["张三"]), ("Zhang San", ["张三"]), ("zhāng sān", ["张三"]), ("zhang", ["张三"]), ("ZS", None)],
    *[("zs", ["张三", "赵四"]), ("wxm", ["王小明"]), ("oywb", ["欧阳文博"]), ("ouyang", ["欧阳文博"])],
    *[("文博", ["欧阳文博"]), ("博", ["欧阳文博"])],
    *[
        ("shanxiong", ["单雄"]),
        ("danxiong", ["单雄"]),
        ("sx", ["单雄"]),
        ("zengjing", ["曾静"]),
        ("cengjing", ["曾静"]),
    ],
    *[("xiexiaodong", ["解晓东"]), ("jiexiaodong", ["解晓东"]), ("qiulihua", ["仇丽华"]), ("chou", ["仇丽华"])],
    *[("lvbu", ["吕布"]), ("lübu", ["吕布"]), ("lubu", ["吕布"]), ("lyubu", ["吕布"])],
    *[("13812345678", ["张三"]), ("+86 138 1234 5678", ["张三"]), ("5678", ["张三"]), ("1381", ["张三"])],
    *[
        ("0571-88886666", ["赵四"]),
        ("88886666", ["赵四"]),
        ("6666", ["赵四"]),
        ("0004", ["仇丽华"]),
        ("000", []),
        ("8888", ["赵四"]),
    ],
    *[("65551234", ["欧阳文博"]), ("010-6555", ["欧阳文博"])],
    *[("P00000001", ["张三"]), ("p00000003", ["王小明"]), ("P0000001", None)],
    *[("anna", ["Anna Maria Schmidt"]), ("schmidt", ["Anna Maria Schmidt"]), ("ams", ["Anna Maria Schmidt"])],
    *[("买买提", ["阿依古丽·买买提"]), ("阿依", ["阿依古丽·买买提"])],
    *[
        ("", []),
        ("   ", []),
        ("nobody", []),
        ("99999999", []),
        ("%", []),
        ("_", []),
        ("'; DROP TABLE patients", []),
    ],
    *[("\x00", []), ("\ud800", []), ("💥", []), ("零" * 500, [])],
]


def test_a_search_finds_by_number_name_pinyin_initials_and_record_number(people: Connection) -> None:
    for query, found in SEARCHES:
        result = names(search(people, query, plan=HANGZHOU))
        if found is None:
            assert result, query
        else:
            assert sorted(result) == sorted(found), query


def test_an_exact_hit_comes_before_longer_ones(conn: Connection) -> None:
    for name in ("张三丰", "张三", "张思思"):
        create_patient(conn, name)
    assert names(search(conn, "zs"))[0] == "张三"
    assert names(search(conn, "张三")) == ["张三", "张三丰"]


def test_a_search_gives_no_more_than_asked_for(conn: Connection) -> None:
    for _ in range(5):
        create_patient(conn, "李雷")
    assert len(search(conn, "李雷", limit=3)) == 3
    assert len(search(conn, "李雷", limit=-1)) == 1


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        *[
            ("张三", "zhangsan", "zs"),
            ("单田芳", "shantianfang", "stf"),
            ("单于", "shanyu", "sy"),
            ("曾国藩", "zengguofan", "zgf"),
        ],
        *[
            ("尉迟恭", "yuchigong", "ycg"),
            ("吕蒙", "lvmeng", "lm"),
            ("", "", ""),
            ("!?", "", ""),
            ("区志明", "ouzhiming", "ozm"),
        ],
        *[("John Smith", "johnsmith", "js"), ("查良镛", "zhaliangyong", "zly"), ("盖叫天", "gejiaotian", "gjt")],
    ],
)
def test_a_name_is_read_like_a_name(name: str, pinyin: str, initials: str) -> None:
    readings = readings_of(name)
    assert (readings.pinyin, readings.initials) == (pinyin, initials)


def test_a_new_patient_gets_the_next_record_number(conn: Connection) -> None:
    assert [create_patient(conn, "张三").record_number for _ in range(3)] == ["P00000001", "P00000002", "P00000003"]
    with pytest.raises(PatientError) as caught:
        create_patient(conn, "李四", record_number="P00000002")
    assert caught.value.code == "exists"
    assert create_patient(conn, "李四").record_number == "P00000004"


@pytest.mark.parametrize(
    ("code", "name", "fields"),
    [
        *[("bad_name", "", {}), ("bad_name", "  ", {}), ("bad_name", "123", {}), ("bad_name", "长" * 101, {})],
        *[("bad_sex", "张三", {"sex": "robot"}), ("bad_birth_date", "张三", {"birth_date": "1990-13-01"})],
        *[
            ("bad_birth_date", "张三", {"birth_date": "2999-01-01"}),
            ("bad_birth_date", "张三", {"birth_date": "yesterday"}),
        ],
        *[
            ("bad_birth_date", "张三", {"birth_date": "19900101"}),
            ("bad_phone", "张三", {"phones": [PhoneEntry("hello")]}),
        ],
        *[
            ("bad_phone", "张三", {"phones": [PhoneEntry("13812345678")] * 11}),
            ("bad_phone", "张三", {"phones": [PhoneEntry("")]}),
        ],
        *[("bad_note", "张三", {"note": "x" * 4001}), ("bad_record_number", "张三", {"record_number": "号码"})],
    ],
)
def test_bad_input_is_refused_with_a_code_and_writes_nothing(
    conn: Connection, code: str, name: str, fields: dict[str, object]
) -> None:
    with pytest.raises(PatientError) as caught:
        create_patient(conn, name, **fields)  # type: ignore[arg-type]
    assert caught.value.code == code
    assert str(caught.value)
    assert search(conn, "张三") == []


def test_a_change_needs_the_version_that_was_read(engine: Engine) -> None:
    with transaction(engine) as conn:
        patient = create_patient(conn, "张三", [PhoneEntry("13812345678", "本人")])
        changed = update_patient(conn, patient.id, patient.version, note="对青霉素过敏")
    assert (changed.version, changed.note, changed.phones) == (2, "对青霉素过敏", patient.phones)
    with transaction(engine) as conn, pytest.raises(PatientError) as caught:
        update_patient(conn, patient.id, patient.version, note="另一个")
    assert caught.value.code == "conflict"
    with transaction(engine) as conn, pytest.raises(PatientError) as caught:
        update_patient(conn, "nobody", 1, note="x")
    assert caught.value.code == "not_found"
    with transaction(engine) as conn:
        stored = get_patient(conn, patient.id)
    assert stored == changed


def test_a_new_name_and_new_numbers_replace_the_old_ones_in_every_index(conn: Connection) -> None:
    patient = create_patient(conn, "曾静", [PhoneEntry("13812345678", "本人"), PhoneEntry("13812345679")])
    kept = patient.phones[1]
    changed = update_patient(conn, patient.id, 1, name="单静", phones=[PhoneEntry("13812345679"), PhoneEntry("10086")])
    assert changed.phones[0] == kept
    assert find_by_number(conn, "+8613812345678") == []
    assert find_by_number(conn, "+8613812345679") == [changed]
    assert search(conn, "cengjing") == search(conn, "zengjing") == []
    assert search(conn, "danjing") == search(conn, "shanjing") == [changed]


def test_the_same_name_with_the_same_number_is_a_duplicate(conn: Connection) -> None:
    patient = create_patient(conn, "王建国", [PhoneEntry("0571-88001004")], plan=HANGZHOU)
    create_patient(conn, "王小明", [PhoneEntry("0571-88001004")], plan=HANGZHOU)
    assert find_duplicates(conn, " 王建国 ", [PhoneEntry("88001004")], HANGZHOU) == [patient]
    assert find_duplicates(conn, "王建国", [PhoneEntry("13812345678")], HANGZHOU) == []
    assert find_duplicates(conn, "王建国", [], HANGZHOU) == []
