"""The part of ours that lives in the sandbox; it reaches the user's function with data, and copies what comes back."""

from __future__ import annotations

from typing import Final

USER_FILE: Final = "<python-input-1>"
"""What the sandbox calls the second snippet of a session: the user's."""

DRIVER: Final = """
import datetime as _hr_datetime
import decimal as _hr_decimal

_hr_plain = {type(None), bool, int, float, str, bytes, _hr_decimal.Decimal, _hr_datetime.date, _hr_datetime.datetime,
             _hr_datetime.time, _hr_datetime.timedelta}


def _hr_copier(plain, type=type, list=list, tuple=tuple, dict=dict, TypeError=TypeError):
    def copied(value):
        kind = type(value)
        if kind in plain:
            return value
        if kind is list or kind is tuple:
            return [copied(item) for item in value]
        if kind is dict:
            return {copied(key): copied(item) for key, item in value.items()}
        raise TypeError(f"the code gave a {kind.__name__}, which is not data")
    return copied


_hr_copy = _hr_copier(_hr_plain)


def _hr_run(rows, done, transform, copied=_hr_copy, len=len, range=range):
    for place in range(len(done), len(rows)):
        done.append(copied(transform(rows[place])))
    return done
"""
"""A copy of each result is taken at once, so that a value used again for the next row does not change this one."""

START: Final = "_hr_done = []\n_hr_run(_hr_rows, _hr_done, transform)"
AGAIN: Final = "_hr_done.append(None)\n_hr_run(_hr_rows, _hr_done, transform)"
PLACE: Final = "len(_hr_done)"
COLUMNS: Final = "_hr_copy(transform(_hr_columns))"
