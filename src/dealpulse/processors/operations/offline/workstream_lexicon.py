"""Words that tell workstreams: patterns of lower-case words, whole ones."""

from __future__ import annotations

from dealpulse.models import Workstream

TELLING: dict[Workstream, str] = {
    Workstream.corporate_legal: (
        "authorized capital stock|capital stock|duly (?:organi[sz]ed|incorporated|formed)|validly existing"
        "|corporate power|articles of (?:incorporation|association|organi[sz]ation)|by-?laws"
        "|certificate of incorporation|cap table|quorum|merger consideration|agreement and plan of merger"
        "|(?:share|stock)holders? (?:agreement|meeting|approval|vote)|annual meeting|preemptive rights"
        "|treasury stock|board of directors|purchase and sale of the shares"
        "|shares of (?:common|preferred|capital) stock|necessary corporate (?:action|proceedings)"
        "|directors? (?:nominees|elected)"
    ),
    Workstream.material_contracts: (
        "material contracts?|licensee|licensor|statements? of work|purchase orders?|service levels?"
        "|contracts? (?:or|and) (?:agreements?|commitments?|arrangements?)|supply agreement|counterpart(?:y|ies)"
        "|change orders?|subcontractors?|contract (?:documents|sum|price|time)|most favored"
        "|licensed (?:software|program)s?|specified contracts?|each such contract|any contract"
    ),
    Workstream.litigation: (
        "litigation|lawsuits?|plaintiffs?|defendants?|complaint|legal (?:actions?|proceedings?)|claimant"
        "|injunctions?|alleg(?:ed|es|ing|ations?)|(?:actions?|claims?|suits?),? (?:suits?|actions?|claims?)"
        "|(?:suits?|actions?|claims?),? (?:or )?proceedings?|proceedings? (?:pending|threatened)"
        "|pending or,?[^.;]{0,60}threatened|subpoenas?|judgments?|settlement|discovery|trial|jury verdict"
        "|(?:judgment|injunction),? (?:order|rule|decree|writ)"
    ),
    Workstream.financial: (
        "revenues?|ebitda|gross margin|net income|net sales|balance sheets?|cash flows?|operating income"
        "|operating profit|fiscal (?:year|quarter)|working capital|accounts? receivable|gaap|ifrs"
        "|financial statements?|financial reporting|internal controls?|auditors?|audited|per share|profit"
        "|impairment|depreciation|amorti[sz]ation|net asset value|quality of earnings|disclosure controls"
        "|forecast|budget"
    ),
    Workstream.tax: (
        "tax(?:es|ation)?|vat|irs|hmrc|deferred tax|tax returns?|transfer pricing|nexus|sales tax|income tax"
        "|internal revenue code|taxing authority|withholding tax"
    ),
    Workstream.commercial: (
        "customers?|pipeline|market share|competitors?|pricing|churn|sales team|arr|bookings|segments?"
        "|growth rate|net promoter|brands?|same-store sales|comparable (?:store )?sales|market size"
    ),
    Workstream.hr: (
        r"(?<!officer, )(?<!officers, )(?<!director, )employees?|employment|salar(?:y|ies)|bonus(?:es)?|severance"
        r"|headcount|payroll|vacation|pension|executive|contractors? (?:classified|misclassif\w+)|hiring"
        r"|retention plan|erisa|benefit plans?|labor|labour|unions?|collective bargaining|401\(k\)|warn act"
        r"|workers.? compensation|cobra|wages?|termination of employment|good reason|separation date|retirement"
        r"|participants?"
    ),
    Workstream.ip: (
        r"patents?|patented|trademarks?|trade marks?|copyrights?|intellectual property|inventions?"
        r"|invention assignment|domain names?|trade secrets?|open source|gpl|licen[cs]e compliance|infring\w+"
        r"|source code|work product|software"
    ),
    Workstream.it: (
        "servers?|it infrastructure|cloud|aws|azure|erp|software stack|system architecture|hosting|databases?"
        "|data cent(?:er|re)s?|legacy systems?|technical debt|api|information technology systems?"
    ),
    Workstream.cyber_privacy: (
        r"gdpr|ccpa|hipaa|personal (?:data|information)|data protection|privacy"
        r"|(?:security|data) (?:incidents?|breach(?:es)?)|breach notification|ransomware|vulnerabilit(?:y|ies)"
        r"|penetration test\w*|encryption|mfa|data subjects?|gramm-leach-bliley|identity theft"
        r"|non-?public personal|customer information"
    ),
    Workstream.regulatory_antitrust: (
        r"antitrust|hsr|merger control|competition authority|ftc"
        r"|regulatory (?:agency|agencies|approvals?|authorit\w+|actions?)|regulators?|fda|licen[cs]ing authority"
        r"|permits|sanctions|export control|federal reserve|fdic|bank regulat\w+|bank holding company act"
        r"|bank secrecy|patriot act|community reinvestment|applicable laws?|in compliance with"
        r"|anti-?money laundering|examinations?|governmental (?:authorit\w+|entit\w+)|memorandum of understanding"
        r"|anti-?corruption"
    ),
    Workstream.real_estate: (
        "leases?|leased|landlord|tenant|premises|rent|square f(?:ee|oo)t|square metres|subleases?|zoning|lessor"
        "|lessee|real propert(?:y|ies)|leasehold|fee simple|title insurance|easements?|marketable title"
        "|owned propert(?:y|ies)|leased propert(?:y|ies)|building"
    ),
    Workstream.environmental_esg: (
        r"environmental(?:ly)?|groundwater|soil|contaminat\w+|hazardous|remediation|asbestos|emissions"
        r"|sustainability|sustainable|epa|waste|storage tanks?|pollut\w+|greener|climate|toxic"
    ),
    Workstream.insurance: (
        r"insurance|insurers?|insured|policy period|premiums?|coverages?|deductibles?|underwriter|d&o"
        r"|claims history|insurance (?:policies|broker)|self-insur\w+"
    ),
    Workstream.operations: (
        "production|manufacturing|plants?|supply chain|inventor(?:y|ies)|warehouses?|logistics|throughput"
        "|quality control|scrap|utili[sz]ation rate"
    ),
    Workstream.integration: (
        r"integration|day one|day 1|synerg\w+|transition services|tsa|100-day|cut-?over|carve-?out|post-closing"
    ),
    Workstream.financing: (
        r"lenders?|borrowers?|credit (?:facility|agreement)|term loans?|revolving|covenants?|interest rate"
        r"|guarantors?|collateral|security interest|debt financing|events? of default|loans?|promissory|libor|sofr"
        r"|indebtedness|mortgage|prepay\w*"
    ),
    Workstream.process: (
        "data room|timetable|exclusivity|letter of intent|signing|bid|request list|due diligence|process letter"
        "|management meeting"
    ),
}
"""They name the subject itself."""

