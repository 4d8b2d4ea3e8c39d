"""The sample deal: a fictional acquisition, as a data room and an inbox. Every name in it is invented.

Orrin Vale Automation Group means to buy Lanternfield Controls, a maker of process-historian software and data
gateways, from Quillon Ridge Capital and the two founders. The story runs through October and November 2026: the
data room opens, the advisers find what they find, the tone of the seller's partner turns once price is raised, and
by 20 November three things still stand between the parties and signing.

`documents/` has 18 files in nine folders (PDF with text, a PDF scan with one page on its side, DOCX, XLSX, PPTX,
HTML, RTF, TXT, MD), `emails/` has 25 messages in eight threads. `tools/build_sample_deal.py` writes them.
"""

from pathlib import Path
from typing import Final

DEAL_NAME: Final = "Project Kestrel"

PATH: Final = Path(__file__).with_suffix("")
"""The folder with `documents` and `emails`, and nothing else: it is processed as it is."""
