"""Finding patients by whatever was typed: number, name, pinyin, initials, record number.

Every way is one index range with a limit, so that it stays fast with a million patients; then the hits are merged,
exact ones first.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from storage.metadata import PREFIX_END
from storage.name_readings import latin_key
from storage.patients import (
    NAME_TAILS,
    Patient,
    find_by_number,
    get_patients,
    patient_phones,
    patient_search_keys,
    patients,
)
from storage.phone_numbers import NumberingPlan, normalise

MAX_QUERY = 64
MAX_LIMIT = 200
#: fewer digits than this are no sensible end of a number
FEWEST_LAST_DIGITS = 4
FEWEST_FIRST_DIGITS = 3

_NUMBER_LIKE = re.compile(r"[+\d][\d\s().\-–—/,#]*(?:(?:转|ext\.?|分机)\s*\d+)?", re.IGNORECASE)

Key = ColumnElement[Any]


def search(conn: Connection, query: str, limit: int = 20, plan: NumberingPlan | None = None) -> list[Patient]:
    """At most ``limit`` patients (1 to 200), the best hits first; an empty query finds nobody.

    ``13812345678``, ``0571-88886666`` in any spelling; the last four or more digits; the first three or more;
    ``张三``, ``三``; ``zhangsan``, ``Zhāng Sān``, ``zhang``; ``zs``; ``P00000001`` or its beginning.
    """
    text = unicodedata.normalize("NFKC", query.replace("\x00", "").encode("utf-8", "replace").decode())
    text = " ".join(text.split())[:MAX_QUERY]
    limit = max(1, min(limit, MAX_LIMIT))
    if not text:
        return []
    hits: dict[str, tuple[int, int, int]] = {}
    if _NUMBER_LIKE.fullmatch(text):
        exact = normalise(text, (plan or NumberingPlan()).region, (plan or NumberingPlan()).area_code).e164
        hits = {patient.id: (0, 0, 0) for patient in find_by_number(conn, exact, limit)}
    for source, (wanted, key, owner) in enumerate(_ranges(text, plan or NumberingPlan())):
        rows = conn.execute(
            select(owner, key).where(key >= wanted, key < wanted + PREFIX_END).order_by(key).limit(limit)
        )
        for patient, found in rows:
            rank = (0 if found == wanted else 1, len(found), source)
            hits[patient] = min(hits.get(patient, rank), rank)
    best = sorted(hits, key=lambda patient: (hits[patient], patient))
    return get_patients(conn, best[:limit])


def _ranges(text: str, plan: NumberingPlan) -> Iterator[tuple[str, Key, Key]]:
    """``(beginning, key column, patient column)`` of each index range worth looking into."""
    record_number = text.upper().replace(" ", "")
    if record_number.isascii():
        yield record_number, patients.c.record_number, patients.c.id
    if _NUMBER_LIKE.fullmatch(text):
        yield from _number_ranges(text, plan)
        return
    latin = latin_key(text)
    if latin.isalpha() and latin.isascii():
        yield latin, patients.c.name_pinyin, patients.c.id
        yield latin, patients.c.name_initials, patients.c.id
        yield latin, patient_search_keys.c.key, patient_search_keys.c.patient_id
    if not text.isascii():
        yield text, patients.c.name, patients.c.id
        for tail in NAME_TAILS:
            yield text, tail, patients.c.id
        yield text, patient_search_keys.c.key, patient_search_keys.c.patient_id


def _number_ranges(text: str, plan: NumberingPlan) -> Iterator[tuple[str, Key, Key]]:
    owner, e164 = patient_phones.c.patient_id, patient_phones.c.e164
    digits = re.sub(r"\D", "", text)
    if len(digits) >= FEWEST_LAST_DIGITS:
        yield digits[::-1], patient_phones.c.digits_reversed, owner
    if len(digits.lstrip("0")) >= FEWEST_FIRST_DIGITS:
        if text.startswith("+"):
            yield f"+{digits}", e164, owner
        elif plan.region == "CN":
            yield f"+86{digits.lstrip('0')}", e164, owner
            if area := plan.area_code.lstrip("0"):
                yield f"+86{area}{digits}", e164, owner
