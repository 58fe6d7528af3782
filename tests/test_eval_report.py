"""The run of several suites, some of which fail, and what is written about it."""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
import toy

import retrieval.encoder
from assistant.config import Settings
from eval import report, run, suite
from eval.figures import Figure
from eval.run import Bar, Outcome, Run, bars_of, chosen, data_of, evaluate
from eval.suite import Confusion, Curves, Failure, Findings, Record, Unmeasured, World, records
from retrieval.errors import MerchantError, OperatorError
from ui import cli

HOSTILE = "<script>alert(1)</script>"


def good(world: World) -> Findings:
    """A suite that measures."""
    right = Figure.by("right", "mean", {"a": 1, "b": 0, "c": 1}, {"a": "en", "b": "zh", "c": "en"})
    slow = Figure("time", "p95", {"a": 12.5}, unit="ms", less=True)
    failures = (
        Failure("right", "b", "it was a little wrong", 0.2, (("shopper", "hi"),)),
        Failure("right", "c", f"it was very wrong {HOSTILE}", 0.9, (("shopper", HOSTILE), ("assistant", "no"))),
    )
    plots = (
        Confusion("kinds", ("x", "y"), ((3, 1), (0, 4))),
        Curves("over time", "ms", "share", {"one": ((0.0, 0.0), (1.0, 1.0))}),
    )
    return Findings((*right, slow), failures, plots, (f"measured on {len(world.products)} products",))


def nothing(world: World) -> Findings:
    raise Unmeasured("not judged: no judge")


def down(world: World) -> Findings:
    raise OperatorError("no server at http://127.0.0.1:1; start it")


def broken(world: World) -> Findings:
    raise MerchantError("judgments.jsonl, line 3: product is missing")


def faulty(world: World) -> Findings:
    raise ZeroDivisionError("by a fault of the suite")


