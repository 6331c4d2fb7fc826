"""The mistakes of a catalogue file, said in Russian. What TOML itself refuses stays in the words of Python's reader."""

import re

_WHAT: tuple[tuple[str, str], ...] = (
    (r"a whole number from (\S+) to (\S+)", r"целое число от \1 до \2"),
    (r"true or false, without quotes", "true или false без кавычек"),
    (
        r"a date-time with its offset, without quotes, such as (\S+)",
        r"дата и время со смещением, без кавычек, например \1",
    ),
    (r"a text in quotes of 1 to 64 of (.+)", r"строка в кавычках от 1 до 64 знаков из набора \1"),
    (r"1 to 64 of (.+)", r"от 1 до 64 знаков из набора \1"),
    (r"a small letter, then at most 63 of (.+)", r"строчная латинская буква и за ней не больше 63 знаков из набора \1"),
    (r"an action's id \(1 to 64 of (.+)\)", r"обозначение действия (от 1 до 64 знаков из набора \1)"),
    (r"a tool's id \(1 to 64 of (.+)\)", r"обозначение инструмента (от 1 до 64 знаков из набора \1)"),
    (r"a portal's code \(1 to 64 of (.+)\)", r"код портала (от 1 до 64 знаков из набора \1)"),
    (
        r"a stage's name \(a small letter, then at most 63 of (.+)\)",
        r"имя этапа (строчная латинская буква и за ней не больше 63 знаков из набора \1)",
    ),
    (r'a currency of three capital letters, such as "RUB"', 'валюта из трёх заглавных букв, например "RUB"'),
    (r'"(\w+)" or "(\w+)"', r'"\1" или "\2"'),
    (r"a language, such as en or ru", "язык, например en или ru"),
    (
        r"a prompt's code, or the beginning of some with \* at its end",
        "код промпта или начало нескольких со знаком * в конце",
    ),
    (r"an action's id", "обозначение действия"),
    (r"one of (.+)", r"одно из: \1"),
    (r"a table", "таблица"),
)
"""What is needed."""
_KIND: tuple[tuple[str, str], ...] = (
    (r"a table", "таблица"),
    (r"a list of (\d+)", r"список длиной \1"),
    (r"(.+) without an offset", r"\1 без смещения"),
    (r"(.+) without quotes", r"\1 без кавычек"),
)
"""What came instead; a value stays as it is."""
_CHOICES: tuple[tuple[str, str], ...] = (
    (r"; there are none", "; их нет вовсе"),
    (r"; known: (.+) and (\d+) more", r"; есть: \1 и ещё \2"),
    (r"; known: (.+)", r"; есть: \1"),
    (r" \(did you mean (.+?)\?\); known: (.+) and (\d+) more", r" (может быть, \1?); есть: \2 и ещё \3"),
    (r" \(did you mean (.+?)\?\); known: (.+)", r" (может быть, \1?); есть: \2"),
    (r"", ""),
)
_WHOLE: tuple[tuple[str, str], ...] = (
    (r"stands twice in the list; once is enough", "стоит в списке дважды; достаточно одного раза"),
    (r"has no tool; at least one is needed", "нет ни одного инструмента; нужен хотя бы один"),
    (r"has no action; at least one is needed", "нет ни одного действия; нужно хотя бы одно"),
    (r"has no plan; at least one is needed", "нет ни одного тарифа; нужен хотя бы один"),
    (
        r"is missing; a title is written in English and in Russian: (.+)",
        r"нет; название пишется по-английски и по-русски: \1",
    ),
    (
        r"is finer than a millisecond; at most three digits after the point",
        "точнее миллисекунды; после точки не больше трёх цифр",
    ),
    (r"a text of 1 to (\d+) printable characters is needed", r"нужна строка длиной от 1 до \1 печатных знаков"),
    (r"an instant from 1970 to 2999 is needed", "нужен момент времени с 1970 по 2999 год"),
    (
        r"is empty; name at least one action, or leave the key out for all of them",
        "пусто; назовите хотя бы одно действие или уберите ключ, если годятся все",
    ),
    (
        r"already stands for the plan (.+); a code means one plan",
        r"уже означает тариф \1; один код — один тариф",
    ),
    (
        r"a stage or a quantity may not be called (.+): these are parts of every price",
        r"этап или количество нельзя назвать \1: это части каждой цены",
    ),
    (
        r"is a stage of this action too; a quantity needs a name of its own",
        "так называется и этап этого действия; количеству нужно своё имя",
    ),
    (
        r"(\S+) is not charged by stages: it has base, per, min or max",
        r"\1 не списывается по этапам: у действия есть base, per, min или max",
    ),
    (
        r"is empty; name a stage, or leave the key out for the whole action",
        "пусто; назовите этап или уберите ключ, если это всё действие",
    ),
    (
        r"reads (\S+), which a portal does not tell: set it in bitrix24.quantities",
        r"зависит от \1, а портал этого не сообщает: задайте число в bitrix24.quantities",
    ),
    (
        r"reads (\S+), which a call of this route does not tell",
        r"зависит от \1, а вызов этого маршрута такого не сообщает",
    ),
    (r"is empty; name a quantity, or leave the key out", "пусто; назовите количество или уберите ключ"),
    (
        r"has no price; give it base, stages, per or min \(base = 0 for an action that is free\)",
        "нет цены; задайте base, stages, per или min (base = 0, если действие бесплатно)",
    ),
    (r"is over max; at most (.+) is allowed here", r"больше max; здесь допустимо не больше \1"),
    (
        r"can cost (\S+); at most (\S+) is allowed \(a quantity goes up to (\S+)\); give it a max",
        r"может стоить \1, а допустимо не больше \2 (количество доходит до \3); задайте max",
    ),
    (r"can cost (\S+); at most (\S+) is allowed", r"может стоить \1, а допустимо не больше \2"),
    (
        r"is not allowed beside once_per_subject; leave one of the two out",
        "нельзя вместе с once_per_subject; уберите одно из двух",
    ),
    (
        r"says nothing; at_least, at_most or equals is needed",
        "ничего не задаёт; нужно at_least, at_most или equals",
    ),
    (r"never holds: at_least (\S+) is over at_most (\S+)", r"никогда не выполнится: at_least \1 больше at_most \2"),
    (
        r"never holds: equals (\S+) is outside of at_least and at_most",
        r"никогда не выполнится: equals \1 не лежит между at_least и at_most",
    ),
    (
        r"costs (\S+) in (\S+); a stage that is once_per_subject has one price in all actions",
        r"в действии \2 стоит \1; этап из once_per_subject имеет одну цену во всех действиях",
    ),
    (
        r"a catalogue file has at most (\S+) bytes; this one has more",
        r"в файле каталога не больше \1 байт, а в этом больше",
    ),
    (
        r"a catalogue file is UTF-8; this text has half a surrogate pair",
        "файл каталога пишется в UTF-8; в этом тексте половина суррогатной пары",
    ),
    (
        r"a catalogue file is UTF-8; save it in that encoding",
        "файл каталога пишется в UTF-8; сохраните его в этой кодировке",
    ),
    (r"this is no TOML: (.+)", r"это не TOML: \1"),
    (
        r"a number or an instant has at most (\d+) characters",
        r"в числе или моменте времени не больше \1 знаков",
    ),
    (
        r"tables, lists and dotted keys nest at most (\d+) deep",
        r"таблицы, списки и ключи с точками вкладываются не глубже, чем на \1",
    ),
    (r"(\d+) further mistakes are not listed", r"ещё \1 ошибок не показаны"),
    (r"must be new where anything has changed", "нужна новая версия: что-то изменилось"),
    (r"must be later than (.+)", r"нужна версия позже \1"),
    (r"is missing, and companies have it", "тариф убран, а у компаний он есть"),
)
_CHOICE = re.compile(
    r'(?P<what>is not known here|there is no (?:tool|action|stage) "(?P<name>.*?)"(?: in (?:this action|[^ ;]+))?)'
    r"(?P<rest>.*)",
    re.DOTALL,
)
_NOT_THERE = {"tool": "нет инструмента", "action": "нет действия", "stage": "у действия нет этапа"}
_NEEDED = re.compile(r"(?P<what>.+) is needed, not (?P<kind>.+)", re.DOTALL)
_MISSING = re.compile(r"is missing; (?P<what>.+) is needed", re.DOTALL)
_NAME = re.compile(r"a name here is (?P<what>.+)", re.DOTALL)
_LIST = re.compile(r"a list of at most (?P<most>\S+) elements, each of them (?P<what>.+),", re.DOTALL)


