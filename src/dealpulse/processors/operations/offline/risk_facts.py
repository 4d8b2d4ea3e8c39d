"""Facts that memos, reports, letters and contracts tell about a company, and that are risks to its buyer.

Legal, regulatory and technical ones here; money and people in ``risk_business``.
"""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_pattern import Kind, RiskPattern, either_order

_TERM_OF_CONTRACT = (
    r"\bany and all\b|\bhold harmless\b|\bparties hereto\b|\bthis agreement\b|\bindemnified part|\beffective time\b"
    r"|\b(?:means|has the meaning|representations? and warrant\w+)\b"
)
_LAWSUIT = (
    r"(?:law)?suits?|complaints?|class actions?|arbitrations?|proceedings?|legal actions?|litigation"
    r"|petitions?|writs?|claims?|eeoc charges?"
)

LITIGATION = (
    RiskPattern(
        category=RiskCategory.litigation,
        severity=Severity.P1,
        action=Action.investigate,
        title="A claim is pending or threatened",
        why="Its outcome, cost and insurance cover have to be known, and an indemnity considered.",
        kind=Kind.fact,
        cues=(
            "suit",
            "sue",
            "charge",
            "complaint",
            "action",
            "arbitration",
            "proceeding",
            "litigation",
            "claim",
            "petition",
            "writ",
        ),
        says=r"\b(?:filed|commenced|brought|initiated|served|instituted|lodged|issued)\b[^;]{0,70}"
        rf"\b(?:{_LAWSUIT})\b[^;]{{0,120}}\b(?:against|court|tribunal|alleging|claiming|seeking|arising|aaa|jams|icc"
        rf"|for)\b"
        rf"|\b(?:{_LAWSUIT})\b[^;]{{0,90}}\b(?:was|were|has been|have been|is|are|remains?)\b (?:\w+ ){{0,2}}"
        r"(?:filed|pending|ongoing|commenced|served|threatened|brought|instituted|lodged|scheduled|set for)\b"
        rf"|\b(?:{_LAWSUIT})\b[^;]{{0,12}}\b(?:filed|issued|brought|pending|lodged) (?:in|before|at"
        rf"|with) the\b[^;]{{0,40}}\b(?:court|tribunal|commission|board)\b"
        rf"|\bpending\b[^;]{{0,30}}\b(?:{_LAWSUIT})\b[^;]{{0,120}}\b(?:against|by|court|alleg\w+|seek\w*|brought"
        rf"|involving|with)\b"
        rf"|\bdefend(?:ing|s|ant)\b[^;]{{0,60}}\b(?:{_LAWSUIT})\b"
        rf"|\bthreaten(?:s|ed|ing)\b[^;]{{0,60}}\b(?:{_LAWSUIT}|sue|to sue)\b",
        unless=f"{_TERM_OF_CONTRACT}|bankruptcy proceeding|shall be|\\bany (?:claim|suit|action|proceeding)"
        r"|patent application|registration statement|proxy|annual report|form (?:8|10)-|insurance claims? (?:process"
        r"|handl)"
        r"|claims? (?:administrat|process|manag|handl|adjust)|warranty claims?\b|statement of claims?",
    ),
    RiskPattern(
        category=RiskCategory.litigation,
        severity=Severity.P1,
        action=Action.investigate,
        title="Somebody alleges wrongdoing",
        why="The allegation may become a claim or already be one.",
        kind=Kind.fact,
        cues=("alleg", "demand", "seek", "plaintiff", "damages", "exposure", "defendant"),
        says=r"\balleg(?:es|ing|ed|ations?)\b[^;]{0,120}\b(?:breach\w*|infring\w*|discriminat\w*|negligen\w*"
        r"|fraud\w*|harass\w*"
        r"|misappropriat\w*|violat\w*|wrongful\w*|retaliat\w*|unpaid|defect\w*|misrepresent\w*|non-?payment|failure)"
        r"|\b(?:demand letter|letter before action|letter of claim|notice of (?:claim|dispute|arbitration)"
        r"|cease[- ]and[- ]desist)\b"
        r"[^;]{0,80}\b(?:received|from|dated|sent|alleging|on|by)\b"
        r"|\b(?:received|sent|served)\b[^;]{0,40}\b(?:demand letter|letter before action|letter of claim"
        r"|cease[- ]and[- ]desist"
        r"|notice of (?:claim|dispute|arbitration))"
        r"|\b(?:seeks?|seeking|demand(?:s|ed|ing)|claims?|claiming)\b[^;]{0,60}(?:\bdamages\b|\binjuncti\w+"
        r"|\bcompensation of\b"
        r"|\b(?:\$|usd|eur|gbp|£|€) ?\d[^;]{0,40}\b(?:damages|breach|compensation))"
        r"|\bplaintiffs?\b[^;]{0,80}\b(?:seeks?|alleges?|claims?|filed|demands?)\b"
        r"|\bcounsel\b[^;]{0,60}\b(?:estimates?|believes?|considers?|assess\w*|puts?|advises?"
        r"|views?)\b[^;]{0,100}\b(?:exposure|loss"
        r"|probable|adverse|range of|likely)\b",
        unless=f"{_TERM_OF_CONTRACT}|\\bany (?:claim|alleg)",
    ),
)

