"""Rights in what the company makes, and the safety of its systems and data."""

from __future__ import annotations

from dealpulse.models import Action, RiskCategory, Severity
from dealpulse.processors.operations.offline.risk_patterns.pattern import Kind, RiskPattern, either_order
from dealpulse.processors.operations.offline.risk_patterns.wording import MAY, TERM_OF_CONTRACT

_COPYLEFT = r"(?:\b(?:a|l)?gpl(?:[ -]?v?\d(?:\.\d)?)?\b|\bcopyleft\b|general public licen[cs]e|\bsspl\b)"
_IN_A_PRODUCT = (
    r"\b(?:link(?:ed|s|ing)|static(?:ally)?|dynamically|embed\w*|incorporat\w+|bundled|compiled"
    r"|built into|shipp(?:ed|ing)|ships?"
    r"|distribut\w+|deliver(?:ed|s)|deployed|combined|derive[sd]?|derivative|modified|based on|runs? in"
    r"|hosted|integrated)\b"
)
_SOURCE_KEPT = (
    r"\b(?:without|no|not|never|nor)\b[^;]{0,60}?\b(?:source(?: code)?|offer|notices?|licen[cs]e texts?"
    r"|attribution)\b"
    r"|\bsource(?: code)?\b[^;]{0,60}?\b(?:not|never|withheld|closed)\b"
)

_COPYLEFT_IN_THE_PRODUCT = RiskPattern(
    category=RiskCategory.open_source,
    severity=Severity.P1,
    action=Action.investigate,
    title="Copyleft code built into what is shipped",
    why="Shipping it can oblige the company to publish its own source code, and doing so without an"
    " offer breaches the licence.",
    kind=Kind.term,
    strength=2,
    cues=("gpl", "copyleft", "general public licen", "sspl"),
    says=either_order(_COPYLEFT, _IN_A_PRODUCT, 160) + "|" + either_order(_COPYLEFT, _SOURCE_KEPT, 160),
    unless=rf"{TERM_OF_CONTRACT}|(?:\b(?:mit|apache(?:-2\.0)?|bsd(?:-\d-clause)?|isc|mpl(?:-2\.0)?|zlib"
    rf"|epl|unlicense)\b[^;]{{0,60}}){{2,}}"
    rf"|separate process|arm's length|commercial licen[cs]e (?:was|has been|is in place)|\bshall\b|\bif\b"
    rf"|\bpolicy\b|\bmay not\b"
    rf"|\b(?:no|not|never|neither|nor|none|without|any|free of)\b(?! (?:source|offer|written"
    rf"|an? (?:\w+ )?offer|any (?:\w+ )?offer"
    rf"|copy of|accompany|provid|mak|publish))[^;]{{0,40}}{_COPYLEFT}"
    r"|\b(?:not|never|nor)\b (?:\w+ )?(?:be )?(?:link|distribut|shipp|embed|incorporat|deliver|bundl"
    r"|compil|us(?:e|ed|ing)\b)\w*"
    r"|\b(?:replaced|removed|remediated)\b",
)

INTELLECTUAL_PROPERTY = (
    _COPYLEFT_IN_THE_PRODUCT,
    RiskPattern(
        category=RiskCategory.open_source,
        severity=Severity.P1,
        action=Action.investigate,
        title="Copyleft open source in the product",
        why="Distributing it can oblige the company to publish its own source code.",
        kind=Kind.fact,
        strength=0,
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
        unless=f"{TERM_OF_CONTRACT}|\\bpermissive\\b[^;]{{0,30}}\\bonly\\b|only (?:mit|permissive|apache|bsd)"
        f"|separate process|arm's length"
        r"|commercial licen[cs]e (?:was|has been|is in place)|not (?:\w+ )?(?:link|distribut|contain"
        r"|includ|us(?:e|ed|ing)"
        r"|shipp)\w*|contains? no|includes? no|uses? no",
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
        says=r"\b(?:has|have|had|did|does|do|was|were|is|are) (?:not|never"
        r"|yet to)\b[^;]{0,70}\b(?:sign\w*|execut\w*"
        r"|assign\w*|enter\w*"
        r"|transfer\w*|record\w*|perfect\w*|obtain\w*|complet\w*)\b[^;]{0,100}\b(?:inventions?"
        r"|intellectual property"
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
        unless=f"{TERM_OF_CONTRACT}|\\blicensor\\b|off-the-shelf|\\bany (?:software|intellectual|patent)|hosting"
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
        unless=r"\bmeans\b|pre-?existing|background|no (?:rights|title)|tools"
        r"|\bstandard (?:\w+ )?(?:drawing|detail|form)"
        r"|\b(?:remove|rubbish|debris|waste)\b|\bdefend\b|\bneither the contractor\b|\btitle to the site\b",
    ),
)

