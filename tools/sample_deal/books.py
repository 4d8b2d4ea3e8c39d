"""The workbooks and the management presentation: their figures agree with each other and with the texts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import xlsxwriter

from .office import WRITTEN, Slide, timeless

Cell = str | int | float | None


@dataclass(frozen=True)
class Sheet:
    """One sheet; the first of `rows` is its title, the second is its column heads."""

    name: str
    rows: Sequence[Sequence[Cell]]
    note: str = ""


def workbook(sheets: Sequence[Sheet], *, title: str, author: str) -> bytes:
    """The sheets as XLSX."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    book.set_properties({"title": title, "author": author, "created": WRITTEN})
    bold = book.add_format({"bold": True})
    number = book.add_format({"num_format": "#,##0;(#,##0);-"})
    share = book.add_format({"num_format": "0.0%"})
    price = book.add_format({"num_format": "0.00"})
    for sheet in sheets:
        page = book.add_worksheet(sheet.name)
        page.set_column(0, 0, 58)
        page.set_column(1, 8, 15)
        for down, row in enumerate(sheet.rows):
            for across, value in enumerate(row):
                look = share if isinstance(value, float) and value <= 1 else number
                look = price if isinstance(value, float) and value > 1 else look
                page.write(down, across, value, bold if down < 2 else look)
        if sheet.note:
            page.write(len(sheet.rows) + 1, 0, sheet.note)
    book.close()
    return timeless(out.getvalue())


CAP_TABLE = (
    Sheet(
        "Summary",
        (
            ("Lanternfield Controls, Inc.: capitalization at September 30, 2026",),
            ("Holder", "Shares", "Options (vested)", "Options (unvested)", "Fully diluted"),
            ("Quillon Ridge Capital Partners II, L.P.", 7800000, None, None, 0.78),
            ("Warren Stroud", 1400000, None, None, 0.14),
            ("Ilse Varga", 500000, None, None, 0.05),
            ("Employees (2019 option plan)", None, 214000, 86000, 0.03),
            ("Total", 9700000, 214000, 86000, 1.0),
        ),
        "All shares are common stock. There are no warrants, convertible notes or preferred shares outstanding.",
    ),
    Sheet(
        "Options",
        (
            ("2019 option plan: outstanding grants by year",),
            ("Grant year", "Options", "Exercise price (USD)", "Vested", "Unvested"),
            ("2019", 96000, 2.1, 96000, 0),
            ("2021", 88000, 3.4, 84000, 4000),
            ("2023", 71000, 5.25, 34000, 37000),
            ("2025", 45000, 7.8, 0, 45000),
            ("Total", 300000, None, 214000, 86000),
        ),
        "Unvested options lapse at closing unless the board accelerates them. Valuation reports are on file.",
    ),
    Sheet(
        "Ledger",
        (
            ("Stock ledger: issuances and transfers",),
            ("Date", "Certificate", "Holder", "Shares", "Event"),
            ("2009-04-14", "C-001", "Warren Stroud", 3000000, "Founder issuance"),
            ("2009-04-14", "C-002", "Ilse Varga", 1200000, "Founder issuance"),
            ("2019-06-03", "C-003", "Quillon Ridge Capital Partners II, L.P.", 5500000, "Primary issuance"),
            ("2019-06-03", "C-004", "Quillon Ridge Capital Partners II, L.P.", 2300000, "Purchase from founders"),
        ),
    ),
)