REGULATORY = (
    RiskPattern(
        category=RiskCategory.antitrust,
        severity=Severity.P1,
        action=Action.structure,
        title="Merger control may delay or change the deal",
        why="A deeper review adds months and can end in remedies: plan the outside date and who bears the risk.",
        kind=Kind.fact,
        cues=(
            "second request",
            "antitrust",
            "competition",
            "merger control",
            "market share",
            "ftc",
            "hsr",
            "cma",
            "phase",
        ),
        says=r"\bsecond request\b[^;]{0,80}\b(?:issued|received|likely|expected|risk|probable|possible)|\b(?:issued"
        r"|received|expects?"
        r"|expecting|anticipates?)\b[^;]{0,30}\bsecond request"
        r"|\b(?:ftc|doj|federal trade commission|antitrust division|european commission|cma|bundeskartellamt|accc"
        r"|competition"
        r" (?:authority|commission|bureau|regulator)|antitrust (?:agency|authorit\w+"
        r"|counsel))\b[^;]{0,140}\b(?:in-depth|phase (?:2|ii|two)"
        r"|concerns?|overlaps?|remed(?:y|ies)|divest\w*|challeng\w+|block\w*|opposed?|investigat\w+)\b"
        r"|\bcombined (?:\w+ )?(?:market )?share\b[^;]{0,60}(?:exceed|above|of|over|reach)[^;]{0,30}\d{2}(?:\.\d+)?"
        r" ?(?:%|percent)"
        r"|\b(?:antitrust|merger control|competition law) (?:\w+ )?(?:risk|concern|issue"
        r"|clearance)s?\b[^;]{0,80}\b(?:overlap|divest\w*"
        r"|delay\w*|remed\w+|not (?:yet )?(?:been )?(?:obtained|received)|significant|material|likely)",
        unless=_TERM_OF_CONTRACT,
    ),
    RiskPattern(
        category=RiskCategory.sanctions,
        severity=Severity.P1,
        action=Action.investigate,
        title="Sanctions, export or corruption exposure",
        why="Liability passes to the buyer and can be criminal: investigate before signing.",
        kind=Kind.fact,
        cues=(
            "ofac",
            "sanction",
            "embargo",
            "export control",
            "specially designated",
            "denied part",
            "fcpa",
            "brib",
            "export lic",
            "facilitation",
            "kickback",
        ),
        says=either_order(
            r"\bofac\b|\bsanction(?:s|ed)\b|\bembargo\w*|\bexport (?:control|licen[cs]e)s?|\bspecially designated"
            r"|\bdenied part\w+"
            r"|\bfcpa\b|\bbrib\w+|facilitation payment|kickbacks?",
            r"\biran\w*|\bsyria\w*|\bcuba\w*|\bcrimea\w*|\bnorth korea\w*|\brussia\w*|\bbelarus\w*|\bvenezuela\w*"
            r"|\bshipments?\b"
            r"|\bshipped\b|\bsold\b|\bviolat\w+|\bvoluntary (?:self-)?disclosure|\binvestigat\w+|\bpaid\b"
            r"|\bpayments? (?:to|made)"
            r"|\bwithout (?:a |an |the )?(?:\w+ )?licen[cs]e|\bred flags?|\bscreen(?:ed|ing)\b",
            140,
        ),
        unless=f"{_TERM_OF_CONTRACT}|court sanctions?|sanctioned by the (?:court|board)|in compliance with|complied",
    ),
    RiskPattern(
        category=RiskCategory.regulatory,
        severity=Severity.P1,
        action=Action.investigate,
        title="A regulator has acted, or a licence is not in order",
        why="The business may be fined, restricted or unable to operate after close.",
        kind=Kind.fact,
        cues=(
            "notice of",
            "warning letter",
            "consent decree",
            "consent order",
            "enforcement",
            "subpoena",
            "civil investigative",
            "show cause",
            "483",
            "licen",
            "permit",
            "registration",
            "authoris",
            "authoriz",
            "certificat",
            "approval",
            "investigation",
            "inquiry",
            "regulator",
        ),
        says=either_order(
            r"notices? of (?:\w+ )?(?:violation|non-?compliance|deficiency|proposed penalty)|warning letters?"
            r"|consent (?:decree|order)"
            r"|enforcement (?:action|notice|proceeding)|subpoena|civil investigative demand|show[- ]cause|form 483"
            r"|inspection finding"
            r"|cease[- ]and[- ]desist order",
            r"\breceived\b|\bissued\b|\bentered into\b|\bsubject to\b|\bserved\b|\bopen\b|\boutstanding\b"
            r"|\bpending\b|\bfrom the\b",
            90,
        )
        + r"|\b(?:licen[cs]es?|permits?|registrations?|authori[sz]ations?|certifications?"
        r"|certificates?)\b[^;]{0,80}\b(?:has|have|had|is|are"
        r"|was|were) (?:\w+ ){0,2}(?:expired|lapsed|revoked|suspended|not (?:been )?(?:renewed|obtained|transferred"
        r"|transferable|in place))"
        r"|\b(?:licen[cs]e|permit|registration|authori[sz]ation|certification)s? (?:expired|lapsed)\b"
        r"|\b(?:operat|sell|sold|market|distribut|export"
        r"|practi[sc])\w*\b[^;]{0,60}\bwithout\b[^;]{0,30}\b(?:licen[cs]e|permit|registration|authori[sz]ation"
        r"|approval|certification|clearance)"
        r"|\b(?:under|subject of|subject to|opened|launched|facing)\b[^;]{0,30}\b(?:investigation"
        r"|inquiry)\b[^;]{0,40}\bby\b"
        r"|\b(?:regulator|agency|commission|authority|department|sec|fda|ftc|fca|finra|osha|epa"
        r"|attorney general)\b[^;]{0,40}"
        r"\b(?:opened|launched|commenced|began|is conducting)\b[^;]{0,30}\b(?:investigation|inquiry|examination"
        r"|review)",
        unless=f"{_TERM_OF_CONTRACT}|\\btax\\b|lease|patent|copyright|insurance|driver'?s? licen"
        f"|software licen[cs]es? (?:expired|lapsed)"
        r"|withholding|regulatory approvals? (?:has|have) been",
    ),
)

