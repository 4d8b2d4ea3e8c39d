"""What the sections of a long document say together, asked once they have all been summarised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from itertools import chain, zip_longest

from dealpulse.ai.contract import Material, Question
from dealpulse.processors.operations.contract import DocumentText
from dealpulse.processors.operations.instructions import OVERVIEW, instructions
from dealpulse.processors.operations.material import section_label
from dealpulse.processors.operations.schemas import SUMMARY_LINES, OverviewAnswer, SummaryAnswer

VERSION = "1"


def overview_question(name: str, summaries: Sequence[tuple[DocumentText, SummaryAnswer]]) -> Question[OverviewAnswer]:
    """About a document called ``name``, whose sections were summarised one by one."""
    told = (
        Material(label=f"summary of {section_label(section)}", text=f"{summary.document_type}\n{summary.summary}")
        for section, summary in summaries
    )
    return Question(
        operation="document.overview",
        version=VERSION,
        instructions=instructions(OVERVIEW),
        material=(Material(label="file name", text=name), *told),
        schema=OverviewAnswer,
        offline=partial(pick, [summary for _, summary in summaries]),
        max_tokens=1_500,
    )


def pick(summaries: Sequence[SummaryAnswer]) -> OverviewAnswer:
    """The commonest kind of document, the first of those named; and each section's first line, then each one's second,
    until there are five."""
    kinds = Counter(summary.document_type for summary in summaries)
    lines = [[line.strip() for line in summary.summary.splitlines() if line.strip()] for summary in summaries]
    in_turn = dict.fromkeys(line for line in chain.from_iterable(zip_longest(*lines)) if line)
    return OverviewAnswer(document_type=kinds.most_common(1)[0][0], summary="\n".join(list(in_turn)[:SUMMARY_LINES]))
