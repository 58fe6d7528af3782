"""How merchants write things: prices, availability, markup, addresses, barcodes, dates; each read or refused.

A reader that refuses raises `MerchantError` with the cure; the caller adds which file, row and field it was.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape
from typing import Any
from urllib.parse import urlsplit

from lxml import etree, html  # type: ignore[import-untyped]

from retrieval.catalog import Availability, Money
from retrieval.errors import MerchantError

_PRICE_CURE = "write an amount and a currency, such as 15.00 USD"
_BEYOND = "the price is beyond belief; leave out what is not for sale instead of a placeholder"
_LARGEST_PRICE = 10**10  # minor units; more is a placeholder or a slip

_CODES = (
    "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF"
    " CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG"
    " HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA"
    " MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD"
    " RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX"
    " USD UYU UZS VED VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWL"
)
_CURRENCIES = frozenset(_CODES.split())
# What a sign can stand for, the usual reading first; "" first where there is none and only the shop's own can be meant.
_SIGNS: dict[str, tuple[str, ...]] = {
    "$": ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN", "ARS", "CLP", "COP"),
    "¥": ("", "CNY", "JPY"),
    "￥": ("", "CNY", "JPY"),
    "kr": ("", "SEK", "NOK", "DKK", "ISK"),
    "kr.": ("", "DKK", "NOK", "SEK", "ISK"),
    "£": ("GBP", "EGP"),
    "us$": ("USD",),
    "c$": ("CAD",),
    "ca$": ("CAD",),
    "a$": ("AUD",),
    "au$": ("AUD",),
    "nz$": ("NZD",),
    "s$": ("SGD",),
    "hk$": ("HKD",),
    "nt$": ("TWD",),
    "mx$": ("MXN",),
    "r$": ("BRL",),
    "€": ("EUR",),
    "euro": ("EUR",),
    "rmb": ("CNY",),
    "cn¥": ("CNY",),
    "元": ("CNY",),
    "人民币": ("CNY",),
    "jp¥": ("JPY",),
    "円": ("JPY",),
    "fr.": ("CHF",),
    "₹": ("INR",),
    "₩": ("KRW",),
    "₽": ("RUB",),
    "₺": ("TRY",),
    "zł": ("PLN",),
    "kč": ("CZK",),
    "ft": ("HUF",),
    "lei": ("RON",),
    "₫": ("VND",),
    "฿": ("THB",),
    "₪": ("ILS",),
    "₴": ("UAH",),
    "rm": ("MYR",),
    "rp": ("IDR",),
    "₱": ("PHP",),
    "₦": ("NGN",),
}
_AMOUNT = re.compile(r"(?P<before>[^\d]*?)(?P<number>\d(?:[\d.,'’ ]*\d)?)(?P<after>[^\d]*)")
_GROUPS = re.compile(r"\d{1,3}(?:([.,'’ ])\d{3})(?:\1\d{3})*")

_AVAILABILITY = {
    "instock": Availability.IN_STOCK,
    "available": Availability.IN_STOCK,
    "availablefororder": Availability.IN_STOCK,
    "limitedavailability": Availability.IN_STOCK,
    "limitedstock": Availability.IN_STOCK,
    "lowstock": Availability.IN_STOCK,
    "onlineonly": Availability.IN_STOCK,
    "instoreonly": Availability.OUT_OF_STOCK,
    "backorder": Availability.BACKORDER,
    "onbackorder": Availability.BACKORDER,
    "madetoorder": Availability.BACKORDER,
    "preorder": Availability.PREORDER,
    "presale": Availability.PREORDER,
    "outofstock": Availability.OUT_OF_STOCK,
    "soldout": Availability.OUT_OF_STOCK,
    "unavailable": Availability.OUT_OF_STOCK,
    "reserved": Availability.OUT_OF_STOCK,
    "discontinued": Availability.DISCONTINUED,
}

_TRUTHS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_UNSEEN = re.compile(r"[\u200b\u00ad\ufeff\u2028\u2029\u202a-\u202e\u2060-\u2069]")  # breaks, marks and overrides
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
_TAG = re.compile(r"<(?:[a-zA-Z/][^<>]*|!--.*?--)>", re.DOTALL)
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z][a-zA-Z0-9]*);")
_UNREAD_TAGS = {"script", "style", "template", "noscript", "head", "iframe", "object", "svg", "select", "button"}
_BLOCK_NAMES = (
    "p div section article header footer main aside ul ol dl dt dd table tr h1 h2 h3 h4 h5 h6 blockquote pre hr li"
    " figure figcaption address"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())


def price(value: Any, shop: str, unnamed: str) -> Money:
    """The money meant by `value`: "15.00 USD", "$15.00", "1.299,00 €", 15.0 or "15".

    Args:
        value: text, or a JSON number in major units.
        shop: the shop's currency where it is known, else "": "$" is read as its dollar.
        unnamed: the currency of an amount that names none, or "" to refuse such an amount.

    Raises:
        MerchantError: no amount above zero in a known currency, or an amount that can be read in two ways.
    """
    before, digits, after = _parts(value)
    names = (before.replace("-", " ").replace("−", " ") + " " + re.sub(r"^[.,]?[-–—]+", " ", after)).split()
    currency = _currency(names, shop) or unnamed
    if not currency:
        raise MerchantError(f"the amount names no currency; {_PRICE_CURE}")
    amount = Decimal(digits) if not isinstance(value, str) else _decimal(digits, currency)
    if "-" in before or "−" in before:
        amount = -amount
    if abs(amount) > _LARGEST_PRICE:
        raise MerchantError(_BEYOND)
    return checked(Money.of(amount, currency))


def checked(money: Money) -> Money:
    """`money` itself, when something can be sold for it.

    Raises:
        MerchantError: it is zero, negative, or beyond belief.
    """
    if money.amount <= 0:
        raise MerchantError("a price must be above zero; leave out what is not for sale")
    if money.amount > _LARGEST_PRICE:
        raise MerchantError(_BEYOND)
    return money


def _parts(value: Any) -> tuple[str, str, str]:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise MerchantError(f"that is no amount; {_PRICE_CURE}")
    if not isinstance(value, str):
        number = Decimal(str(value))
        if not number.is_finite():
            raise MerchantError(f"that is no amount; {_PRICE_CURE}")
        return "-" if number < 0 else "", f"{abs(number):f}", ""
    text = " ".join(value.split())[:100]
    found = _AMOUNT.fullmatch(text)
    if not found:
        raise MerchantError(f"that is no amount; {_PRICE_CURE}")
    return found["before"], found["number"], found["after"]


def _currency(names: list[str], shop: str) -> str:
    codes = {name.upper() for name in names if name.upper() in _CURRENCIES}
    for name in names:
        if name.upper() in _CURRENCIES:
            continue
        meant = _SIGNS.get(name.lower())
        if meant is None:
            raise MerchantError(f"{name!r} is no currency; {_PRICE_CURE}")
        known = ({*codes, shop} & set(meant)) - {""}
        if not known and not meant[0]:
            raise MerchantError(f"{name} can be {' or '.join(meant[1:])}; write the code, as in 15.00 {meant[1]}")
        codes |= known or {meant[0]}
    if len(codes) > 1:
        raise MerchantError(f"{' and '.join(sorted(codes))} are two currencies; {_PRICE_CURE}")
    return codes.pop() if codes else ""


def _decimal(digits: str, currency: str) -> Decimal:
    """The number that `digits` are, with "." or "," for decimals and ".", ",", "'" or a space between thousands."""
    unreadable = MerchantError(f"that is no amount; {_PRICE_CURE}")
    decimals = Money.of(1, currency).amount  # 100 where there are cents
    marks = re.sub(r"\d", "", digits)
    if not marks:
        return Decimal(digits)
    whole, fraction = digits, ""
    if marks[-1] in ".," and (len(set(marks)) > 1 or len(marks) == 1):
        head, _, tail = digits.rpartition(marks[-1])
        if len(set(marks)) == 1 and len(tail) == 3 and _GROUPS.fullmatch(digits) and not head.startswith("0"):
            # One mark and three digits: thousands, decimals of a dinar, or anyone's guess.
            if decimals == 1000:
                whole, fraction = head, tail
            elif marks == "." and decimals == 100:
                raise MerchantError(f"it can be {head}{tail} or {head}.{tail}; write it with two decimals")
        else:
            whole, fraction = head, tail
    if re.search(r"\D", whole) and not _GROUPS.fullmatch(whole):
        raise unreadable
    return Decimal(re.sub(r"\D", "", whole) + (f".{fraction}" if fraction else ""))


def availability(text: str) -> Availability | None:
    """The availability that a feed's or schema.org's word stands for, or None for a word that is neither's."""
    return _AVAILABILITY.get(re.sub(r"[^a-z]", "", text.rsplit("/", 1)[-1].lower()))