INTELLECTUAL_PROPERTY = (
    RiskPattern(
        category=RiskCategory.open_source,
        severity=Severity.P1,
        action=Action.investigate,
        title="Copyleft open source in the product",
        why="Distributing it can oblige the company to publish its own source code.",
        kind=Kind.fact,
        cues=("gpl", "copyleft", "general public licen", "sspl", "open source", "open-source"),
        says=either_order(
            r"\b(?:a|l)?gpl(?:[ -]?v?\d(?:\.\d)?)?\b|\bcopyleft\b|general public licen[cs]e|\bsspl\b",
            r"\blink(?:ed|s|ing)\b|\bstatically\b|\bdynamically\b|\bincorporat\w+|\bdistribut\w+|\bembed\w*"
            r"|\binclud(?:es?|ed|ing)\b|\buses?\b"
            r"|\busing\b|\bused\b|\bcontain\w*|\bderiv\w+|\bcomponents?\b|\blibrar\w+|\bmodules?\b|\bcompiled\b"
            r"|\bship(?:s|ped)\b|\bfound\b"
            r"|\bidentif\w+|\bscan\w*|\bpackages?\b|\bfork\w*|\bmodified\b|\bbundled\b|\bsource code\b",
            160,
        )
        + r"|\bopen[- ]source\b[^;]{0,160}\b(?:disclose|publish|release|make available)\b[^;]{0,60}\bsource code"
        r"|^(?:[^;]{0,80}[\t| ])\b(?:a?gpl|sspl)[- ]?v?\d(?:\.\d)?",
        unless=f"{_TERM_OF_CONTRACT}|\\bpermissive\\b[^;]{{0,30}}\\bonly\\b|only (?:mit|permissive|apache|bsd)"
        f"|separate process|arm's length"
        r"|commercial licen[cs]e (?:was|has been|is in place)|not (?:link|distribut|contain|includ|us(?:e|ed|ing)"
        r"|shipp)\w*",
    ),
    RiskPattern(
        category=RiskCategory.ip_ownership,
        severity=Severity.P1,
        action=Action.structure,
        title="The company may not own what it sells",
        why="Assignments of the rights are needed before close, from everybody who created them.",
        kind=Kind.fact,
        cues=(
            "invention",
            "intellectual",
            " ip ",
            "ip assignment",
            "patent",
            "copyright",
            "source code",
            "software",
            "work product",
            "trademark",
            "trade mark",
            "piia",
            "work for hire",
            "work-for-hire",
            "domain",
            "proprietary",
            "codebase",
            "code base",
        ),
        says=r"\b(?:has|have|had|did|does|do|was|were|is|are) (?:not|never|yet to)\b[^;]{0,70}\b(?:sign\w*|execut\w*"
        r"|assign\w*|enter\w*"
        r"|transfer\w*|record\w*|perfect\w*|obtain\w*|complet\w*)\b[^;]{0,100}\b(?:inventions?|intellectual property"
        r"|ip\b|patents?"
        r"|copyrights?|source code|software|work product|proprietary information|trade ?marks?|rights in)"
        r"|\b(?:inventions?|intellectual property|\bip\b|patents?|copyrights?|source code|software|code ?base"
        r"|work product|trade ?marks?"
        r"|domain names?)\b[^;]{0,100}\b(?:has|have|had|was|were|is|are) (?:not|never)\b[^;]{0,50}\b(?:assign\w*"
        r"|transferred|recorded"
        r"|vested|perfected|executed|signed|owned)"
        r"|\b(?:no|without(?: an?y?)?|lack(?:s|ed|ing)?|absence of|missing|unsigned)\b[^;]{0,50}\b(?:invention[s]?"
        r" assignments?|assignments? of"
        r" (?:\w+ ){0,2}(?:inventions|intellectual|ip\b|rights|copyrights?|patents?)|ip assignments?|piiaa?s?\b"
        r"|work[- ](?:made[- ])?for[- ]hire"
        r"|proprietary information and inventions?)"
        r"|\b(?:never|not) (?:been )?(?:signed|executed|assigned|transferred"
        r"|entered into)\b[^;]{0,100}\b(?:inventions?|intellectual property|\bip\b"
        r"|patents?|copyrights?|source code|software|work product|proprietary information|trade ?marks?)"
        r"|\b(?:contractors?|consultants?|freelancers?|developers?|founders?|university|agency|studio|engineers?"
        r"|ex-employee|co-founder"
        r"|inventor)\b[^;]{0,120}\b(?:retains?|owns?|holds?|reserves?|retained|claims?"
        r"|asserts?)\b[^;]{0,80}\b(?:ownership|title"
        r"|intellectual property|copyrights?|all rights?|\bip\b|patents?|source code|rights in|joint)"
        r"|\b(?:title|ownership|chain of title|owner of record)\b[^;]{0,90}\b(?:unclear|disputed|uncertain|clouded"
        r"|gaps?|broken?|defective"
        r"|incomplete|in question)\b"
        r"|\b(?:patents?|trade ?marks?|domain(?: names?)?s?|copyrights?)\b[^;]{0,100}\b(?:registered|held|owned"
        r"|filed|stand)\b[^;]{0,20}"
        r"\b(?:in the (?:personal )?name of|personally|by)\b[^;]{0,60}\b(?:founders?|former|personally|individual"
        r"|mr\.?|ms\.?|mrs\.?|dr\.?|his|her"
        r"|ceo|cto)\b",
        unless=f"{_TERM_OF_CONTRACT}|\\blicensor\\b|off-the-shelf|\\bany (?:software|intellectual|patent)|hosting"
        f"|warrant(?:s|ed)\\b"
        r"|\ball (?:\w+ ){0,3}(?:employees|contractors|developers|engineers)(?: \w+){0,4} have (?:signed|executed"
        r"|entered|assigned)",
    ),
)

