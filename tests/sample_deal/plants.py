"""What is hidden in the sample deal, for tests to look for.

Severity: P0 deal-breaker, P1 before close, P2 manageable, P3 monitor. Pages are 1-based: the page of a PDF, the
slide of a presentation, the sheet of a workbook; None where the format has no pages. Quotes are verbatim but for
white space, and lie within one paragraph or cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Mention:
    """One place in the data room; `document` is a path below `documents`."""

    document: str
    page: int | None
    quote: str


@dataclass(frozen=True)
class PlantedRisk:
    """A risk and where it is stated; `also_fair` are categories under which it is rightly filed too.

    `repeated_in` are further places that state the same fact: to report them is neither a find nor a false alarm.
    """

    category: str
    severity: str
    document: str
    page: int | None
    quote: str
    also_fair: tuple[str, ...] = ()
    repeated_in: tuple[Mention, ...] = ()


@dataclass(frozen=True)
class PlantedBlocker:
    """What holds up the deal: `quote` is in `email`, and `owner` owes the next step by `due_date`.

    `repeated_in` are e-mails that quote it while answering; they state nothing new.
    """

    email: str
    owner: str
    due_date: date | None
    quote: str
    repeated_in: tuple[str, ...] = ()


@dataclass(frozen=True)
class TurningCounterparty:
    """A person on the other side, warm in `positive` e-mails and strained in the later `negative` ones."""

    address: str
    positive: tuple[str, ...]
    negative: tuple[str, ...]


_MASTER_AGREEMENT = "02 Contracts/Halbrook Chemical - Master Agreement.pdf"
_DATABOOK = "03 Financial/Quality of Earnings Databook (draft).xlsx"
_PRESENTATION = "03 Financial/Management Presentation.pptx"
_COUNSEL_LETTER = "05 Disputes/Counsel Letter - Pending Matters.pdf"
_PHASE_ONE = "06 Real Estate and Environment/Phase I ESA and Limited Phase II - Summary.pdf"
_TAX_MEMO = "07 Tax/Sales Tax Memo 2026-08.md"

SCAN = "02 Contracts/Halbrook Chemical - Amendment No 2 (executed).pdf"
SCAN_TURNED_PAGE = 2

PLANTED_RISKS: tuple[PlantedRisk, ...] = (
    PlantedRisk(
        category="change_of_control",
        severity="P1",
        document=_MASTER_AGREEMENT,
        page=4,
        quote="Customer may terminate this Agreement and all Order Forms at any time within ninety (90) days",
        repeated_in=(
            Mention(
                _MASTER_AGREEMENT, 4, "Supplier shall give Customer written notice of any proposed Change of Control"
            ),
            Mention(_MASTER_AGREEMENT, 1, "“Change of Control” means, as to Supplier, any transaction"),
        ),
    ),
    PlantedRisk(
        category="exclusivity",
        severity="P1",
        document=SCAN,
        page=SCAN_TURNED_PAGE,
        quote="Module available to any person other than Halbrook for use at any chlor-alkali plant in North America",
        also_fair=("non_compete",),
    ),
    PlantedRisk(
        category="termination_for_convenience",
        severity="P2",
        document="02 Contracts/Veyra Microsystems - Supply Agreement.rtf",
        page=None,
        quote="Veyra may terminate this Agreement at any time and for any reason on sixty (60) days’ written notice",
        also_fair=("supplier_concentration",),
    ),
    PlantedRisk(
        category="supplier_concentration",
        severity="P2",
        document=_PRESENTATION,
        page=5,
        quote="The VX-40 processor module is bought only from Veyra Microsystems; no second source is qualified",
        repeated_in=(
            Mention(
                _PRESENTATION, 5, "A redesign for another processor would take the hardware team about fourteen months"
            ),
        ),
    ),
    PlantedRisk(
        category="customer_concentration",
        severity="P1",
        document=_PRESENTATION,
        page=4,
        quote="Halbrook Chemical alone accounted for 39% of FY2025 net revenue",
        repeated_in=(
            Mention(_PRESENTATION, 4, "The five largest customers together accounted for 71%"),
            Mention(_DATABOOK, 6, "Halbrook Chemical Company"),
        ),
    ),
    PlantedRisk(
        category="key_person",
        severity="P1",
        document=_PRESENTATION,
        page=6,
        quote="Ilse has told the board that she means to leave within six months of closing",
    ),
    PlantedRisk(
        category="earnings_quality",
        severity="P1",
        document=_DATABOOK,
        page=3,
        quote="License booked as revenue on September 29, 2026 although delivery and acceptance did not take place",
        repeated_in=(Mention(_DATABOOK, 3, "Diligence adjustment: perpetual license cut-off"),),
    ),
    PlantedRisk(
        category="debt_like_items",
        severity="P2",
        document=_DATABOOK,
        page=4,
        quote="Unfunded direct commitments to eleven former employees, not shown as debt by management",
        also_fair=("off_balance_sheet",),
        repeated_in=(Mention(_DATABOOK, 4, "Pension obligation, Lanternfield Steuerungstechnik GmbH"),),
    ),
    PlantedRisk(
        category="ip_ownership",
        severity="P1",
        document="04 IP and Technology/Consultant Agreement - A Petrescu.docx",
        page=None,
        quote="All right, title and interest in the Work Product, including copyright and patent rights, shall remain",
        repeated_in=(
            Mention(
                "04 IP and Technology/Consultant Agreement - A Petrescu.docx",
                None,
                "The Consultant grants the Company a perpetual, non-exclusive license",
            ),
            Mention(
                "04 IP and Technology/Consultant Agreement - A Petrescu.docx",
                None,
                "The parties intend to negotiate in good faith, after final delivery, the terms of a purchase",
            ),
        ),
    ),
    PlantedRisk(
        category="open_source",
        severity="P1",
        document="04 IP and Technology/Software Composition Report.html",
        page=None,
        quote="is statically linked into the Beacon Edge firmware image that ships to customers",
        repeated_in=(
            Mention(
                "04 IP and Technology/Software Composition Report.html",
                None,
                "We found no written offer of source code",
            ),
        ),
    ),
    PlantedRisk(
        category="cyber",
        severity="P1",
        document="04 IP and Technology/Incident Summary 2026-03.txt",
        page=None,
        quote="the intruder downloaded the user directory, containing the names, e-mail addresses and hashed passwords",
        also_fair=("data_privacy",),
        repeated_in=(
            Mention(
                "04 IP and Technology/Incident Summary 2026-03.txt",
                None,
                "the affected customers have not been told of the incident",
            ),
            Mention(
                "04 IP and Technology/Incident Summary 2026-03.txt",
                None,
                "The session had been opened with the credentials of a former contractor",
            ),
        ),
    ),
    PlantedRisk(
        category="litigation",
        severity="P1",
        document=_COUNSEL_LETTER,
        page=2,
        quote="On July 30, 2026 Ironquay Systems Corp. filed suit against the Company in the federal district court",
        also_fair=("ip_ownership",),
        repeated_in=(
            Mention(_COUNSEL_LETTER, 2, "The complaint seeks damages of not less than $6.2 million"),
            Mention(_COUNSEL_LETTER, 2, "We expect the cost of defense through claim construction to be"),
        ),
    ),
    PlantedRisk(
        category="related_party",
        severity="P2",
        document="06 Real Estate and Environment/Lease - 2200 Foundry Road.docx",
        page=None,
        quote="All of the membership interests in Landlord are held by Warren Stroud, the chief executive officer",
        also_fair=("real_estate",),
    ),
    PlantedRisk(
        category="environmental",
        severity="P1",
        document=_PHASE_ONE,
        page=2,
        quote="Trichloroethylene was detected in groundwater at MW-3 at 310 micrograms per liter",
        repeated_in=(
            Mention(_PHASE_ONE, 2, "is a recognized environmental condition"),
            Mention(_PHASE_ONE, 2, "the extent of the plume has not been delineated to the west"),
            Mention(
                _PHASE_ONE, 1, "it was occupied by Marlow Plating & Finishing, which degreased and plated metal parts"
            ),
        ),
    ),
    PlantedRisk(
        category="tax",
        severity="P2",
        document=_TAX_MEMO,
        page=None,
        quote="The Company has never registered for, collected or remitted sales tax in Texas or Pennsylvania",
        repeated_in=(Mention(_TAX_MEMO, None, "plus interest and penalties of about $0.3 million"),),
    ),
)

ARGUABLE: tuple[tuple[str, Mention], ...] = (
    # Careful readers differ on these: to report them is neither a find nor a false alarm.
    (
        "anti_assignment",
        Mention(_MASTER_AGREEMENT, 4, "Neither party may assign this Agreement without the prior written consent"),
    ),
    ("insurance", Mention(_COUNSEL_LETTER, 2, "has reserved its rights under the intellectual-property exclusion")),
)

PLANTED_BLOCKERS: tuple[PlantedBlocker, ...] = (
    PlantedBlocker(
        email="15-halbrook.eml",
        owner="Warren Stroud",
        due_date=date(2026, 11, 27),
        quote="We still haven't got the signed consent from Halbrook",
        repeated_in=("16-halbrook.eml",),
    ),
    PlantedBlocker(
        email="19-open-items.eml",
        owner="Maria Dellacroce",
        due_date=date(2026, 11, 20),
        quote="we can't sign off on the working capital peg until we have the October trial balance",
        repeated_in=("20-open-items.eml",),
    ),
    PlantedBlocker(
        email="22-petrescu.eml",
        owner="Simon Fairlie",
        due_date=date(2026, 11, 25),
        quote="we are holding signature pages until Ms. Petrescu has signed the assignment",
    ),
)

TURNING_COUNTERPARTY = TurningCounterparty(
    address="bennett@quillonridge.example",
    positive=("01-kick-off.eml", "03-kick-off.eml", "06-peg.eml"),
    negative=("08-peg.eml", "10-peg.eml", "12-peg.eml"),
)