QUALITY_OF_EARNINGS = (
    Sheet(
        "Basis",
        (
            ("Project Kestrel: quality of earnings databook, draft of November 4, 2026",),
            ("Item", "Comment"),
            ("Prepared by", "Brackwater Advisory LLP for Orrin Vale Automation Group, Inc."),
            ("Currency", "USD thousands unless stated"),
            ("Periods", "FY2024 and FY2025 audited; twelve months to September 2026 (LTM) from management accounts"),
            ("Status", "Draft for discussion; subject to October close and management comments"),
            ("Accounting basis", "US GAAP; reconciles to the audited accounts without differences"),
        ),
    ),
    Sheet(
        "Income statement",
        (
            ("Income statement (USD thousands)",),
            ("Line", "FY2024", "FY2025", "LTM Sep-26"),
            ("Subscriptions and support", 27420, 31080, 33660),
            ("Perpetual licenses", 3150, 3240, 4310),
            ("Gateways", 7010, 7480, 7340),
            ("Services", 4280, 4400, 4690),
            ("Net revenue", 41860, 46200, 50000),
            ("Cost of revenue", -12770, -13860, -14900),
            ("Gross profit", 29090, 32340, 35100),
            ("Research and development", -8120, -8790, -9340),
            ("Sales and marketing", -6930, -7350, -7810),
            ("General and administrative", -5080, -5390, -5720),
            ("EBITDA as reported", 8960, 10810, 12230),
        ),
    ),
    Sheet(
        "Adjusted EBITDA",
        (
            ("EBITDA bridge (USD thousands)",),
            ("Item", "FY2024", "FY2025", "LTM Sep-26", "Comment"),
            ("EBITDA as reported", 8960, 10810, 12230, None),
            ("Sponsor monitoring fee", 400, 400, 400, "Ends at closing"),
            ("Recruitment of CFO", 0, 185, 0, "One-off, agreed to invoice"),
            ("Transaction costs", 0, 0, 620, "Agreed to engagement letters"),
            ("Management adjusted EBITDA", 9360, 11395, 13250, None),
            (
                "Diligence adjustment: perpetual license cut-off",
                0,
                0,
                -1420,
                "License booked as revenue on September 29, 2026 although delivery and acceptance "
                "did not take place until October 22",
            ),
            ("Diligence adjusted EBITDA", 9360, 11395, 11830, None),
        ),
    ),
    Sheet(
        "Net debt",
        (
            ("Net debt at September 30, 2026 (USD thousands)",),
            ("Item", "Management", "Brackwater", "Comment"),
            ("Cash at bank", 7140, 7140, "Agreed to bank confirmations"),
            ("Revolving credit facility", 0, 0, "Undrawn"),
            ("Equipment leases", -310, -310, "Capitalized"),
            (
                "Pension obligation, Lanternfield Steuerungstechnik GmbH",
                None,
                -2870,
                "Unfunded direct commitments to eleven former employees, not shown as debt by management",
            ),
            ("Accrued transaction bonuses", -450, -450, "Payable at closing"),
            ("Net cash (debt)", 6380, 3510, None),
        ),
    ),
    Sheet(
        "Working capital",
        (
            ("Trade working capital (USD thousands)",),
            ("Item", "Sep-25", "Dec-25", "Mar-26", "Jun-26", "Sep-26"),
            ("Trade receivables", 7010, 8240, 7320, 7130, 7560),
            ("Inventory", 2840, 2790, 2880, 2910, 2860),
            ("Prepaid expenses", 910, 870, 940, 900, 920),
            ("Trade payables", -2410, -2630, -2380, -2450, -2490),
            ("Deferred revenue", -6880, -9120, -8240, -7410, -7050),
            ("Net working capital", 1470, 150, 520, 1080, 1800),
        ),
        "Receivables older than ninety days were 1.8% of the ledger at September 30, 2026, in line with prior years.",
    ),
    Sheet(
        "Customers",
        (
            ("Net revenue by customer (USD thousands)",),
            ("Customer", "FY2024", "FY2025", "LTM Sep-26", "Share of FY2025"),
            ("Halbrook Chemical Company", 15740, 18020, 19350, 0.39),
            ("Pellworth Paper", 5110, 5540, 5720, 0.12),
            ("Dunmarrow Foods", 3420, 3700, 3880, 0.08),
            ("Ostrava Bay Utilities", 2680, 3230, 3410, 0.07),
            ("Sorrel Bay Refining LLC", 1840, 2310, 3790, 0.05),
            ("Other (94 customers)", 13070, 13400, 13850, 0.29),
            ("Total", 41860, 46200, 50000, 1.0),
        ),
    ),
)

PRESENTATION = (
    Slide(
        "Lanternfield Controls",
        ("Management presentation", "Project Kestrel, November 10, 2026"),
        "Warren opens. Fifteen minutes, then demonstration of Beacon 8.",
    ),
    Slide(
        "Who we are",
        (
            "Process data, from sensor to decision, since 2009",
            "Beacon historian software, Beacon Cloud and the Beacon Edge gateway",
            "99 customers at 412 plants in nine countries",
            "212 people in Marlow Falls, Ohio and Bad Königsau, Germany",
        ),
        "The count of plants includes the two sites added by Halbrook in 2025.",
    ),
    Slide(
        "Growth with margin",
        ("Ten per cent compound growth in net revenue since FY2022", "Gross margin at 70 per cent"),
        "Figures agree with the audited accounts through FY2025.",
        (
            ("USD millions", "FY2024", "FY2025", "LTM Sep-26"),
            ("Net revenue", "41.9", "46.2", "50.0"),
            ("Gross profit", "29.1", "32.3", "35.1"),
            ("Adjusted EBITDA", "9.4", "11.4", "13.3"),
        ),
    ),
    Slide(
        "Customers who stay",
        (
            "Average relationship of 8.3 years; gross retention of 97 per cent",
            "Halbrook Chemical alone accounted for 39% of FY2025 net revenue",
            "The five largest customers together accounted for 71%",
            "No customer lost among the top twenty since 2021",
        ),
        "Expect questions about the spread of customers. Mention the pipeline in pulp and paper.",
    ),
    Slide(
        "Operations and supply",
        (
            "Gateways assembled at Marlow Falls, 4,100 units in FY2025",
            "On-time delivery of 96 per cent",
            "The VX-40 processor module is bought only from Veyra Microsystems; no second source is qualified",
            "Inventory covers eleven weeks of planned production",
        ),
        "A redesign for another processor would take the hardware team about fourteen months.",
    ),
    Slide(
        "The team",
        (
            "Warren Stroud, Chief Executive Officer, founder",
            "Dr. Ilse Varga, Chief Technology Officer, founder and architect of Beacon",
            "Maria Dellacroce, Chief Financial Officer, joined 2025",
            "Jürgen Häußler, Managing Director, Lanternfield Steuerungstechnik GmbH",
        ),
        "Not for the slide: Ilse has told the board that she means to leave within six months of closing, and nobody "
        "else on the team knows the storage engine well enough to lead it.",
    ),
    Slide(
        "Where we go next",
        (
            "Beacon 9 in the second half of 2027",
            "Pulp and paper, water utilities",
            "Sales partners in Scandinavia",
        ),
        "Close with the customer video. Leave twenty minutes for questions.",
    ),
)