INTELLECTUAL_PROPERTY_TERMS = (
    RiskPattern(
        category=RiskCategory.ip_ownership,
        severity=Severity.P1,
        action=Action.structure,
        title="Work made for the company belongs to its maker",
        why="The company only has a licence to what it paid for: an assignment is needed before close.",
        kind=Kind.term,
        cues=("retain", "own", "vest", "remain"),
        says=r"\b(?:contractor|consultant|freelancer|developer|agency|university|studio|designer|institute"
        r"|author)\b[^;]{0,40}"
        r"\b(?:shall|will|does|hereby)\b[^;]{0,20}\b(?:retains?|owns?"
        r"|remain the (?:\w+ )?owner)\b[^;]{0,160}\b(?:software|deliverables|work product|source code"
        r"|inventions?|intellectual property|results|code|materials|developments|designs|copyright)"
        r"|\b(?:deliverables|work product|results|inventions|source code|developments"
        r"|foreground)\b[^;]{0,120}\b(?:shall|will)\b[^;]{0,30}\b(?:remain|vest in"
        r"|belong to|be owned by|be the property of)\b[^;]{0,40}\b(?:contractor|consultant|freelancer|developer"
        r"|agency|university|studio|designer|institute)",
        unless=r"\bmeans\b|pre-?existing|background|no (?:rights|title)|tools",
    ),
)

