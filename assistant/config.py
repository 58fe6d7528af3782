"""One frozen `Settings` object: what a shop's `shop.toml`, the environment and the command line's flags say."""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlsplit

from retrieval.errors import MerchantError

GENERATORS = ("transformers", "openai", "template")
_PREFIX = "SHOPWRIGHT_"
_SECRETS = ("llm_key",)
# Environment variables of this project that are not settings of a shop.
_NOT_SETTINGS = ("cache", "screenshot", "judge_key")


@dataclass(frozen=True)
class Settings:
    """How one shop is run.

    Attributes:
        shop: the shop's folder.
        name: the shop's name, as shoppers see it.
        contact: how a shopper reaches a person: an e-mail address, a telephone number or a sentence.
        currency: ISO 4217 code; "" means the catalogue's own.
        rates: currency -> value of one unit of it in the shop's currency, for amounts in another one.
        rates_as_of: the day of the rates; whoever starts the assistant is warned when they are over 30 days old.
        encoder: the sentence encoder: a built-in name, a folder or a hub name.
        generator: what words replies: transformers (in this process), openai (any OpenAI-compatible server) or
            template (no model).
        model: the reply model of the transformers generator: a built-in name, a folder or a hub name.
        adapter: folder of a LoRA adapter for `model`; "" for none.
        llm_url: base URL of the OpenAI-compatible server, as http://127.0.0.1:8000/v1.
        llm_model: the model's name on that server.
        llm_key: its key; read from the environment only.
        reply_seconds: how long one reply may take to be worded, in seconds.
        max_message: how long a shopper's message may be, in characters.
        database_url: SQLAlchemy URL of the conversations; "" means conversations.sqlite in the shop's folder.
        chroma_url: URL of a Chroma server; "" means an index in the shop's folder.
        host: the address that the chat page is served on.
        port: the port that the chat page is served on.
    """

    shop: Path
    name: str = "Our shop"
    contact: str = ""
    currency: str = ""
    rates: Mapping[str, Decimal] = field(default_factory=dict)
    rates_as_of: date | None = None
    encoder: str = "multilingual-e5-small"
    generator: str = "transformers"
    model: str = "gemma-3-270m"
    adapter: str = ""
    llm_url: str = ""
    llm_model: str = ""
    llm_key: str = field(default="", repr=False)
    reply_seconds: float = 20.0
    max_message: int = 2000
    database_url: str = field(default="", repr=False)  # may hold a password
    chroma_url: str = ""
    host: str = "127.0.0.1"
    port: int = 7860

    def __post_init__(self) -> None:
        if self.generator not in GENERATORS:
            raise MerchantError(f"generator {self.generator!r} is unknown; use one of {', '.join(GENERATORS)}")
        if self.generator == "openai" and not (self.llm_url and self.llm_model):
            raise MerchantError('generator "openai" needs llm_url and llm_model; set both')
        for name in ("llm_url", "chroma_url"):
            url = getattr(self, name)
            if url and (urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname):
                raise MerchantError(f"{name} {url!r} is no address; write one such as http://127.0.0.1:8000")
        if not 0 < self.port < 65536:
            raise MerchantError(f"port {self.port} does not exist; use 1 to 65535")
        if self.reply_seconds <= 0 or self.max_message <= 0:
            raise MerchantError(
                f"reply_seconds and max_message must be above zero; got {self.reply_seconds:g} and {self.max_message}"
            )
        if self.rates and not (self.currency and self.rates_as_of):
            raise MerchantError(
                "rates need the shop's currency and the day they are of; set currency and rates.as_of, as 2026-11-20"
            )
        for code in (*self.rates, *([self.currency] if self.currency else [])):
            if not re.fullmatch("[A-Z]{3}", code):
                raise MerchantError(f"{code!r} is no currency; write an ISO 4217 code such as USD, EUR or CNY")
        for code, rate in self.rates.items():
            if rate <= 0:
                raise MerchantError(f"the rate of {code} is {rate}; it must be above zero")
        if not self.database_url:
            path = (self.shop / "conversations.sqlite").absolute()
            object.__setattr__(self, "database_url", f"sqlite:///{path}")
        object.__setattr__(self, "rates", MappingProxyType(dict(self.rates)))

    @classmethod
    def load(cls, shop: Path, environment: Mapping[str, str], flags: Mapping[str, Any] | None = None) -> Self:
        """The settings of the shop in `shop`.

        Args:
            shop: its folder; `shop.toml` in it is read when it is there.
            environment: variables, of which SHOPWRIGHT_NAME sets `name` and takes precedence over the file.
            flags: values from the command line, which take precedence over both; None in it means not given.

        Raises:
            MerchantError: a key is unknown, a value has the wrong type, or a secret stands in the file.
        """
        values: dict[str, Any] = {}
        for source, given in (
            (str(shop / "shop.toml"), _from_file(shop / "shop.toml")),
            ("the environment", _from_environment(environment)),
            ("the command line", {key: value for key, value in (flags or {}).items() if value is not None}),
        ):
            for key, value in given.items():
                values[key] = _checked(key, value, source)
        return cls(shop=shop, **values)


SETTINGS: tuple[str, ...] = tuple(each.name for each in dataclasses.fields(Settings) if each.name != "shop")


def _from_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise MerchantError(f"{path} cannot be read ({error}); correct it or delete it") from error
    for key in values:
        if key in _SECRETS:
            raise MerchantError(
                f"{key} stands in {path}; secrets are read from the environment only: set {_PREFIX}{key.upper()}"
            )
    if isinstance(values.get("database_url"), str) and urlsplit(values["database_url"]).password:
        raise MerchantError(
            f"database_url in {path} holds a password; secrets are read from the environment only:"
            f" set {_PREFIX}DATABASE_URL"
        )
    if isinstance(values.get("rates"), dict) and "as_of" in values["rates"]:
        values["rates_as_of"] = values["rates"].pop("as_of")
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for variable, text in environment.items():
        key = variable.removeprefix(_PREFIX).lower()
        if variable.startswith(_PREFIX) and key not in _NOT_SETTINGS:
            values[key] = (
                dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair) if key == "rates" else text
            )
    return values


def _checked(key: str, value: Any, source: str) -> Any:
    """`value` in the type of setting `key`; text is read where it comes from the environment."""
    if key not in SETTINGS:
        near = difflib.get_close_matches(key, SETTINGS, n=1, cutoff=0.5)
        raise MerchantError(
            f"{key!r} in {source} is no setting;"
            + (f" did you mean {near[0]!r}?" if near else "")
            + f" The settings are {', '.join(SETTINGS)}"
        )
    wanted, read = _READERS.get(key, ("text", _text))
    try:
        return read(value)
    except (ValueError, TypeError, InvalidOperation, AttributeError):
        raise MerchantError(f"{key} in {source} is {value!r}; it must be {wanted}") from None


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(value)
    return int(value)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool):
        raise TypeError(value)
    number = Decimal(value)
    if not number.is_finite():
        raise ValueError(value)
    return number


def _day(value: Any) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else date(value.year, value.month, value.day)


def _rates(value: Any) -> dict[str, Decimal]:
    return {code: _number(rate) for code, rate in value.items()}


_READERS: Mapping[str, tuple[str, Callable[[Any], Any]]] = {
    "port": ("a whole number", _whole),
    "max_message": ("a whole number", _whole),
    "reply_seconds": ("a number", lambda value: float(_number(value))),
    "rates_as_of": ("a day such as 2026-11-20", _day),
    "rates": ("a table of currencies and numbers, as EUR = 1.08", _rates),
}