MILD: dict[Workstream, str] = {
    Workstream.corporate_legal: (
        "merger|shares|shareholders?|stockholders?|subsidiar(?:y|ies)|incorporation|resolutions?|options"
        "|directors|wholly[- ]owned|outstanding shares|voting|delaware|corporation"
    ),
    Workstream.material_contracts: (
        r"this agreement|contracts?|customer shall|termination|governing law|indemnif\w+|hereunder|exclusiv\w+"
        r"|deliverables?|supplier|licen[cs]es?|warranty|term of this agreement"
    ),
    Workstream.litigation: "court|arbitration|damages|counsel|orders?|proceedings?|claims?|investigations?",
    Workstream.financial: "consolidated|quarter|accounting|receivables?|net|margin|cash|sales|results|income",
    Workstream.tax: "code|deductions?|deficienc(?:y|ies)|assessments?|returns?|refunds?|reorgani[sz]ation",
    Workstream.commercial: "sales|growth|products?|marketing|distribution|stores?",
    Workstream.hr: "benefits|plans?|compensation|officers?|personnel|position|duties",
    Workstream.ip: "licen[cs]es?|proprietary|technology",
    Workstream.it: "systems?|software|hardware|network",
    Workstream.cyber_privacy: r"confidential\w*|security|data",
    Workstream.regulatory_antitrust: (
        "compliance|regulations?|licen[cs]es?|laws?|filings?|approvals?|consents?|notices?"
    ),
    Workstream.real_estate: "propert(?:y|ies)|title|liens?|site|facilities",
    Workstream.environmental_esg: "release|substances|permits|energy|disposal|carbon",
    Workstream.insurance: "policies|claims|coverage|policy",
    Workstream.operations: "capacity|suppliers?|equipment|facility",
    Workstream.integration: "transition|closing",
    Workstream.financing: "bank|debt|credit|principal|notes?|interest|liens?",
    Workstream.process: "closing date|schedule|advisors?|offer",
}
"""They go with the subject, and with others."""