PRIVACY_AND_CYBER = (
    RiskPattern(
        category=RiskCategory.cyber,
        severity=Severity.P1,
        action=Action.investigate,
        title="A security incident or an open weakness",
        why="Notification duties, claims and repair costs pass to the buyer.",
        kind=Kind.fact,
        cues=(
            "ransomware",
            "breach",
            "security incident",
            "unauthori",
            "phishing",
            "malware",
            "intrusion",
            "exfiltrat",
            "hack",
            "compromised",
            "multi-factor",
            "mfa",
            "penetration",
            "pen test",
            "vulnerabilit",
            "incident response",
            "backup",
            "encrypt",
        ),
        says=either_order(
            r"\bransomware|\bdata breach\w*|\bsecurity (?:incident|breach)\w*|\bunauthori[sz]ed (?:access|party"
            r"|third|actor|disclosure)"
            r"|\bphishing|\bmalware|\bintrusion|\bexfiltrat\w+|\bhack(?:ed|ers?)\b"
            r"|\bcredentials (?:were )?(?:compromised|stolen)",
            r"\boccurred\b|\bdiscover\w+|\baffect(?:ed|ing)\b|\bexpos(?:ed|ing)\b|\bdetected\b|\bsuffered\b"
            r"|\bexperienced\b|\bencrypted\b"
            r"|\brecords\b|\breported\b|\bgained\b|\bobtained\b|\bdisclosed\b|\baccessed\b|\bin (?:january|february"
            r"|march|april|may|june|july"
            r"|august|september|october|november|december|(?:early |late |mid-)?(?:fy ?)?20\d\d|q[1-4])\b",
            140,
        )
        + r"|\b(?:no|not|without|lacks?|never|absence of)\b[^;]{0,50}\b(?:multi-?factor|mfa\b|penetration test\w*"
        r"|pen tests?|incident response"
        r" plan|encrypt(?:ed|ion) at rest|soc 2|offline backups?|disaster recovery (?:plan|test))"
        r"|\b(?:multi-?factor authentication|mfa|two-factor authentication|backups?|encryption|patches"
        r"|logging)\b[^;]{0,40}\b(?:is|are|was|were|has|have) not"
        r" (?:\w+ ){0,2}(?:enabled|enforced|in place|implemented|tested|required|applied|deployed|configured)\b"
        r"|\b(?:penetration test\w*|pen test|vulnerability scan|security (?:audit"
        r"|assessment))\b[^;]{0,140}\b(?:critical|high[- ](?:severity|risk))"
        r"|\b(?:critical|high[- ](?:severity|risk)) (?:\w+ ){0,2}vulnerabilit\w+[^;]{0,80}\b(?:open|unpatched"
        r"|unremediated|remain\w*|not)\b",
        unless=f"{_TERM_OF_CONTRACT}|\\bcustomer data\\b[^;]{{0,40}}\\bshall\\b|\\b(?:was|were|is"
        f"|are) (?:all )?remediated\\b|\\bno (?:evidence of|known|reported)"
        r"|training|simulat\w+|breach of (?:contract|warranty|covenant|the lease)|has not (?:experienced|suffered|had)",
    ),
    RiskPattern(
        category=RiskCategory.data_privacy,
        severity=Severity.P1,
        action=Action.investigate,
        title="Personal data is not handled lawfully",
        why="Fines and the loss of the right to use the data are possible.",
        kind=Kind.fact,
        cues=(
            "gdpr",
            "ccpa",
            "hipaa",
            "personal data",
            "personal information",
            "protected health",
            "data subject",
            "data protection",
            "privacy",
            "data processing",
            "patient",
            "consumer data",
        ),
        says=either_order(
            r"\bgdpr\b|\bccpa\b|\bhipaa\b|\bpersonal (?:data|information)\b|\bprotected health information"
            r"|\bdata subjects?\b"
            r"|\bdata protection\b|\bprivacy\b|\bpatient (?:data|records)|\bconsumer data",
            r"\bviolat\w+|\bnon-?complian\w+|\bnot (?:\w+ ){0,2}(?:complian\w+|comply|complied|obtain\w*|appoint\w*"
            r"|implement\w*|in place|sign\w*"
            r"|execut\w*|delet\w*|conduct\w*|document\w*)|\bwithout (?:\w+ ){0,3}(?:consent|lawful|legal basis"
            r"|safeguards?|authori[sz]ation|dpa"
            r"|standard contractual|data processing)|\bcomplaints?\b|\bfine[sd]?\b|\binvestigat\w+"
            r"|\bretained (?:indefinitely|beyond)"
            r"|\bunlawful\w*|\bno (?:\w+ ){0,2}(?:data processing|dpa\b|lawful basis|legal basis|consent"
            r"|transfer mechanism|data protection officer"
            r"|records? of processing)|\black(?:s|ed|ing)\b|\bwithout (?:a )?valid\b",
            150,
        ),
        unless=f"{_TERM_OF_CONTRACT}|no (?:complaints|fines|investigations|violations)|is (?:gdpr"
        f"|hipaa)?[- ]?compliant|in compliance",
    ),
)