_INTRUDER = (
    r"\b(?:intruders?|attackers?|hackers?|threat actors?|cyber-?criminals?|criminals"
    r"|unauthori[sz]ed (?:\w+ ){0,2}?(?:person|part(?:y|ies)"
    r"|user|individual|actor|third part(?:y|ies))s?|unknown (?:\w+ )?(?:person|part(?:y|ies)|actor"
    r"|third part(?:y|ies))s?"
    r"|(?:someone|somebody|person|persons) (?:from )?outside|outsiders?)\b"
)
_TOOK = (
    r"\b(?:access(?:ed|es)?|download(?:ed|ing)?|cop(?:ied|y|ying)|exfiltrat\w+|stole\w*|extract(?:ed|ing)"
    r"|logged (?:in|on|into)|obtained"
    r"|took|gain(?:ed|ing)|entered|used|read|dumped|removed|enter(?:ing)?|viewed|scraped|export(?:ed|ing)"
    r"|got|penetrated|was able to|were"
    r" able to|had access)\b"
)
_HELD_DATA = (
    r"\b(?:(?:user|customer|client|employee|patient|personnel|staff|member|engineering"
    r"|source) (?:director(?:y|ies)|data(?:base)?|tables?"
    r"|records?|lists?|files|accounts?|names|code|credentials)|director(?:y|ies)|databases?"
    r"|e-?mail addresses|(?:hashed |plain-?text )?passwords"
    r"|password hashes|personal data|backups?|credentials|mailbox(?:es)?|usernames|login data|portal|data)\b"
)
_TAKEN = (
    r"\b(?:was|were|had been|have been|been|being|has been) (?:\w+ )?(?:downloaded|copied|exfiltrated"
    r"|stolen|extracted|taken|leaked|published"
    r"|offered for sale|exposed|dumped|scraped|compromised|harvested)\b"
)
_FORMER = (
    r"\b(?:credentials?|passwords?|log-?ins?|accounts?|vpn|access rights?|user ids?|tokens?"
    r"|api keys?)\b[^;]{0,40}?\b(?:of|from|belonging to)\b"
    r"[^;]{0,30}?\b(?:former|ex-?|departed|terminated|left|gone|previous|old)\b[^;]{0,60}"
    r"|\b(?:former|ex-)(?: )?(?:employee|contractor|administrator|engineer|consultant|developer"
    r"|supplier)(?:'s|s'|s)? (?:\w+ )?(?:credentials?"
    r"|passwords?|log-?ins?|accounts?|vpn)\b|\b(?:log-?in|credentials?|passwords?|account) of (?:an? "
    r"|the )?(?:\w+ ){1,3}who (?:had )?left\b"
)
_INCIDENT = (
    r"\b(?:incident|intrusion|breach|attack|access|theft|leak|download|compromise|hack|loss of (?:the )?data)\w*\b"
)
_TO_BE_TOLD = (
    r"\b(?:customers?|clients?|regulators?|authorit(?:y|ies)|data subjects|users|individuals|insurers?"
    r"|ico|supervisory|persons|people|employees)\b"
)
_NOT_TOLD = (
    r"(?:\b(?:not|never|yet to|n't)\b (?:yet )?(?:\w+ ){0,2}?(?:told|notif(?:ied|y)|informed|advised"
    r"|made aware|report(?:ed)?|disclosed|disclose"
    r"|tell|inform)\b|\bunreported\b|\bundisclosed\b|\bno (?:notification|notice"
    r"|report)\b[^;]{0,30}\b(?:made|given|filed|sent)\b)"
)

