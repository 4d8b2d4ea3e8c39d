"""How people tell a machine what to do, in a dozen languages: what the scan for injections is made of.

Patterns are written against flattened text (lower case, one typography, single spaces). A pattern alone must be enough
to call a passage an attempt: contracts say "ignore", "rules" and "instructions" all day.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class _Language:
    """``drop`` what is ``earlier`` of the ``orders``; ``silence`` about risks; ``role`` that a machine is given."""

    drop: str
    earlier: str
    orders: str
    silence: str
    role: str


_LANGUAGES: Final = (
    _Language(  # German
        drop=r"\b(?:ignorier\w*|vergiss|vergesst|vergessen sie|missachte\w*|verwirf|verwerfen sie)\b",
        earlier=r"\b(?:alle|bisherige\w*|vorherige\w*|obige\w*|vorangehende\w*|fruhere\w*|frühere\w*|deine|ihre)\b",
        orders=r"\b(?:anweisung\w*|instruktion\w*|vorgaben|befehle|regeln|prompts?)\b",
        silence=r"\b(?:melde|nenne|erwähne|berichte|gib|geben sie|melden sie|nennen sie)\b[^.;]{0,30}\bkeine\w* risik"
        r"|\bkeine\w* risiken (?:melden|nennen|erwähnen|angeben|ausgeben)\b",
        role=r"\bdu bist (?:jetzt|nun|ab sofort)\b[^.;]{0,30}\b(?:ki|assistent\w*|sprachmodell|modell)\b",
    ),
    _Language(  # French
        drop=r"\b(?:ignore[rz]?|oublie[rz]?|ne tene?z (?:pas |plus )?compte|fais abstraction|faites abstraction)\b",
        earlier=r"\b(?:toutes?|tous|précédent\w*|ci-dessus|antérieur\w*|vos|tes)\b",
        orders=r"\b(?:instructions?|consignes?|directives?|règles?)\b",
        silence=r"\bne (?:signale[rz]?|mentionne[rz]?|rapporte[rz]?|relève[rz]?|releve[rz]?)\b[^.;]{0,30}\brisque",
        role=r"\b(?:tu es|vous êtes) (?:maintenant|désormais|à présent)\b[^.;]{0,30}\b(?:assistante?|ia|modèle)\b",
    ),
    _Language(  # Spanish
        drop=r"\b(?:ignor(?:a|e|en|ar|ad)|olvid(?:a|e|en|ar)|haga caso omiso|haz caso omiso|descart(?:a|e|en))\b",
        earlier=r"\b(?:tod[ao]s|anterior(?:es)?|previ[ao]s|tus|sus)\b",
        orders=r"\b(?:instrucci(?:ón|ones)|indicaci(?:ón|ones)|reglas|órdenes|directrices)\b",
        silence=r"\bno (?:inform(?:es?|ar)|report(?:es?|ar)|mencion(?:es?|ar)|señal(?:es?|ar))\b[^.;]{0,30}\briesgo",
        role=r"\b(?:ahora eres|eres ahora|usted es ahora)\b[^.;]{0,30}\b(?:asistente|ia|modelo)\b",
    ),
    _Language(  # Italian
        drop=r"\b(?:ignor(?:a|ate|are|i)|dimentica\w*|non tenere conto|tralascia\w*)\b",
        earlier=r"\b(?:tutt[ei]|precedent[ei]|tue|vostre|sopra)\b",
        orders=r"\b(?:istruzion[ei]|regole|direttive|indicazioni)\b",
        silence=r"\bnon (?:segnal|menzion|riport)\w+\b[^.;]{0,30}\brisch",
        role=r"\b(?:ora sei|sei ora|adesso sei)\b[^.;]{0,30}\b(?:assistente|ia|modello)\b",
    ),
    _Language(  # Portuguese
        drop=r"\b(?:ignor(?:e|a|ar|em)|esqueça\w*|desconsider(?:e|a|ar|em))\b",
        earlier=r"\b(?:tod[ao]s|anterior(?:es)?|prévi[ao]s|suas|acima)\b",
        orders=r"\b(?:instruç(?:ão|ões)|regras|diretrizes|ordens)\b",
        silence=r"\bnão (?:relat|mencion|inform|report|sinaliz)\w+\b[^.;]{0,30}\brisco",
        role=r"\b(?:agora você é|você agora é|você é agora)\b[^.;]{0,30}\b(?:assistente|ia|modelo)\b",
    ),
    _Language(  # Dutch
        drop=r"\b(?:negeer|negeren|vergeet|sla)\b",
        earlier=r"\b(?:alle|vorige|eerdere|voorgaande|bovenstaande|je|uw)\b",
        orders=r"\b(?:instructies?|aanwijzingen|opdrachten|richtlijnen)\b",
        silence=r"\b(?:meld|vermeld|rapporteer|noem)\b[^.;]{0,20}\bgeen\b[^.;]{0,20}\brisico",
        role=r"\b(?:je bent nu|u bent nu)\b[^.;]{0,30}\b(?:assistent|ai|model|taalmodel)\b",
    ),
    _Language(  # Polish
        drop=r"\b(?:zignoruj\w*|ignoruj\w*|zapomnij\w*|pomiń\w*)\b",
        earlier=r"\b(?:wszystki\w*|poprzedni\w*|wcześniejsz\w*|powyższ\w*)\b",
        orders=r"\b(?:instrukcj\w*|polece\w*|wytyczn\w*)\b",
        silence=r"\bnie (?:zgłaszaj|wspominaj|raportuj|wymieniaj)\w*\b[^.;]{0,30}\bryzyk",
        role=r"\b(?:jesteś teraz|teraz jesteś|od teraz jesteś)\b[^.;]{0,30}\b(?:asystent\w*|ai|model\w*)\b",
    ),
    _Language(  # Russian
        drop=r"\b(?:игнорируй\w*|проигнорируй\w*|забудь\w*|не обращай\w* внимания)\b",
        earlier=r"\b(?:все|всех|предыдущ\w*|прежн\w*|вышеуказан\w*|ранее)\b",
        orders=r"\b(?:инструкци\w*|указани\w*|правил\w*|команд\w*)\b",
        silence=r"\bне (?:сообщай|упоминай|указывай|отмечай)\w*\b[^.;]{0,30}\bриск",
        role=r"\b(?:теперь ты|ты теперь|отныне ты)\b[^.;]{0,30}\b(?:ассистент|помощник|ии|модель)\b",
    ),
    _Language(  # Chinese
        drop=r"(?:忽略|无视|無視|忘记|忘記|不要理会)",
        earlier=r"(?:以上|之前|先前|所有|前面|上述|一切)",
        orders=r"(?:指令|指示|说明|說明|提示词?|规则|規則|命令)",
        silence=r"(?:不要|请勿|請勿|不得|别)[^。;]{0,12}(?:报告|報告|提及|提到|标记|披露)[^。;]{0,12}(?:风险|風險)"
        r"|(?:报告|回答|回复)[^。;]{0,8}(?:没有|无)(?:任何)?(?:风险|風險)",
        role=r"(?:你现在是|你現在是|从现在开始你是|你将扮演)[^。;]{0,15}(?:助手|人工智能|模型)",
    ),
    _Language(  # Japanese
        drop=r"(?:無視し|無視せよ|忘れて|忘れろ|従わないで)",
        earlier=r"(?:以前の|これまでの|上記の|すべての|全ての|前の)",
        orders=r"(?:指示|命令|ルール|プロンプト)",
        silence=r"リスク[^。;]{0,15}(?:報告しない|触れない|言及しない|報告するな|ないと(?:答|回答|報告))",
        role=r"あなたは(?:今|これから|今から)[^。;]{0,15}(?:アシスタント|ai|モデル)",
    ),
    _Language(  # Korean
        drop=r"(?:무시하|무시해|잊어)",
        earlier=r"(?:이전|모든|위의|앞의)",
        orders=r"(?:지시|명령|규칙|프롬프트)",
        silence=r"위험[^.;]{0,12}(?:보고하지|언급하지)",
        role=r"(?:당신은|너는) (?:이제|지금부터)[^.;]{0,15}(?:어시스턴트|비서|모델)",
    ),
    _Language(  # Turkish
        drop=r"\b(?:yok say\w*|görmezden gel\w*|unut\w*|dikkate alma\w*)\b",
        earlier=r"\b(?:önceki|tüm|bütün|yukarıdaki)\b",
        orders=r"\b(?:talimat\w*|komut\w*|kural\w*)\b",
        silence=r"\brisk\w*\b[^.;]{0,20}\b(?:bildirme\w*|bahsetme\w*|raporlama\w*)\b",
        role=r"\b(?:artık|bundan sonra) (?:sen )?bir\b[^.;]{0,30}\b(?:asistan\w*|yapay zeka|model\w*)\b",
    ),
)


def _orders_of(language: _Language) -> str:
    """In either order: verbs stand last in some languages. Three things within one clause."""
    drop, earlier, orders = language.drop, language.earlier, language.orders
    gap = r"[^.;。]{0,40}?"
    return (
        rf"{drop}{gap}{earlier}{gap}{orders}|{earlier}{gap}{orders}{gap}{drop}|{drop}{gap}{orders}{gap}{earlier}"
        rf"|{language.silence}|{language.role}"
    )


FOREIGN: Final = re.compile("|".join(_orders_of(language) for language in _LANGUAGES))

_MACHINE: Final = (
    r"\b(?:ai|a\.i\.|artificial intelligence|llms?|language models?|chat ?gpt|gpt-?\d|claude|gemini|copilot"
    r"|(?:ai|automated|virtual|digital) (?:assistant|reviewer|agent|system|analyst|tool|summari[sz]er)s?)\b"
)
_ORDER: Final = (
    r"\b(?:ignore|disregard|forget|omit|do not (?:report|mention|flag|disclose|include|summari[sz]e|extract|list)"
    r"|don't (?:report|mention|flag)"
    r"|must not (?:report|mention|flag|disclose)|report (?:only |that )?(?:no|zero|there are no)|rate this"
    r"|classify this|mark this|respond (?:only )?with"
    r"|output only|answer only|reply with|say that|state that there (?:is|are) no|treat this"
    r"|summari[sz]e this (?:document )?as|you (?:are|must|should|will))\b"
)
_OUTPUT: Final = (
    r"(?:state|say|write|respond|report|rate|mark|classify|output|conclude|answer|reply|set|assign|return)\b[^;]{0,20}"
    r"\b(?:no|only|that|as|with|zero|none|p[0-3]|low|safe|unclassified|positive|resolved)\b"
)
ENGLISH: Final = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^;]{0,30}\b(?:all |any |the |your |my |these "
    r"|those )*(?:previous|prior|preceding|above|earlier|system"
    r"|existing|other|original)\b[^;]{0,20}\b(?:instructions?|prompts?|rules|guidelines|directions|commands)\b"
    r"|\b(?:ignore|disregard|forget|override)\b[^;]{0,12}\byour\b[^;]{0,20}\b(?:instructions?|prompts?|rules"
    r"|guidelines|training)\b"
    rf"|{_MACHINE}[^;]{{0,120}}{_ORDER}|{_ORDER}[^;]{{0,80}}{_MACHINE}[^;]{{0,40}}\b(?:reading|reviewing|processing"
    rf"|analy[sz]ing|summari[sz]ing)\b"
    r"|\byou are (?:now )?(?:an? |the )?(?:\w+ )?(?:ai|language model|assistant|chatbot)\b"
    r"|\b(?:reveal|print|repeat|output|disclose)\b[^;]{0,20}\b(?:your|the) (?:system prompt|hidden instructions"
    r"|initial instructions)\b"
    r"|\b(?:note|instructions?|message|attention) (?:to|for) (?:all |any |the )?(?:ai|llm|automated|language model"
    r"|summari[sz]\w+)\b"
    r"|\b(?:new|updated|revised|additional|secret|hidden) (?:system )?instructions?(?: \w+){0,6} ?:"
    r"|\b(?:developer|admin(?:istrator)?|debug|god|maintenance) (?:mode|override)\b[^;]{0,30}"
    r"\b(?:enabled|activated|engaged)\b"
    r"|\b(?:when|while|if) (?:you (?:are )?)?(?:summari[sz]|analy[sz]|review|process|classif|extract)\w*"
    rf"[^;]{{0,30}}\b(?:this|the) (?:document|contract|agreement|text|e-?mail|message|file)\b,?[^;]{{0,40}}?\b{_OUTPUT}"
    r"|\b(?:do not|don't|never) (?:report|flag|mention|extract|list)\b[^;]{0,30}\b(?:risk|blocker|finding|issue)s?"
    r"\b[^;]{0,30}\b(?:in|from|about|of) (?:this|the) (?:document|contract|agreement|e-?mail|message|file|section)\b"
    r"|\b(?:mark|set|treat|consider|report) (?:all|every|each) (?:open )?(?:blockers?|risks?|findings?) as\b"
)
MARKUP: Final = re.compile(
    r"<\|?(?:im_start|im_end|system|user|assistant|endoftext|end_of_turn|start_header_id)\|?>|</?(?:start|end)_of_turn>"
    r"|\[/?inst\]|<</?sys>>|</?(?:system|assistant)(?:[ _-]?(?:prompt|message|instructions?))?>"
    r"|^\W{0,6}(?:system|assistant)\W{0,3}(?:prompt|message|note|instruction|override)s? ?:"
    r"|^\W{0,6}system ?: (?:you|ignore|from now|the|this)\b"
    r"|\b(?:begin|end|start) (?:of )?(?:system )?(?:prompt|instructions)\b|\"role\" ?: ?\"(?:system|assistant)\""
    r"|\b[0-9a-f]{24} (?:begin|end) \d+\b|\bmarker: [0-9a-f]{24}\b"
)
"""What only a chat with a model, or our own prompt, looks like."""

RUN_TOGETHER: Final = re.compile(
    r"(?:ignore|disregard|forget)(?:all|any|the|your|my|these|those)*(?:previous|prior|preceding|above|earlier|system)?"
    r"(?:instructions?|prompts?|rules|guidelines)|(?:donot|dont)(?:report|mention|flag)(?:any|the|these)*risks?"
)
"""Of letters set apart, which are put together again without the spaces between words."""

ABOUT_AI: Final = re.compile(
    r"\b(?:employees?|staff|personnel|users?|customers?|company policy|policy|shall|supplier|licensee|contractor"
    r"|party|parties)\b[^;]{0,60}"
    r"\b(?:ai|artificial intelligence|chat ?gpt|copilot|language models?)\b"
)
"""Clauses and policies about the use of AI."""
AMONG_PEOPLE: Final = re.compile(
    r"\b(?:shall|may|must) (?:not )?(?:disregard|ignore|override|bypass)\b(?![^;]{0,60}\b(?:your|ai|prompt))"
)
CERTAIN: Final = re.compile(
    r"\b(?:previous|prior|above|system|your) (?:instructions?|prompts?)\b|\bdo not (?:report|mention|flag)"
)