ENVIRONMENT_AND_INSURANCE = (
    RiskPattern(
        category=RiskCategory.environmental,
        severity=Severity.P1,
        action=Action.price,
        title="Contamination or clean-up cost",
        why="The owner of the site pays for it, whoever caused it.",
        kind=Kind.fact,
        cues=(
            "contaminat",
            "groundwater",
            "hazardous",
            "asbestos",
            "remediation",
            "storage tank",
            "soil",
            "solvent",
            "trichloro",
            "pfas",
            "spill",
            "phase i",
            "phase 1",
            "phase 2",
            "recognized environmental",
            "petroleum",
            "hydrocarbon",
        ),
        says=r"\brecogni[sz]ed environmental conditions?\b|"
        + either_order(
            r"\bcontaminat\w+|\bgroundwater|\bhazardous (?:substances?|materials?|wastes?)|\basbestos"
            r"|\bunderground storage tanks?"
            r"|\bsoils?\b|\bsolvents?\b|\btrichloroethylene|\btce\b|\bpfas\b|\bspills?\b|\bhydrocarbons?\b"
            r"|\bphase (?:i|ii|1|2)\b"
            r"|\benvironmental remediation|\bsite remediation",
            r"\bdetected\b|\bidentif(?:ied|ies)\b|\bfound\b|\bexceed\w*|\babove\b|\belevated\b|\bestimate[ds]?\b"
            r"|\brecommend\w*|\breleased?\b"
            r"|\bcosts?\b|\bconfirmed\b|\bpresent\b|\bleak\w*|\bdischarged?\b|\bordered\b|\brequires? (?:remediation"
            r"|clean)|\bencountered\b",
            130,
        ),
        unless=f"{_TERM_OF_CONTRACT}|no recogni[sz]ed environmental|\\bno (?:further )?(?:evidence|indication"
        f"|sign)s?\\b|\\bcontractor\\b|did not identify"
        r"|\bphase (?:i|ii|1|2) (?:of (?:the )?(?:project|review|trial|rollout|integration)|clinical|trial|review)",
    ),
    RiskPattern(
        category=RiskCategory.insurance,
        severity=Severity.P2,
        action=Action.structure,
        title="A gap in insurance cover",
        why="What is not insured is paid by the company, and so by its buyer.",
        kind=Kind.fact,
        cues=("insur", "policy", "coverage", "carrier"),
        says=r"\b(?:insurance|polic(?:y|ies)|coverage|d&o|insurers?|carriers?)\b[^;]{0,120}\b(?:lapsed|den(?:ied"
        r"|ying)|declined (?:to|coverage)"
        r"|reserv(?:ed|ing|ation of) (?:its |their )?rights|uninsured|underinsured|exhausted"
        r"|not (?:been )?(?:renewed|notified|covered)"
        r"|non-?renew(?:al|ed)|will not renew|does not cover|do not cover|cancel(?:l)?ed by|excludes? (?:coverage"
        r"|claims|losses|cyber))\b"
        r"|\b(?:insurer|carrier|underwriter)s?\b[^;]{0,60}\b(?:denied|declined|disclaimed|reserved|refused"
        r"|cancel(?:l)?ed)\b"
        r"|\b(?:company|it|business|target|group) (?:has|carries|maintains|holds) no\b[^;]{0,40}\binsurance"
        r"|\bno (?:cyber|product liability|professional indemnity|professional liability|d&o|e&o"
        r"|business interruption|key[- ]man|environmental|flood)"
        r"[^;]{0,30}\b(?:insurance|coverage|cover|policy)\b"
        r"|\b(?:under-?insured|uninsured)\b",
        unless=f"{_TERM_OF_CONTRACT}|privacy policy|company policy|policy of the|not lapsed|accounting polic",
    ),
)

FACTS = (
    *LITIGATION,
    *INTELLECTUAL_PROPERTY,
    *INTELLECTUAL_PROPERTY_TERMS,
    *PRIVACY_AND_CYBER,
    *ENVIRONMENT_AND_INSURANCE,
    *REGULATORY,
)
