"""Holds the shape of the project by reading its imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ALLOWED = {
    "retrieval": {"retrieval"},
    "assistant": {"retrieval", "assistant"},
    "finetune": {"retrieval", "assistant", "finetune"},
    "eval": {"retrieval", "assistant", "eval"},
    "ui": {"retrieval", "assistant", "finetune", "eval", "ui"},
}
HEAVY = {"torch", "transformers", "sentence_transformers", "chromadb", "gradio", "openai", "peft", "onnxruntime"}
MODULES = sorted(path for package in ALLOWED for path in (ROOT / package).rglob("*.py"))


def imports(path: Path, *, anywhere: bool) -> Iterator[tuple[str, int]]:
    """The modules a file imports and where; `anywhere` takes those inside functions too."""
    tree = ast.parse(path.read_text("utf-8"))
    nodes = list(ast.walk(tree)) if anywhere else list(_at_import(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield str(node.module), node.lineno


def _at_import(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes that run when the module is imported: not those of functions or of type checking."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        yield node
        yield from _at_import(node)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_run_one_way(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    for module, line in imports(path, anywhere=True):
        top = module.split(".")[0]
        if top in ALLOWED:
            assert top in ALLOWED[package], f"{path}:{line}: {package} must not import {module}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_answer_is_read_from_an_evaluation(path: Path) -> None:
    """Neither the product nor what tunes it names a file of the evaluation, shipped or the shop's own."""
    package = path.relative_to(ROOT).parts[0]
    if package == "eval":
        return
    read = [
        node.value
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    files = {file.name for file in (ROOT / "eval").rglob("*") if file.suffix in (".jsonl", ".toml", ".md")}
    assert [text for text in read if re.search(r"(?<![\w.])(eval|tests)/", text) or text in files] == []
    if package != "ui":  # whose command is called so
        assert "eval" not in read


def test_the_command_line_is_light() -> None:
    """What `ui.cli` brings with it when it is imported, followed through the project."""
    seen: set[str] = set()
    todo = ["ui.cli"]
    while todo:
        module = todo.pop()
        path = ROOT / (module.replace(".", "/") + ".py")
        if module in seen or not path.exists():
            continue
        seen.add(module)
        found = [name for name, _ in imports(path, anywhere=False)]
        assert not HEAVY & {name.split(".")[0] for name in found}, f"{module} imports {found}"
        todo += found


def test_everything_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {_name(requirement) for requirement in project["dependencies"]}
    installed = packages_distributions()
    missing = {}
    for path in MODULES:
        for module, line in imports(path, anywhere=True):
            top = module.split(".")[0]
            if top in ALLOWED or top in sys.stdlib_module_names:
                continue
            if not declared & {_name(name) for name in installed.get(top, [top])}:
                missing[top] = f"{path.relative_to(ROOT)}:{line}"
    assert missing == {}


def test_everything_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    pins = (ROOT / "constraints.txt").read_text("utf-8").split()
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+", pin) for pin in pins)
    assert sorted({_name(each) for each in wanted} - {_name(pin) for pin in pins}) == []


def _name(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement)[0]).lower()