def unreadable(text: str) -> bool:
    """Whether `text` holds control characters, or replacements for what could not be decoded."""
    return ("\ufffd" in text or not text.isprintable()) and bool(_CONTROL.search(text))


def plain(value: Any) -> str:
    """`value` as text: unseen and control characters gone, runs of blanks made one, lines kept."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if (
        isinstance(value, str) and value.isprintable() and "\ufffd" not in value
    ):  # most are: one line without anything unseen
        return " ".join(value.split())
    text = _UNSEEN.sub("", _CONTROL.sub("", str(value).replace("\r\n", "\n").replace("\r", "\n")))
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def unescaped(text: str) -> str:
    """`text` with its HTML entities read."""
    return unescape(text) if _ENTITY.search(text) else text


def prose(text: str) -> str:
    """The words of `text`, which may be HTML: a line for each block, "- " before each item of a list, no scripts."""
    if not _TAG.search(text):
        if not _ENTITY.search(text):
            return plain(text)
        text = unescape(unescape(text))  # markup that was escaped once too often has its tags only now
        if not _TAG.search(text):
            return plain(text)
    try:
        tree = html.fragment_fromstring(_CONTROL.sub("", text), create_parent="div")
    except (etree.LxmlError, AssertionError):
        # A whole page inside the cell, or markup that holds nothing.
        return plain(unescape(_TAG.sub(" ", text)))
    return plain(_words(tree))


def _words(tree: Any) -> str:
    pieces: list[str] = []
    unread = 0
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            unread += tag in _UNREAD_TAGS
            pieces.append(_opening(tag))
            if not unread:
                pieces.append(" ".join((element.text or "").replace("\n", " ").split(" ")))
            continue
        if event == "end":
            pieces.append("\n" if tag in _BLOCKS else "")
            unread -= tag in _UNREAD_TAGS
        if not unread and element is not tree:
            pieces.append((element.tail or "").replace("\n", " "))
    text = "".join(pieces)
    return re.sub(r"[ \t]*\n\s*", "\n", text)


def _opening(tag: str) -> str:
    if tag == "li":
        return "\n- "
    if tag in ("td", "th"):
        return " "
    return "\n" if tag == "br" or tag in _BLOCKS else ""


def web_address(text: str) -> str:
    """An http(s) address, or a path inside the shop's folder, as it can be put into a page.

    Raises:
        MerchantError: another scheme, or a path that leaves the folder.
    """
    if text.startswith("//"):
        text = f"https:{text}"
    if re.search(r"[\s<>\"\\]", text):
        text = text.strip().replace(" ", "%20")
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise MerchantError(f"that is no address ({error}); write one that starts with https://") from error
    unsafe = re.search(r"[\s<>\"\\]", text) or ".." in parts.path.split("/")
    inside = not parts.scheme and not parts.netloc and not text.startswith("/")
    if unsafe or not text or not (inside or (parts.scheme.lower() in ("http", "https") and parts.netloc)):
        raise MerchantError("that is no address of a page or picture; write one that starts with https://")
    return text


def barcode(text: str) -> str:
    """The digits of a GTIN, EAN, UPC or ISBN.

    Raises:
        MerchantError: not 8, 10, 12, 13 or 14 of them.
    """
    digits = re.sub(r"[\s-]", "", text)
    if not re.fullmatch(r"\d{8}|\d{9}[\dXx]|\d{12,14}", digits):
        raise MerchantError("a barcode has 8, 12, 13 or 14 digits; format the column as text, or leave it empty")
    return digits


def truth(value: Any) -> bool | None:
    """Whether `value` says yes (True) or no (False), in JSON or in words; None where it says neither."""
    return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(
        str(value).strip().lower()
    )


def lasts(start: str, end: str) -> bool:
    """Whether now lies between two ISO 8601 dates or times; an empty one is no bound, a date without a zone is UTC.

    Raises:
        MerchantError: one of them is no date.
    """
    now = datetime.now(UTC)
    try:
        bounds = [datetime.fromisoformat(text) if text else None for text in (start.strip(), end.strip())]
    except ValueError as error:
        raise MerchantError(f"{error}; write dates as 2026-05-01T13:00Z") from error
    first, last = (bound.replace(tzinfo=bound.tzinfo or UTC) if bound else None for bound in bounds)
    if last and len(end.strip()) == len("2026-05-01"):
        last = last.replace(hour=23, minute=59, second=59)  # a date ends with its day
    return (first is None or first <= now) and (last is None or now <= last)
