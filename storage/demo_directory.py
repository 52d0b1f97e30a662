"""The directory of the demo's invented hospital."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection

from storage.directory import EntryDraft, add_entry, get_entry
from storage.phone_numbers import NumberingPlan

#: numbers of the invented hospital: an extension range of nobody's
_DESKS = (
    ("emergency", "急诊科", "Emergency department", "8120", "危重患者直接转此处"),
    ("emergency", "胸痛中心", "Chest pain centre", "8121", "胸痛、胸闷"),
    ("emergency", "卒中中心", "Stroke centre", "8122", "突发偏瘫、失语"),
    ("department", "预约挂号处", "Appointments", "8200", ""),
    ("department", "心血管内科", "Cardiology", "8301", "门诊二楼"),
    ("department", "呼吸与危重症医学科", "Respiratory medicine", "8302", ""),
    ("department", "消化内科", "Gastroenterology", "8303", ""),
    ("department", "神经内科", "Neurology", "8304", ""),
    ("department", "内分泌科", "Endocrinology", "8305", ""),
    ("department", "肾内科", "Nephrology", "8306", "含血液透析"),
    ("department", "普外科", "General surgery", "8401", ""),
    ("department", "骨科", "Orthopaedics", "8402", ""),
    ("department", "泌尿外科", "Urology", "8403", ""),
    ("department", "妇产科", "Obstetrics and gynaecology", "8501", ""),
    ("department", "儿科", "Paediatrics", "8502", "夜间转急诊"),
    ("department", "眼科", "Ophthalmology", "8503", ""),
    ("department", "耳鼻喉科", "Ear, nose and throat", "8504", ""),
    ("department", "口腔科", "Dentistry", "8505", ""),
    ("department", "皮肤科", "Dermatology", "8506", ""),
    ("department", "中医科", "Traditional medicine", "8507", ""),
    ("department", "康复医学科", "Rehabilitation", "8508", ""),
    ("department", "体检中心", "Health check centre", "8601", ""),
    ("department", "放射科", "Radiology", "8602", "检查预约"),
    ("department", "检验科", "Laboratory", "8603", "报告查询"),
    ("department", "药学部", "Pharmacy", "8604", "用药咨询"),
    ("department", "住院处", "Admissions", "8605", ""),
    ("department", "医保办公室", "Insurance office", "8606", ""),
    ("department", "医患沟通办公室", "Patient relations", "8607", "投诉"),
    ("department", "病案室", "Medical records", "8608", "复印病历"),
    ("department", "总务后勤", "Facilities", "8609", ""),
)


def load_demo_directory(conn: Connection, plan: NumberingPlan | None = None) -> int:
    """Add those that are not there yet; gives how many. What somebody has changed stays as it is."""
    added = 0
    for position, (kind, chinese, english, number, note) in enumerate(_DESKS):
        entry = str(uuid.uuid5(uuid.NAMESPACE_OID, f"demo directory {number}"))
        if get_entry(conn, entry) is not None:
            continue
        draft = EntryDraft(
            kind=kind, name_zh=chinese, name_en=english, number=number, note=note, position=position * 10
        )
        add_entry(conn, draft, "demo", plan, entry)
        added += 1
    return added