@pytest.fixture
def suites(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def put(**found: Callable[[World], Findings]) -> None:
        for name, each in found.items():
            module = ModuleType(f"suite_{name}", f"Is it {name}?\n\nMore.")
            module.run = each  # type: ignore[attr-defined]
            monkeypatch.setitem(sys.modules, module.__name__, module)
        table = {name: f"suite_{name}" for name in found}
        for place in (suite, run):
            monkeypatch.setattr(place, "SUITES", table)
        monkeypatch.setattr(run, "bars_of", lambda shop: {})

    return put


@pytest.fixture(autouse=True)
def encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.conversation.open_encoder", lambda name: toy.HashingEncoder())
    monkeypatch.setattr(retrieval.encoder, "open_encoder", lambda name: toy.HashingEncoder())


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    with World.of(settings) as world:
        yield world


def test_a_suite_that_fails_leaves_the_others_running(
    suites: Callable[..., None], world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    suites(broken=broken, faulty=faulty, nothing=nothing, good=good)
    with world:
        done = evaluate(world, ["broken", "faulty", "nothing", "good"], {})
    assert [bool(outcome.findings.figures) for outcome in done.outcomes] == [False, False, False, True]
    assert done.outcomes[2].unmeasured == "not judged: no judge"
    assert "ZeroDivisionError" in capsys.readouterr().err
    said = report.table(done)
    assert "broken: ERROR: judgments.jsonl, line 3" in said
    assert "nothing: not judged" in said
    assert re.search(r"^good +right +0\.667 +– +3$", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("found", "bars", "status"),
    [
        ({"good": good}, {"right": Bar(at_least=0.6)}, 0),
        ({"good": good}, {"right": Bar(at_least=0.7)}, 3),
        ({"good": good}, {"time": Bar(at_most=12)}, 3),
        ({"good": good}, {"time": Bar(at_most=13)}, 0),
        ({"good": good, "nothing": nothing}, {}, 0),
        ({"good": good, "broken": broken}, {"right": Bar(at_least=0.7)}, 2),
        ({"good": good, "down": down, "broken": broken}, {}, 1),
        ({"good": good, "faulty": faulty}, {}, 1),
    ],
)
def test_the_exit_status(
    suites: Callable[..., None],
    world: World,
    found: dict[str, Callable[[World], Findings]],
    bars: dict[str, Bar],
    status: int,
) -> None:
    suites(**found)
    with world:
        assert evaluate(world, list(found), {"good": bars}).status == status


def test_a_small_run_misses_a_bar_only_beyond_doubt(suites: Callable[..., None], world: World) -> None:
    suites(good=good)
    with World.of(world.settings, small=True) as small:
        doubtful = evaluate(small, ["good"], {"good": {"right": Bar(at_least=0.9)}})  # .667, from 0 to 1
        strict = evaluate(small, ["good"], {"good": {"right": Bar(at_least=1)}})
        beyond = evaluate(small, ["good"], {"good": {"time": Bar(at_most=12)}})
    assert (doubtful.status, strict.status, beyond.status) == (0, 3, 3)


def test_the_page_is_whole_and_safe(suites: Callable[..., None], world: World, tmp_path: Path) -> None:
    suites(good=good)
    with world:
        page, data = report.write(evaluate(world, ["good"], {"good": {"right": Bar(at_least=0.7)}}), tmp_path)
    text = page.read_text("utf-8")
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert not re.search(r'(src|href)="(?!#|data:)', text)  # nothing is fetched from anywhere
    assert text.count("data:image/svg+xml") == 3  # groups of "right", the confusion, the curves
    links = set(re.findall(r'href="#([^"]+)"', text))
    assert {"good", "good-right", "good--failures", "about"} <= links
    assert links <= set(re.findall(r'id="([^"]+)"', text))
    assert text.index("very wrong") < text.index("a little wrong")  # the worst first
    assert "≥ 0.7 missed" in text
    assert re.findall(r'<a href="#good-+(right|failures)">([^<]+)</a>', text) == [
        ("failures", "2"),  # the summary
        ("right", "2"),
        ("right", "1"),  # en: only c
        ("right", "1"),  # zh: only b
        ("failures", "2 in the suite"),  # the time has no failures of its own
    ]
    record = json.loads(data.read_text("utf-8"))
    about = record["about"]
    assert about["shop"]["products"] == len(toy.PRODUCTS)
    assert about["models"]["encoder fingerprint"] == toy.HashingEncoder().fingerprint
    assert about["seed"] == 0
    assert about["packages"]["shopwright"]
    (right, *_) = record["suites"]["good"]["figures"]
    assert right["observations"] == {"a": 1, "b": 0, "c": 1}
    assert right["value"] == pytest.approx(2 / 3)
    assert len(right["interval"]) == 2
    assert right["passed"] is False
    assert record["suites"]["good"]["failures"][0]["transcript"] == [["shopper", HOSTILE], ["assistant", "no"]]


def _run(findings: Findings, error: Exception | None = None, **bars: Bar) -> Run:
    about = {
        "time": "now",
        "seed": 0,
        "small": True,
        "shop": {"name": "Toy", "products": 3, "index": {"format": 1, "made of": ["a", "b"]}},
        "models": {"replies": "template"},
    }
    return Run(about, (Outcome("good", "Is it good?", 1, findings, bars, error),))


def _drawings(text: str) -> list[str]:
    return [base64.b64decode(each).decode() for each in re.findall(r"svg\+xml;base64,([^\"]+)", text)]


def test_no_interval_is_given_of_what_tells_nothing() -> None:
    few = Figure("few", "mean", {"a": 0, "b": 1, "c": 0, "d": 1})
    alike = Figure("alike", "accuracy", {str(each): ("x", "x") for each in range(40)})
    enough = Figure("enough", "mean", {str(each): each % 2 for each in range(40)})
    assert [report.interval(each) for each in (few, alike)] == ["–", "–"]
    assert report.interval(enough) == "0.350 to 0.650"


def test_the_summary_says_what_became_of_a_suite() -> None:
    right = Figure("right", "mean", {str(each): each % 2 for each in range(40)})
    for run_, word in (
        (_run(Findings((right,)), right=Bar(at_least=0.4)), '"pass">pass'),
        (_run(Findings((right,)), right=Bar(at_least=0.6)), '"miss">missed'),
        (_run(Findings((right,)), other=Bar(at_least=0.6)), '"soft">not measured'),
        (_run(Findings(())), '"soft">not measured'),
        (_run(Findings(()), OperatorError("down")), '"miss">error'),
    ):
        text = report.html(run_)
        assert f"<td class={word}</td>" in text[: text.index("<h2")]
    assert "other has a bar and was not measured" in report.html(_run(Findings((right,)), other=Bar(at_least=0.6)))


def test_failures_of_a_rival_are_not_counted_as_its_own() -> None:
    seen = {"a": 1, "b": 0, "c": 0}
    figures = (
        Figure("right", "mean", seen),
        Figure("right", "mean", seen, "rival"),
        Figure("right", "mean", {"x": 0}, "z"),
    )
    failures = tuple(Failure("right", item, "wrong", 0.5) for item in "bcx")
    text = report.html(_run(Findings(figures, failures)))
    assert re.findall(r'<a href="#good-right">([^<]+)</a>', text) == ["2 of 3", "3 in all", "1"]


def test_a_plot_takes_any_label_and_costs_only_itself() -> None:
    right = Figure.by(
        "right", "mean", {"a": 1, "b": 0, "c": 1, "d": 0, "e": 1}, dict(zip("abcde", "xxyyz", strict=True))
    )
    many = tuple(map(str, range(14)))
    plots = (
        Confusion("prices", ("$5 \\frac{", "猫_$^"), ((5, 1), (0, 4))),
        Confusion("broken", ("x",), ((1,), (2, 3))),
        Confusion("many", many, tuple(tuple(77 * (x == y) for x in range(14)) for y in range(14))),
    )
    text = report.html(_run(Findings((*right,), plots=plots)))
    groups, prices, large = _drawings(text)
    assert ">y<" in groups
    assert ">z<" not in groups  # one item is no group
    assert ">0.0<" in groups
    assert ">1.0<" in groups
    assert "$5 \\frac{" in prices
    assert "猫_$^" in prices
    assert large.count(">77<") == 14
    assert re.search(r"broken</figcaption><p [^>]*>could not be drawn", text)


def test_long_and_broken_text_is_written(tmp_path: Path) -> None:
    failures = (Failure("right", "a", "half \ud83d", 0.1, (("shopper", "x" * 2_345),)),)
    figures = (Figure("right", "mean", {"a": 0}),)
    page, data = report.write(_run(Findings(figures, failures)), tmp_path)
    text = page.read_text("utf-8")
    assert "x" * 2_000 + "… (345 characters more)" in text
    assert "x" * 2_001 not in text
    assert "format 1, made of a, b" in text
    assert json.loads(data.read_text("utf-8"))["suites"]["good"]["failures"][0]["what"] == "half ?"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["report.html", "report.json"]


def test_an_earlier_report_outlives_one_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = _run(Findings((Figure("right", "mean", {"a": 0}),)))
    page, data = report.write(done, tmp_path)
    before = page.read_bytes(), data.read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr(report, "html", lambda run: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            report.write(done, tmp_path)

    def full(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("eval.report.os.replace", full)
    with pytest.raises(OperatorError, match="no space left"):
        report.write(done, tmp_path)
    assert (page.read_bytes(), data.read_bytes()) == before
    assert len(list(tmp_path.iterdir())) == 2


def test_two_runs_are_compared(suites: Callable[..., None], world: World, tmp_path: Path) -> None:
    def better(world: World) -> Findings:
        return Findings((Figure("right", "mean", {str(each): 1 for each in range(40)}),))

    def worse(world: World) -> Findings:
        return Findings((Figure("right", "mean", {str(each): each % 2 for each in range(40)}),))

    paths = []
    for name, each in (("one", worse), ("two", better)):
        (tmp_path / name).mkdir()
        suites(good=each)
        with World.of(world.settings, seed=len(paths)) as fresh:
            paths.append(report.write(evaluate(fresh, ["good"], {}), tmp_path / name)[1])
    said = report.changes(*paths)
    assert re.search(r"^good +right +0\.500 +1\.000 +\+0\.\d+ to \+0\.\d+ +40 +0\.000 +better$", said, re.MULTILINE)
    assert "good, right: better: 0, 2, 4, 6, 8 and 15 more" in said
    assert said.startswith("note: the two runs differ in seed: 0 and 1")


def test_what_a_later_run_lacks_is_named(suites: Callable[..., None], world: World, tmp_path: Path) -> None:
    def fewer(world: World) -> Findings:
        return Findings((Figure("right", "mean", {"a": 1, "b": 1}),))

    paths = []
    for name, found in (("one", {"good": good, "nothing": good}), ("two", {"good": fewer, "nothing": broken})):
        (tmp_path / name).mkdir()
        suites(**found)
        with World.of(world.settings) as fresh:
            paths.append(report.write(evaluate(fresh, list(found), {}), tmp_path / name)[1])
    said = report.changes(*paths)
    assert "gone: good: right, en, right, zh, time" in said
    assert "gone: nothing: right, right, en, right, zh, time (judgments.jsonl, line 3: product is missing)" in said


@pytest.mark.parametrize("text", ["{", "[]", '{"about": {}}', '{"about": {}, "suites": {"good": {"figures": [{}]}}}'])
def test_what_is_no_report_is_not_compared(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text, "utf-8")
    with pytest.raises(MerchantError, match=r"report\.json"):
        report.changes(path, path)


def test_suites_are_chosen_by_name() -> None:
    assert chosen(["dialogue", "search"], small=False) == ["search", "dialogue"]
    assert "latency" in chosen([], small=False)
    assert "latency" not in chosen([], small=True)
    assert chosen(["latency"], small=True) == ["latency"]
    with pytest.raises(MerchantError, match="no suite 'serach'; there are search, understanding"):
        chosen(["serach"], small=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[serach]\n", "no suite 'serach'"),
        ("[search]\nright = 0.5\n", "write { at_least"),
        ("[search]\nright = { above = 0.5 }\n", "write { at_least"),
        ('[search]\nright = { at_least = "much" }\n', "write a number"),
        ("[search", "cannot be read"),
    ],
)
def test_broken_thresholds(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "eval").mkdir()
    (tmp_path / "eval" / "thresholds.toml").write_text(text, "utf-8")
    with pytest.raises(MerchantError, match=message):
        bars_of(tmp_path)


def test_the_shipped_thresholds_are_sound(tmp_path: Path) -> None:
    assert bars_of(tmp_path)["grounding"]["ungrounded claims released"] == Bar(at_most=0)


def test_a_shop_brings_its_own_data(shop: Path, tmp_path: Path) -> None:
    assert data_of(shop) is None  # the toy is not the demo shop, whose data would be of unknown products
    own = toy.write(tmp_path / "own")
    (own / "eval").mkdir()
    assert data_of(own) == own / "eval"


@dataclass(frozen=True)
class Item:
    id: str
    count: int


def item(record: Record) -> Item:
    return Item(record.take("id", str), record.take("count", int, 1))


def test_lines_are_read_and_wrong_ones_named(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text('{"id": "a"}\n\n{"id": "b", "count": 3}\n', "utf-8")
    assert list(records([file], item)) == [Item("a", 1), Item("b", 3)]
    file.write_text(
        '{"id": "a"\n{"count": 1}\n{"id": "c", "count": true}\n{"id": "d", "cuont": 2}\n{"id": "e"}\n{"id": "e"}\n[]\n',
        "utf-8",
    )
    with pytest.raises(MerchantError) as raised:
        list(records([file], item))
    problems = str(raised.value).splitlines()
    for line, (problem, text) in enumerate(
        zip(
            problems,
            ["no JSON", "id is missing", "count is True; it must be a whole number", "nothing reads cuont"],
            strict=False,
        ),
        1,
    ):
        assert problem.startswith(f"{file}, line {line}: ")
        assert text in problem
    assert problems[4] == f"{file}, line 6: the id 'e' is taken by {file}, line 5"
    assert "line 7" in problems[5]


def test_an_empty_file_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "items.jsonl"
    file.write_text("\n", "utf-8")
    with pytest.raises(MerchantError, match=r"items\.jsonl: there is nothing in it"):
        list(records([file], item))


def test_a_small_run_takes_an_even_sample(settings: Settings) -> None:
    items = [f"{language}{number}" for language in ("en", "zh") for number in range(30)]
    with World.of(settings, small=True) as small, World.of(settings) as full:
        some = small.sample(items, 12, stratum=lambda each: each[:2])
        assert len([each for each in some if each.startswith("en")]) == len(some) / 2 == 6
        assert some == sorted(some, key=items.index) == small.sample(items, 12, stratum=lambda each: each[:2])
        assert full.sample(items, 12) == items


def test_conversations_of_a_run_are_kept_apart(world: World) -> None:
    with world:
        session = world.assistant.store.open_session("try")
        list(world.assistant.reply(session, "waterproof trail shoes"))
    assert not (world.settings.shop / "conversations.sqlite").exists()
    assert not world.folder.exists()


def test_the_command(
    suites: Callable[..., None], shop: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    suites(good=good)
    assert cli.main(["eval", "--shop", str(shop), "--report", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert "measured on 30 products" in said.out
    assert (tmp_path / "out" / "report.html").exists()
    report_json = str(tmp_path / "out" / "report.json")
    assert cli.main(["eval", "--compare", report_json, report_json]) == 0
    assert "no change beyond chance" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nonsense"], 2, "there is no suite 'nonsense'"),
        (["--judge-url", "http://127.0.0.1:1"], 2, "give both or neither"),
        (["--public", "nowhere"], 2, "--public nowhere is no folder"),
        (["--report", "/proc/nowhere"], 1, "no report can be written into /proc/nowhere"),
    ],
)
def test_bad_commands(
    suites: Callable[..., None],
    shop: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    suites(good=good)
    assert cli.main(["eval", "--shop", str(shop), *arguments]) == status
    assert message in capsys.readouterr().err
