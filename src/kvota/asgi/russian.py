"""What the core and the wire say in English, said in Russian: one line for each sentence that they know."""

import re

from kvota.asgi.russian_catalogue import mistake_in_russian

_RULES: tuple[tuple[str, str], ...] = (
    (
        r"must be a whole number from (\S+) to (\d+), or name a boost",
        r"нужно целое число от \1 до \2 либо название буста",
    ),
    (r"must be a whole number from (\S+) to (\d+), not 0", r"нужно целое число от \1 до \2, кроме нуля"),
    (r"must be a whole number from (\S+) to (\S+)", r"нужно целое число от \1 до \2"),
    (r"must be a whole number", "нужно целое число"),
    (
        r"must be whole numbers from (\d+) to (\d+) with commas between them",
        r"нужны целые числа от \1 до \2 через запятую",
    ),
    (r"must be true or false", "нужно true или false"),
    (r"must have (\d+) to (\d+) characters", r"нужно от \1 до \2 символов"),
    (r"must not be the address", "не должен совпадать с адресом"),
    (r"is not the same password", "пароли не совпадают"),
    (r"is your own: let another administrator remove it", "это ваш вход: его может убрать другой администратор"),
    (r"is not your password", "это не ваш пароль"),
    (r"does not open this: the address or the password is wrong", "адрес или пароль неверен"),
    (r"is in use already: each address signs in once", "адрес уже занят: на каждый — один вход"),
    (r"must be an e-mail address, such as (\S+)", r"нужен адрес электронной почты, например \1"),
    (r"is needed: a member is one person of the company", "укажите, кто это из сотрудников компании"),
    (r"is needed: this role is one company's", "для этой роли нужна компания"),
    (r"must be absent: an operator has all", "не указывается: оператору доступны все"),
    (r"must be 1 to 64 characters of (.+)", r"нужно от 1 до 64 знаков из набора \1"),
    (
        r"must be text of (\d+) to (\d+) printable ASCII characters",
        r"нужна строка длиной от \1 до \2 печатных знаков ASCII",
    ),
    (r"must be text of (\d+) to (\d+) printable characters", r"нужна строка длиной от \1 до \2 печатных знаков"),
    (
        r"must be an e-mail address such as (\S+), of at most (\d+) characters",
        r"нужен адрес электронной почты, например \1, не длиннее \2 знаков",
    ),
    (r"must be text", "нужна строка"),
    (r"must be one of (.+)", r"допустимы только: \1"),
    (
        (
            r"must be an instant of RFC 3339 with its offset, such as (\S+), "
            r"no finer than a millisecond, in the years 1970 to 2099"
        ),
        r"нужен момент времени по RFC 3339 со смещением, например \1, не точнее миллисекунды, с 1970 по 2099 год",
    ),
    (r"must be an instant after (.+)", r"нужен момент времени позже \1"),
    (r"must be an object of (\d+) to (\d+) names", r"нужен объект, в котором от \1 до \2 имён"),
    (r"must be an object", "нужен объект"),
    (r"must be a list of (\d+) to (\d+)", r"нужен список длиной от \1 до \2"),
    (r"must be a list", "нужен список"),
    (r"is not a known field; known are: (.+)", r"такого поля нет; есть: \1"),
    (r"is needed to price (.+)", r"без этого количества нельзя посчитать цену действия \1"),
    (r"is not a quantity of (.+); it knows: none", r"действие \1 не принимает количеств"),
    (r"is not a quantity of (.+); it knows: (.+)", r"у действия \1 нет такого количества; есть: \2"),
    (r"(.+) cannot be charged stage by stage", r"действие \1 не списывается по этапам"),
    (r"(.+) has the stages (.+)", r"у действия \1 есть этапы: \2"),
    (r"must name at least one stage, each once", "назовите хотя бы один этап, каждый по одному разу"),
    (r"is not a boost of the catalogue; it has: none", "бустов в каталоге нет"),
    (r"is not a boost of the catalogue; it has: (.+)", r"такого буста в каталоге нет; есть: \1"),
    (
        r"stands alone: its amount and expiry are the catalogue's",
        "указывается без amount и expires_at: количество и срок буста задаёт каталог",
    ),
    (
        r"is not an action of the catalogue; GET /v1/catalogue lists them",
        "такого действия в каталоге нет; список даёт GET /v1/catalogue",
    ),
    (r"must be an IANA zone such as (.+)", r"нужен часовой пояс IANA, например \1"),
    (r"must name tools among (.+)", r"допустимы только инструменты: \1"),
    (r"is needed to create a company", "без этого поля компанию не создать"),
    (
        r"'plan' is the name of the plan's own cap: choose another id",
        "имя plan занято ограничением самого тарифа: выберите другое",
    ),
    (
        r"must name exactly one of user, users \(\"each\"\), department and tool",
        'нужно ровно одно из: user, users ("each"), department, tool',
    ),
    (r"must be after from \((.+)\)", r"нужна дата позже from (\1)"),
    (r"must be at most (\d+) days after from", r"от from может пройти не больше дней, чем \1"),
    (r"must be after from", "нужен момент позже from"),
    (r"comes twice: send it once", "указано дважды: укажите один раз"),
    (r"must be a date such as (.+), in the years 1970 to 2099", r"нужна дата, например \1, с 1970 по 2099 год"),
    (
        r"must be a date such as (\S+), or an instant of RFC 3339 with its offset",
        r"нужна дата, например \1, или момент времени по RFC 3339 со смещением",
    ),
    (
        r"must be a list of (.+) with commas between them, each once",
        r"нужен список через запятую из: \1, каждое по одному разу",
    ),
    (
        r"must be user, department or both with a comma between them",
        "нужно user, department или оба через запятую",
    ),
    (r"cannot be named together with without=(\w+)", r"не указывается вместе с without=\1"),
    (
        r"The role member may see the statistics of its own user only\.",
        "Ключ с ролью member открывает статистику только своего сотрудника.",
    ),
    (r"is needed", "нужно заполнить"),
    (r"is taken: another company has it", "занят: такая компания уже есть"),
    (r"is needed: an appeal is one person's", "нужно: заявка принадлежит одному сотруднику"),
    (r"must name exactly one of cap_change and boost", "нужно ровно одно из: cap_change, boost"),
    (r"is needed: a member's key is one person's", "нужно: ключ с ролью member принадлежит одному сотруднику"),
    (r"belongs to a member's key only", "указывается только для ключа с ролью member"),
    (r"must be among the actions that your own key is bound to: (.+)", r"допустимы только действия вашего ключа: \1"),
    (
        r"does not stand on a batch: give each operation its own `key`",
        "для пакета не указывается: задайте key в каждой операции",
    ),
    (
        r"This key is bound to other actions than '(.+)'\.",
        r"Этот ключ не открывает действие «\1»: он привязан к другим.",
    ),
    (
        r"The plan '(.+)' is not self-service: ask the operator to change to it\.",
        r"На тариф «\1» нельзя перейти самостоятельно: попросите оператора.",
    ),
    (
        r"The role (\w+) may not do this: it is for (.+)\.",
        r"Роль \1 не может выполнить этот вызов: он доступен ролям \2.",
    ),
    (
        r"The fields (.+) are the operator's\. Send the others without them\.",
        r"Поля \1 меняет только оператор. Отправьте остальные без них.",
    ),
    (
        r"A member asks for himself only: leave `user` out, or send '(.+)'\.",
        r"Ключ сотрудника спрашивает только за него самого: не указывайте user или укажите «\1».",
    ),
    (
        r"The hold (\S+) was closed as (\w+) at (\S+)\. Work delivered after its hold has ended is a new charge\.",
        r"Резерв \1 уже закрыт (\2) в \3. Работа, выполненная после конца резерва, оформляется новым списанием.",
    ),
    (
        r"(\S+) has (\d+) webhooks, and no more can be: delete one first\.",
        r"У компании \1 уже \2 вебхуков, больше нельзя: сначала удалите один из них.",
    ),
    (
        r".+ is no URL; it would be like (\S+)",
        r"это не адрес; нужен адрес вида \1",
    ),
    (r"the URL must begin with https:// and name a host", "адрес должен начинаться с https:// и называть сервер"),
    (r"the URL must not carry a user or password", "в адресе не должно быть имени и пароля"),
    (
        r"the URL must begin with https://; the operator can allow plain HTTP for a host",
        "адрес должен начинаться с https://; обычный HTTP может разрешить оператор",
    ),
    (
        r"(\S+) is the private address (\S+), which no call may go to",
        r"\1 — внутренний адрес \2, обращаться к таким нельзя",
    ),
    (r"it answered (\d+)", r"пришёл ответ \1"),
    (r"no answer within (\S+) seconds", r"за \1 с ответа нет"),
    (r"no answer: (\w+)", r"ответа нет: \1"),
    (r"the webhook was removed", "вебхук удалён"),
    (r"the webhook is disabled: (.+)", r"вебхук отключён: \1"),
    (r"the mail server answered (.+)", r"почтовый сервер ответил: \1"),
    (r"the mail server did not take it: (.+)", r"почтовый сервер не принял письмо: \1"),
    (
        r"this server sends no mail: its operator has not set (\w+) and (\w+)",
        r"этот сервер не отправляет почту: оператор не задал \1 и \2",
    ),
    (r"a defect of Kvota's own; the server's log has it", "ошибка на нашей стороне, она записана в журнал сервера"),
    (r"The appeal (\S+) was (\w+) at (\S+)\.", r"На заявку \1 уже ответили (\2) в \3."),
    (r"The order (\S+) was (\w+) at (\S+)\.", r"Заказ \1 уже закрыт (\2) в \3."),
    (
        r"(\S+) has (\d+) live boosts, and no more can be: revoke one first\.",
        r"У компании \1 уже \2 действующих бустов, больше нельзя: сначала отзовите один из них.",
    ),
    (
        r"(\S+) has (\d+) open holds, and no more can be: capture or void some\.",
        r"У компании \1 уже \2 открытых резервов, больше нельзя: спишите или отмените часть из них.",
    ),
    (
        r"(\S+) has (\d+) caps, and no more can be: delete one first\.",
        r"У компании \1 уже \2 ограничений, больше нельзя: сначала удалите одно из них.",
    ),
    (
        r"The body is not UTF-8: byte (\d+) does not belong\. Send JSON in UTF-8\.",
        r"Тело запроса не в UTF-8: ошибка в байте \1. Отправьте JSON в UTF-8.",
    ),
    (
        r"The body has half of a surrogate pair\. Send whole characters, in UTF-8\.",
        "В теле запроса половина суррогатной пары. Отправьте целые знаки в UTF-8.",
    ),
    (
        r"The name '(.*)' comes twice in one object\. Send each name once\.",
        r"Имя «\1» встречается в одном объекте дважды. Укажите каждое имя один раз.",
    ),
    (
        r"The body is nested too deeply\. Send the object that the call describes\.",
        "Тело запроса вложено слишком глубоко. Отправьте объект, описанный для этого вызова.",
    ),
    (
        r"The body is not JSON: line (\d+), column (\d+)\. Send one JSON object, in UTF-8\.",
        r"Тело запроса — не JSON: ошибка в строке \1, знак \2. Отправьте один объект JSON в UTF-8.",
    ),
    (
        r"The body is not JSON: it has a number that JSON does not know\. Send one JSON object\.",
        "Тело запроса — не JSON: в нём число, которого в JSON нет. Отправьте один объект JSON.",
    ),
    (
        r"The body is not JSON as RFC 8259 has it\. Send one JSON object, in UTF-8\.",
        "Тело запроса — не JSON по RFC 8259. Отправьте один объект JSON в UTF-8.",
    ),
    (
        r"The query is not text in UTF-8\. Send its parameters as name=value, percent-encoded\.",
        "Параметры адреса не читаются как текст в UTF-8. Отправьте их в виде имя=значение с процентным кодированием.",
    ),
)
_COMPILED = tuple((re.compile(pattern, re.DOTALL), text) for pattern, text in _RULES)


def in_russian(text: str) -> str | None:
    """The same in Russian; None for a sentence that is not known."""
    for prefix, translated in (("the name ", "имя: "), ("is required: it ", "обязательное поле: ")):
        if text.startswith(prefix):
            rest = in_russian(text.removeprefix(prefix))
            return None if rest is None else translated + rest
    for pattern, translation in _COMPILED:
        if found := pattern.fullmatch(text):
            return found.expand(translation)
    return mistake_in_russian(text)
