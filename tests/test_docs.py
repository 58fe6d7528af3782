"""The README tells the truth: what it names exists, and what exists is in it."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.config import SETTINGS, Settings
from ui import cli

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
OUTSIDE = {"git", "cd", "export", "psql", "apt-get", "pip", "curl", "cat", "python", "python3", "python3.11"}


def _verbs() -> dict[str, argparse.ArgumentParser]:
    actions = cli._parser()._actions
    return dict(next(action.choices for action in actions if isinstance(action, argparse._SubParsersAction)))


def _options() -> Iterator[tuple[str, str]]:
    for verb, parser in _verbs().items():
        for action in parser._actions:
            yield from ((verb, option) for option in action.option_strings if option.startswith("--"))


def _blocks() -> Iterator[tuple[str, str]]:
    """The fenced blocks of the README with their languages."""
    yield from re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def _commands() -> Iterator[list[str]]:
    """The commands of the README's shell blocks, in words and without what they are piped into."""
    for language, block in _blocks():
        if language in ("sh", "bash", "console"):
            for line in block.replace("\\\n", " ").splitlines():
                lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&>;")
                lexer.whitespace_split = True
                command: list[str] = []
                piped = False
                for word in [*lexer, ";"]:
                    if set(word) <= set("|&>;"):
                        if command and not piped:
                            yield command
                        command, piped = [], word in ("|", ">", ">>")
                    else:
                        command.append(word)


COMMANDS = list(_commands())


def test_the_readme_has_commands() -> None:
    assert any(words[0] == "make" for words in COMMANDS)
    assert any("shopwright" in words[0] for words in COMMANDS)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_command_exists(words: list[str]) -> None:
    while re.fullmatch(r"[A-Z_]+=.*", words[0]):
        name = words.pop(0).split("=")[0]
        assert name.removeprefix("SHOPWRIGHT_").lower() in (*SETTINGS, "cache", "screenshot", "shop", "python")
    program, *arguments = words
    if program.split("/")[-1] == "shopwright":
        cli._parser().parse_args(arguments)
    elif program == "make":
        targets = {argument for argument in arguments if "=" not in argument}
        assert targets <= TARGETS
    elif program.startswith((".ci/", "./")):
        assert (ROOT / program).exists()
    else:
        assert program in OUTSIDE


@pytest.mark.parametrize("verb", _verbs())
def test_every_verb_is_described(verb: str) -> None:
    assert f"shopwright {verb}" in README


@pytest.mark.parametrize(("verb", "option"), sorted(set(_options()) - {(verb, "--help") for verb in _verbs()}))
def test_every_option_is_described(verb: str, option: str) -> None:
    assert re.search(rf"{re.escape(option)}\b", README), f"{option} of {verb} is not in README.md"


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_described(name: str) -> None:
    assert f"`{name}`" in README
    assert name in Settings.__doc__.split("Attributes:")[1]  # type: ignore[union-attr]


@pytest.mark.parametrize("target", sorted(TARGETS))
def test_every_make_target_is_described(target: str) -> None:
    assert f"make {target}" in README
    assert f".PHONY:{''.join(f' {each}' for each in re.findall(r'^([a-z-]+):', MAKEFILE, re.MULTILINE))}" in MAKEFILE


def test_every_file_named_exists() -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_tree_shows_every_module() -> None:
    shown = "\n".join(block for _, block in _blocks())
    missing = [
        f"{package}/{path.name}"
        for package in ("retrieval", "assistant", "ui")
        for path in (ROOT / package).glob("*.py")
        if path.name != "__init__.py" and not re.search(rf"\b{path.stem}\.py", shown)
    ]
    assert missing == []
