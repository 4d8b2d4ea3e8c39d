"""Workbooks by calamine: one page a sheet, rows as tab-separated values, formulas as the values last computed."""

from __future__ import annotations

import datetime as dt

from python_calamine import (
    CalamineWorkbook,
    PasswordError,
    SheetMetadata,
    SheetTypeEnum,
    SheetVisibleEnum,
    ZipError,
)

from dealpulse.errors import Unreadable
from dealpulse.extraction.pages import Draft, Reading, table_text
from dealpulse.extraction.registry import Source
from dealpulse.models import PageKind

_MIDNIGHT = dt.time()


def read(source: Source) -> Reading:
    try:
        workbook = CalamineWorkbook.from_path(source.path)
    except PasswordError as error:
        raise Unreadable("The file is password-protected; ask for an unprotected copy.", code="encrypted") from error
    except ZipError as error:
        raise Unreadable("The workbook is cut off or damaged; ask for it again.", code="truncated") from error
    with workbook:
        sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        drafts = tuple(_sheet(workbook, sheet) for sheet in sheets)
    hidden = [sheet.name for sheet in sheets if sheet.visible != SheetVisibleEnum.Visible]
    return Reading(pages=drafts, warnings=tuple(f"The sheet {name!r} is hidden." for name in hidden))


def _sheet(workbook: CalamineWorkbook, sheet: SheetMetadata) -> Draft:
    rows = workbook.get_sheet_by_name(sheet.name).to_python(skip_empty_area=True)
    is_hidden = sheet.visible != SheetVisibleEnum.Visible
    return Draft(
        text=table_text(map(_shown, row) for row in rows),
        kind=PageKind.sheet,
        label=sheet.name,
        warnings=("The sheet is hidden.",) if is_hidden else (),
    )


def _shown(value: object) -> str:
    """A cell as a person reads it: no ``.0``, no floating-point noise, ISO dates."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else f"{value:.12g}"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == _MIDNIGHT else value.isoformat(" ", "seconds")
    return str(value)