def mistake_in_russian(text: str) -> str | None:
    """A mistake of a catalogue file in Russian; None for a sentence that is not known."""
    if found := _CHOICE.fullmatch(text):
        choices = _first(_CHOICES, found["rest"])
        word = found["what"].split(" ")[3] if found["name"] is not None else ""
        head = f'{_NOT_THERE[word]} "{found["name"]}"' if word else "такого ключа здесь нет"
        return None if choices is None else head + choices
    if found := _NEEDED.fullmatch(text):
        what = _what(found["what"])
        return what and f"нужно: {what}; указано: {_first(_KIND, found['kind']) or found['kind']}"
    for pattern, head in ((_MISSING, "нет; нужно: "), (_NAME, "имя здесь: ")):
        if found := pattern.fullmatch(text):
            what = _what(found["what"])
            return what and head + what
    return _first(_WHOLE, text)


def _what(text: str) -> str | None:
    if found := _LIST.fullmatch(text):
        each = _first(_WHAT, found["what"])
        return each and f"список не длиннее {found['most']}, где каждый элемент: {each}"
    return _first(_WHAT, text)


def _first(rules: tuple[tuple[str, str], ...], text: str) -> str | None:
    for pattern, translation in rules:
        if found := re.fullmatch(pattern, text, re.DOTALL):
            return found.expand(translation)
    return None
