"""Personal data in what a shopper writes, and its redaction before anything is stored.

Only what can be recognised surely is taken out: e-mail addresses, telephone numbers, payment cards and IBANs, the
last two by their check digits. Names and postal addresses are not: nothing short of a person can tell them from the
names of products and places. Sizes, prices, dates, barcodes and order numbers must survive, since the dialogue is
replayed from what is stored; so a bare run of digits is a telephone number only where its form or the words before
it say so.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Length of an IBAN by country, from the SWIFT registry.
_IBAN_LENGTHS = {
    code: length
    for length, codes in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL SD",
        19: "MK SI",
        20: "AT BA EE KZ LT LU MN XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
        33: "RU",
    }.items()
    for code in codes.split()
}

# Words after which a number is how to reach a person, and words after which it names an order or an article.
_PHONE_WORDS = (
    r"\btel|\bphone|\bcall me|\bcall us|\bmobile|\bcell|\btext me|\bwhats ?app|\bring me|\bfax|telefon|\bhandy|\bruf|"
    r"t[ée]l[ée]phone|\bportable|appel|\bm[óo]vil|celular|ll[áa]m|tel[ée]fono|telefone|celular|cellulare|chiama|"
    r"телефон|позвон|هاتف|جوال|电话|電話|手机|手機|联系|聯絡|致电|打给|微信|携帯|전화|휴대폰"
)
_NUMBER_WORDS = (
    r"\border|\bref|\binvoice|\btracking|\bsku|\bean|\bgtin|\bupc|\bisbn|\bitem|\barticle|\bmodel|\bparcel|bestell|"
    r"auftrag|rechnung|artikel|sendung|commande|facture|suivi|pedido|factura|art[íi]culo|encomenda|ordine|заказ|طلب|"
    r"订单|訂單|单号|單號|运单|物流|型号|型號|货号|注文|주문|#"
)
_AFTER_PHONE_WORD = re.compile(rf"(?:{_PHONE_WORDS})[^\d\n]{{0,20}}$", re.IGNORECASE)
_AFTER_NUMBER_WORD = re.compile(rf"(?:{_NUMBER_WORDS})[^\d\n]{{0,12}}$", re.IGNORECASE)
_WORDS_BEFORE = 40  # characters that are looked at before a number

# Latin letters only, so that Chinese written straight before or after an address stays.
_LETTER = "A-Za-z0-9\u00c0-\u024f"
_EMAIL = re.compile(
    rf"(?<![{_LETTER}._%+'-])[{_LETTER}][{_LETTER}._%+'-]{{0,63}}[@＠]"
    rf"(?:[{_LETTER}](?:[{_LETTER}-]{{0,62}})[.．]){{1,8}}[A-Za-z]{{2,24}}"
)
_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}")
_CARD = re.compile(r"(?<![A-Za-z0-9_.,+-])\d(?:[ -]?\d){13,18}(?![A-Za-z0-9_]|[.,]\d)")
_CARD_STARTS = re.compile(r"30[0-5]\d{11}$|3[689]\d{12}$|3[47]\d{13}$|(?:4|5[0-8]|6|35|2[2-7])\d{14,18}$")
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_.,])(?<![A-Za-z0-9_][-/])(?:\+ ?)?\(?\d(?:[ \-./()\u00a0\u2011]{0,2}\d){5,16}"
    r"(?![A-Za-z0-9_]|[.,:/-]\d)"
)
_DATE = re.compile(r"(?:\d{1,2}[-./ ]\d{1,2}[-./ ](?:19|20)\d\d|(?:19|20)\d\d[-./ ]\d{1,2}[-./ ]\d{1,2})(?!\d)")
_NORTH_AMERICAN = re.compile(r"(?:1[-. ])?(?:\(\d{3}\) ?|\d{3}[-.])\d{3}[-. ]\d{4}|[2-9]\d\d [2-9]\d\d \d{4}")
_CHINESE_MOBILE = re.compile(r"(?:86[- ]?)?1[3-9]\d([- ]?)\d{4}\1\d{4}")


def redact(text: str, own: str = "") -> str:
    """`text` with personal data replaced by [e-mail], [phone], [card] and [iban].

    Args:
        text: what somebody wrote, in any language; redacting twice changes nothing more.
        own: the shop's own contact details, which are not personal data and stay.
    """

    def replace(pattern: re.Pattern[str], name: str, is_one: Callable[[re.Match[str]], int]) -> None:
        nonlocal text
        pieces, position = [], 0
        for match in pattern.finditer(text):
            length = is_one(match)
            if length and match[0][:length] not in own:
                pieces += [text[position : match.start()], f"[{name}]"]
                position = match.start() + length
        text = "".join([*pieces, text[position:]])

    replace(_EMAIL, "e-mail", lambda match: len(match[0]))
    replace(_IBAN, "iban", _iban_length)
    replace(_CARD, "card", _card_length)
    replace(_NUMBER, "phone", _phone_length)
    return text


def _iban_length(match: re.Match[str]) -> int:
    """How many characters of the match are an IBAN with the right check digits; 0 for none."""
    wanted = _IBAN_LENGTHS.get(match[0][:2].upper())
    ends = [place for place, letter in enumerate(match[0], 1) if letter not in " -"]
    if wanted is None or len(ends) < wanted:
        return 0
    end = ends[wanted - 1]
    compact = re.sub("[ -]", "", match[0][:end]).upper()
    follows = match.string[match.start() + end : match.start() + end + 1]
    number = "".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])
    return 0 if follows.isalnum() or int(number) % 97 != 1 else end


def _card_length(match: re.Match[str]) -> int:
    """The whole match where issuer and Luhn's check digit are right, else 0."""
    digits = [int(letter) for letter in match[0] if letter.isdecimal()]
    if not _CARD_STARTS.match("".join(map(str, digits))):
        return 0
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    return len(match[0]) if (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0 else 0


def _phone_length(match: re.Match[str]) -> int:
    """The whole match where its form, or the words before it, make it a telephone number, else 0."""
    number = match[0]
    before = match.string[max(0, match.start() - _WORDS_BEFORE) : match.start()]
    digits = "".join(str(int(letter)) for letter in number if letter.isdecimal())
    separated = len(digits) < len(number)
    if _AFTER_NUMBER_WORD.search(before) or _DATE.match(number):
        return 0
    is_phone = (
        (number.startswith("+") and 8 <= len(digits) <= 15)
        or (digits.startswith("00") and digits[2:3] != "0" and 12 <= len(digits) <= 17)
        or (digits.startswith("0") and digits[1:2] != "0" and len(digits) in (range(9, 13) if separated else (10, 11)))
        or bool(_NORTH_AMERICAN.fullmatch(number))
        or bool(_CHINESE_MOBILE.fullmatch(number))
        or (bool(_AFTER_PHONE_WORD.search(before)) and 7 <= len(digits) <= 15)
    )
    return len(number) if is_phone else 0