_DATA_TAKEN = RiskPattern(
    category=RiskCategory.cyber,
    severity=Severity.P1,
    action=Action.investigate,
    title="Somebody got into the systems or took data",
    why="Notification duties may be running, and claims, fines and repair costs pass to the buyer.",
    kind=Kind.fact,
    strength=2,
    cues=(
        "intrud",
        "intrusion",
        "attack",
        "hack",
        "actor",
        "criminal",
        "unauthori",
        "unknown",
        "outside",
        "download",
        "copied",
        "exfiltr",
        "stole",
        "leak",
        "credential",
        "password",
        "login",
        "log-in",
        "account",
        "notif",
        "told",
        "informed",
        "breach",
        "incident",
        "scraped",
    ),
    says=rf"{_INTRUDER}[^;]{{0,80}}?{_TOOK}|{_TOOK}[^;]{{0,80}}?\bby (?:an? |the )?(?:\w+ )?{_INTRUDER}"
    rf"|{_HELD_DATA}[^;]{{0,80}}?{_TAKEN}"
    r"|\b(?:passwords?|e-?mail addresses|personal data|customer records|user (?:table|database"
    r"|director\w+))\b[^;]{0,60}?\b(?:downloaded"
    r"|copied|exfiltrated|stolen|leaked)\b"
    rf"|(?:{_FORMER})[^;]{{0,60}}?(?:{_TOOK}|\b(?:still|remained?|not (?:been )?(?:revoked|disabled"
    rf"|removed|deactivated)|active)\b)"
    rf"|{_TOOK}[^;]{{0,60}}?(?:{_FORMER})"
    rf"|{_TO_BE_TOLD}[^;]{{0,60}}?{_NOT_TOLD}[^;]{{0,80}}?{_INCIDENT}"
    rf"|{_INCIDENT}[^;]{{0,100}}?{_TO_BE_TOLD}[^;]{{0,60}}?{_NOT_TOLD}"
    rf"|{_INCIDENT}[^;]{{0,60}}?{_NOT_TOLD}[^;]{{0,30}}?{_TO_BE_TOLD}"
    rf"|\bneither\b[^;]{{0,80}}?{_TO_BE_TOLD}[^;]{{0,60}}?\b(?:was|were|has"
    rf"|have)\b[^;]{{0,30}}?\b(?:told|notified|informed)\b[^;]{{0,60}}?{_INCIDENT}",
    unless=rf"{TERM_OF_CONTRACT}|\b(?:could|might|would|can|must|should|shall)\b(?! not (?:rule|exclude"
    rf"|tell|say))|{MAY}|\bno (?:evidence of|known|reported)"
    r"|training|simulat\w+|\btesters?\b|red team|breach of (?:contract|warranty|covenant|the lease)"
    r"|\bif\b|bank account|accounts? (?:receivable"
    r"|payable)|heart attack|\baccounts? manager|merger|stockholders?|proxy",
)

PRIVACY_AND_CYBER = (
    _DATA_TAKEN,
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
        unless=f"{TERM_OF_CONTRACT}|\\bcustomer data\\b[^;]{{0,40}}\\bshall\\b|\\b(?:was|were|is"
        f"|are) (?:all )?remediated\\b|\\bno (?:evidence of|known|reported)"
        r"|training|simulat\w+|breach of (?:contract|warranty|covenant|the lease)|has not (?:experienced"
        r"|suffered|had)",
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
        unless=f"{TERM_OF_CONTRACT}|no (?:complaints|fines|investigations|violations)|is (?:gdpr"
        f"|hipaa)?[- ]?compliant|in compliance",
    ),
)
