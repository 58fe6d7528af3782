from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import toy

from assistant.config import Settings
from assistant.conversation import Assistant
from assistant.dialogue import Done, Event, Status
from assistant.generate import EndpointGenerator, Limits, Step
from assistant.plan import ReplyPlan
from assistant.store import Store
from assistant.understand import Understander
from eval import latency
from eval.latency import Instruments, run
from eval.suite import Findings, World
from eval.turns import conversation, conversations, made
from retrieval.errors import MerchantError
from retrieval.search import Query, Search

WRITTEN = [
    {"id": "shoes", "language": "en", "turns": ["waterproof trail running shoes under $100", "anything cheaper?"]},
    {"id": "blocks", "language": "zh", "turns": ["积木", "第二个多少钱", "退货政策是什么"]},
]


@pytest.fixture
def world(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr("assistant.conversation.open_encoder", lambda name: toy.HashingEncoder())
    monkeypatch.setattr(latency, "_SOME", 3)
    written = tmp_path / "written"
    written.mkdir()
    (written / "turns.jsonl").write_text("".join(json.dumps(each) + "\n" for each in WRITTEN), "utf-8")
    with World.of(settings, written=written, small=True) as world:
        yield world


def values(findings: Findings) -> dict[str, float]:
    return {figure.label: figure.value for figure in findings.figures}


# The suite


def test_a_run(world: World) -> None:
    findings = run(world)
    figures = {figure.label: figure for figure in findings.figures}
    for name in ("first products", "first text", "whole turn"):
        for share in ("p50", "p95", "p99"):
            for group in ("1 shopper", "4 shoppers"):
                figure = figures[f"{name} {share}, {group}"]
                assert (figure.statistic, figure.unit, figure.less) == (share, "ms", True)
    assert figures["real replies, 1 shopper"].value == figures["real replies, 4 shoppers"].value == 1
    turns = set(figures["real replies, 1 shopper"].observations)
    assert len(turns) == 2 + 3 + 10  # two written conversations and a made one
    assert {"shoes-01", "shoes-02", "blocks-03", "made-01-10"} <= turns
    for label in ("real replies, 4 shoppers", "whole turn p95, 4 shoppers", "search alone p95", "hop mean, search"):
        assert set(figures[label].observations) == turns
    shown = set(figures["first products p50, 1 shopper"].observations)
    assert "shoes-01" in shown
    assert "blocks-03" not in shown  # which asks for the returns policy
    assert not [label for label in figures if label.startswith("model alone") or "checking" in label]
    assert {plot.title for plot in findings.plots} == {"first products", "first text", "whole turn"}
    assert findings.plots[0].points.keys() == {"1 shopper", "4 shoppers"}  # type: ignore[union-attr]
    assert any("no model speaks" in note for note in findings.notes)
    assert [failure.severity for failure in findings.failures] == [0.1] * 10  # the slowest five of each level
    assert all(failure.transcript[0][0] == "shopper" for failure in findings.failures)


def test_the_hops_are_all_of_a_turn(world: World) -> None:
    figures = {figure.label: figure for figure in run(world).figures}
    hops = [figure for label, figure in figures.items() if label.startswith("hop mean")]
    assert {"understanding", "encoding", "search", "storing", "wording", "deciding"} == {hop.group for hop in hops}
    for turn, whole in figures["whole turn p50, 1 shopper"].observations.items():
        # Both begin with the message, and the turn is over a little after its last event.
        assert sum(float(hop.observations[turn]) for hop in hops) >= float(whole)  # type: ignore[arg-type]


def test_a_turn_that_fails_is_no_fast_turn(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Assistant.reply

    def reply(self: Assistant, session: str, text: str) -> Iterator[Event]:
        if text == "anything cheaper?":
            raise RuntimeError("dictionary changed size during iteration")
        if text == "积木":
            return iter([Done(1, Status.COMPLETE, "zh")])
        return real(self, session, text)

    talks = conversations(world, 2)
    monkeypatch.setattr(latency, "conversations", lambda world, count: talks)
    monkeypatch.setattr(Assistant, "reply", reply)
    findings = run(world)
    assert values(findings)["real replies, 4 shoppers"] == pytest.approx(3 / 5)
    timed = next(figure for figure in findings.figures if figure.label == "whole turn p95, 4 shoppers")
    assert set(timed.observations) == {"shoes-01", "blocks-02", "blocks-03"}
    broken, silent = [each for each in findings.failures if each.severity > 0.5 and "4 shoppers" in each.what]
    assert (broken.item, silent.item) == ("shoes-02", "blocks-01")
    assert "RuntimeError: dictionary changed" in broken.what
    assert [speaker for speaker, _ in broken.transcript][-2:] == ["shopper", "error"]
    assert broken.transcript[0] == ("shopper", "waterproof trail running shoes under $100")
    assert "no words" in silent.what


def test_a_level_ends_when_its_time_is_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "_SECONDS", 0.0)
    findings = run(world)
    assert {label.split(" p")[0] for label in values(findings)} == {"search alone"}
    assert any("15 of 15 turns were left out" in note for note in findings.notes)


class Played(EndpointGenerator):
    """Says two pieces, whatever the plan."""

    closed = 0

    def __init__(self) -> None:
        self.name = "played"
        self._limits = Limits()

    def _steps(self, plan: ReplyPlan) -> Iterator[Step]:  # type: ignore[override]
        yield Step("Hello. ", 1)
        yield Step("Bye.", 1)

    def close(self) -> None:
        Played.closed += 1


def test_a_model_is_measured_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.conversation._generator", lambda settings: Played())
    findings = run(world)
    figures = {figure.label: figure for figure in findings.figures}
    assert set(figures["model alone, first text p50"].observations) == set(
        figures["whole turn p50, 1 shopper"].observations
    )
    assert figures["model alone, whole text p95"].value >= figures["model alone, first text p95"].value
    assert "hop mean, checking" in figures
    assert any("a second time" in note for note in findings.notes)
    assert Played.closed == 2  # one for each level


# Instruments


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that only its `pass_` moves; in seconds."""
    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)
    clock.pass_ = lambda seconds: setattr(clock, "now", clock.now + seconds)
    monkeypatch.setattr(latency, "time", clock)
    return clock


def test_a_hop_within_a_hop_counts_once(
    assistant: Assistant, clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def understand(self: Understander, text: str) -> None:
        clock.pass_(1)
        assistant.shelf.search.encoder.queries([text])
        clock.pass_(2)

    monkeypatch.setattr(Understander, "__call__", understand)
    monkeypatch.setattr(toy.HashingEncoder, "queries", lambda self, texts: clock.pass_(4))
    monkeypatch.setattr(Store, "replay", lambda self, session: clock.pass_(8))
    understander = object.__new__(Understander)
    with Instruments(assistant) as instruments:
        with instruments.turn() as seen:
            clock.pass_(16)
            understander("a kettle")  # type: ignore[call-arg]
            assistant.store.replay("s")
        clock.pass_(32)
        assistant.store.replay("s")
    spent = {hop: took for hop, took in seen.spent.items() if took}
    assert spent == {"deciding": 16_000, "understanding": 3_000, "encoding": 4_000, "storing": 8_000}


def test_turns_of_several_threads_are_kept_apart(assistant: Assistant) -> None:
    met, seen = threading.Barrier(2), {}

    def shopper(name: str) -> None:
        with instruments.turn() as own:
            met.wait()
            assistant.store.replay(name) if name == "storing" else assistant.shelf.search.search(Query("kettle"))
            met.wait()
        seen[name] = {hop for hop, took in own.spent.items() if took}

    with Instruments(assistant) as instruments:
        threads = [threading.Thread(target=shopper, args=(name,)) for name in ("storing", "search")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == {"storing": {"storing", "deciding"}, "search": {"search", "encoding", "deciding"}}


def test_everything_is_put_back(assistant: Assistant) -> None:
    before = dict(vars(Search)), dict(vars(Store)), dict(vars(Understander)), vars(EndpointGenerator)["stream"]

    def fail() -> None:
        with Instruments(assistant):
            assert vars(Search)["search"] is not before[0]["search"]
            raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        fail()
    assert (dict(vars(Search)), dict(vars(Store)), dict(vars(Understander))) == before[:3]
    assert vars(EndpointGenerator)["stream"] is before[3]


# Turns


def test_written_conversations_come_before_made_ones(world: World) -> None:
    assert [each.id for each in conversations(world, 4)] == ["shoes", "blocks", "made-01", "made-02"]
    assert [each.id for each in conversations(world, 1)] == ["shoes"]
    bare = replace(world, written=None)
    assert [each.id for each in conversations(bare, 2)] == ["made-01", "made-02"]


def test_made_conversations_are_about_the_catalogue(world: World) -> None:
    kinds = {product.kind.lower() for product in toy.PRODUCTS}
    chinese = {"越野跑鞋", "雨靴", "凉鞋", "电热水壶", "平底锅", "积木", "拼图", "背包", "羊毛毯"}
    many = [made(world, place) for place in range(12)]
    for each in many:
        assert len(each.messages) == 10
        assert any(word in each.messages[0] for word in (chinese if each.language == "zh" else kinds))
        assert "USD" in each.messages[0]
        assert not any("{" in message for message in each.messages)
    assert [each.language for each in many].count("zh") == 4
    assert len({each.messages for each in many}) == 12
    assert many == [made(world, place) for place in range(12)]
    assert many[0].messages != made(replace(world, seed=1), 0).messages


def test_a_catalogue_of_bare_products_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = [toy.product(f"p{place}", f"Thing {place}", (), "5.00") for place in range(3)]
    toy.search(tmp_path, plain)
    monkeypatch.setattr("assistant.conversation.open_encoder", lambda name: toy.HashingEncoder())
    with World.of(Settings.load(tmp_path, {"SHOPWRIGHT_GENERATOR": "template"})) as world:
        assert "Thing" in made(world, 0).messages[0]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('{"id": "a", "language": "en"}', "line 2: turns is missing"),
        ('{"id": "a", "language": "en", "turns": []}', "line 2: turns is \\[\\]; it must be a list of messages"),
        ('{"id": "a", "language": "en", "turns": ["hi", 3]}', "line 2: turns is .*3"),
        ('{"id": "shoes", "language": "en", "turns": ["hi"]}', "line 2: the id 'shoes' is taken by .* line 1"),
    ],
)
def test_a_malformed_conversation_is_named(world: World, line: str, wrong: str) -> None:
    assert world.written
    (world.written / "turns.jsonl").write_text(f"{json.dumps(WRITTEN[0])}\n{line}\n", "utf-8")
    with pytest.raises(MerchantError, match=wrong):
        world.read("turns", conversation)
    with pytest.raises(MerchantError, match=wrong):
        run(world)
