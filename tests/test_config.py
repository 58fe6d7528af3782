from __future__ import annotations

import dataclasses
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from assistant.config import SETTINGS, Settings
from retrieval.errors import MerchantError


def write(shop: Path, toml: str) -> Path:
    (shop / "shop.toml").write_text(toml, encoding="utf-8")
    return shop


def test_a_shop_without_a_file_has_the_defaults(tmp_path: Path) -> None:
    settings = Settings.load(tmp_path, {})
    assert settings == Settings(shop=tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path}/conversations.sqlite"
    assert (settings.host, settings.port, settings.generator) == ("127.0.0.1", 7860, "transformers")


def test_flags_beat_the_environment_beats_the_file(tmp_path: Path) -> None:
    write(tmp_path, 'name = "File"\nport = 1\nhost = "file"')
    environment = {"SHOPWRIGHT_PORT": "2", "SHOPWRIGHT_HOST": "environment", "HOME": "/"}
    settings = Settings.load(tmp_path, environment, {"host": "flag", "port": None})
    assert (settings.name, settings.port, settings.host) == ("File", 2, "flag")


def test_every_kind_of_value_is_read_from_the_file(tmp_path: Path) -> None:
    write(
        tmp_path,
        '\ufeffname = "Lädchen 小店"\ncurrency = "USD"\nreply_seconds = 2.5\nmax_message = 500\n'
        "[rates]\nas_of = 2026-11-20\nEUR = 1.08\nJPY = 0.0066\nGBP = 1\n",
    )
    settings = Settings.load(tmp_path, {})
    assert settings.name == "Lädchen 小店"
    assert settings.rates == {"EUR": Decimal("1.08"), "JPY": Decimal("0.0066"), "GBP": Decimal(1)}
    assert settings.rates_as_of == date(2026, 11, 20)
    assert settings.reply_seconds == 2.5


def test_every_kind_of_value_is_read_from_the_environment(tmp_path: Path) -> None:
    settings = Settings.load(
        tmp_path,
        {
            "SHOPWRIGHT_RATES": "EUR=1.08,CNY=0.14",
            "SHOPWRIGHT_RATES_AS_OF": "2026-11-20",
            "SHOPWRIGHT_CURRENCY": "USD",
            "SHOPWRIGHT_REPLY_SECONDS": "3",
            "SHOPWRIGHT_LLM_KEY": "hush",
            "SHOPWRIGHT_DATABASE_URL": "postgresql+psycopg://ann:hush@db/shop",
            "SHOPWRIGHT_CACHE": "/somewhere",
        },
    )
    assert settings.rates == {"EUR": Decimal("1.08"), "CNY": Decimal("0.14")}
    assert settings.llm_key == "hush"
    assert "hush" not in repr(settings)


def test_settings_are_frozen(tmp_path: Path) -> None:
    settings = Settings(shop=tmp_path, currency="USD", rates={"EUR": Decimal(1)}, rates_as_of=date(2026, 1, 1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.rates["EUR"] = Decimal(2)  # type: ignore[index]


def test_every_setting_is_described() -> None:
    described = Settings.__doc__ or ""
    assert [name for name in SETTINGS if f"        {name}: " not in described] == []


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ('generater = "template"', r"'generater' in .*shop\.toml is no setting; did you mean 'generator'\?"),
        ("zzzz = 1", "'zzzz' in .*; The settings are name, contact"),
        ('shop = "x"', "'shop' in .* is no setting"),
        ('port = "many"', "port in .* is 'many'; it must be a whole number"),
        ("port = 80.5", "port in .* must be a whole number"),
        ("port = true", "must be a whole number"),
        ("port = 70000", "port 70000 does not exist; use 1 to 65535"),
        ("name = 3", "name in .* is 3; it must be text"),
        ('reply_seconds = "nan"', "must be a number"),
        ("reply_seconds = 0", "must be above zero; got 0 and 2000"),
        ("max_message = -1", "must be above zero"),
        ('generator = "gpt"', "generator 'gpt' is unknown; use one of transformers, openai, template"),
        ('generator = "openai"', "needs llm_url and llm_model"),
        ('llm_url = "localhost"', "llm_url 'localhost' is no address; write one such as"),
        ('chroma_url = "ftp://x"', "chroma_url 'ftp://x' is no address"),
        ('currency = "dollars"', "'dollars' is no currency; write an ISO 4217 code"),
        ('currency = "USD"\n[rates]\nEUR = 1.1', r"rates need the shop's currency and the day.*rates\.as_of"),
        ("rates = 3", "rates in .* is 3; it must be a table"),
        ('currency = "USD"\n[rates]\nas_of = 2026-01-01\nEUR = "x"', "it must be a table of currencies and numbers"),
        ('currency = "USD"\n[rates]\nas_of = 2026-01-01\nEUR = 0', "the rate of EUR is 0; it must be above zero"),
        ('currency = "USD"\n[rates]\nas_of = "soon"\nEUR = 1', "rates_as_of in .* it must be a day such as"),
        ('llm_key = "hush"', "environment only: set SHOPWRIGHT_LLM_KEY"),
        ('database_url = "postgresql://ann:hush@db/x"', "environment only: set SHOPWRIGHT_DATABASE_URL"),
        ("name = ", r"shop\.toml cannot be read .*; correct it or delete it"),
    ],
)
def test_a_bad_file_is_explained(tmp_path: Path, toml: str, message: str) -> None:
    with pytest.raises(MerchantError, match=message) as caught:
        Settings.load(write(tmp_path, toml), {})
    assert "hush" not in str(caught.value)


def test_an_unreadable_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_bytes(b"name = '\xe4'")
    with pytest.raises(MerchantError, match="cannot be read"):
        Settings.load(tmp_path, {})


def test_an_unknown_variable_is_explained(tmp_path: Path) -> None:
    with pytest.raises(MerchantError, match="'prot' in the environment is no setting; did you mean 'port'"):
        Settings.load(tmp_path, {"SHOPWRIGHT_PROT": "80"})
    with pytest.raises(MerchantError, match="must be a table"):
        Settings.load(tmp_path, {"SHOPWRIGHT_RATES": "EUR=much"})
