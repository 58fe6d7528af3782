"""One contract for every generator: each says the same words here, and is stopped, closed, reused and shared."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from assistant.generate import (
    EndpointGenerator,
    Generator,
    Limits,
    ScriptedGenerator,
    Stream,
    TemplateGenerator,
    TransformersGenerator,
)
from assistant.plan import Point, PointKind, ReplyPlan
from retrieval.errors import OperatorError

PLAN = ReplyPlan(
    "zh",
    (
        Point(PointKind.FOUND, {"n": "3", "count": "三", "what": "跑鞋"}),
        Point(PointKind.CHEAPEST, {"name": "Brook", "price": "¥420"}),
        Point(PointKind.NO_MORE),
        Point(PointKind.THANKS),
    ),
)
# Every UTF-8 byte of it is different, so that a table of which byte follows which can say it.
WORDS = "鞋ok é猫!"
LIMITS = Limits(first=20, whole=30)


def say(generator: Generator, plan: ReplyPlan = PLAN) -> Stream:
    return generator.stream(plan, threading.Event())


# Models of a few kilobytes, made here


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """For so small a model, several threads cost more than they save."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tiny_tokenizer(folder: Path) -> None:
    """A token for each byte: a Chinese character takes three."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({letter: place for place, letter in enumerate(letters)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<bos>", "<eos>"])
    fast: Any = PreTrainedTokenizerFast
    fast(tokenizer_object=tokenizer, bos_token="<bos>", eos_token="<eos>").save_pretrained(folder)


@pytest.fixture(scope="session")
def parrot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model, but for attention and layers silenced and an output that maps each byte to the next of WORDS."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("parrot")
    tiny_tokenizer(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    size = len(tokenizer)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=size,
        hidden_size=size + -size % 4,
        intermediate_size=8,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    model: Any = LlamaForCausalLM(config)
    said = tokenizer(WORDS)["input_ids"]
    assert len(set(said)) == len(said)
    with torch.no_grad():
        model.model.embed_tokens.weight.copy_(torch.eye(size, config.hidden_size))
        model.lm_head.weight.zero_()
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        chain = [tokenizer(":")["input_ids"][0], *said, tokenizer.eos_token_id]
        for before, after in pairwise(chain):
            model.lm_head.weight[after, before] = 1.0
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def babbler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random model of Gemma's kind, with a sliding window shorter than a prompt."""
    import torch
    from transformers import AutoTokenizer, Gemma3ForCausalLM, Gemma3TextConfig

    folder = tmp_path_factory.mktemp("babbler")
    tiny_tokenizer(folder)
    tokenizer: Any = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(1)
    config = Gemma3TextConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=16,
        sliding_window=24,
        layer_types=["sliding_attention", "full_attention", "sliding_attention"],
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.eos_token_id,
    )
    Gemma3ForCausalLM(config).save_pretrained(folder)
    return folder


# A server of the OpenAI API, which does what the model's name says


class Handler(BaseHTTPRequestHandler):
    requests: list[dict[str, Any]]
    gone: threading.Event

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.requests.append({"path": self.path, "key": self.headers["Authorization"], **asked})
        kind = asked["model"]
        if kind in ("401", "404", "500"):
            self.send_error(int(kind))
            return
        if kind == "silent":
            self.wait()
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        chat = "chat" in self.path
        try:
            for letter in WORDS:
                self.chunk({"delta": {"content": letter}} if chat else {"text": letter}, None)
                if kind == "cut":
                    return
                if kind == "stuck":
                    self.wait()
                    return
                time.sleep(0.02 if kind == "slow" else 0.001)
            self.chunk({"delta": {}} if chat else {"text": ""}, "length" if kind == "long" else "stop")
            self.wfile.write(b"data: [DONE]\n\n")
        except (BrokenPipeError, ConnectionResetError):
            self.gone.set()

    def chunk(self, choice: dict[str, Any], finish: str | None) -> None:
        body = {"id": "1", "object": "x", "created": 1, "model": "m"}
        body["choices"] = [{"index": 0, "finish_reason": finish, **choice}]
        line = f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()
        cut = next((place for place, byte in enumerate(line) if byte > 127), 5) + 1  # within a letter, where it can be
        for part in (line[:cut], line[cut:]):
            self.wfile.write(part)
            self.wfile.flush()

    def wait(self) -> None:
        """Until the other side hangs up."""
        self.connection.settimeout(5)
        if self.connection.recv(1) == b"":
            self.gone.set()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    handler = type("FreshHandler", (Handler,), {"requests": [], "gone": threading.Event()})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}/v1", handler
        http.shutdown()
        thread.join()


@pytest.fixture(params=["template", "scripted", "transformers", "chat", "completions"])
def generator(request: pytest.FixtureRequest, server: tuple[str, type[Handler]]) -> Iterator[Generator]:
    made: dict[str, Callable[[], Generator]] = {
        "template": TemplateGenerator,
        "scripted": lambda: ScriptedGenerator([*WORDS], limits=LIMITS),
        "transformers": lambda: TransformersGenerator(
            str(request.getfixturevalue("parrot")), examples=False, limits=LIMITS
        ),
        "chat": lambda: EndpointGenerator(server[0], "slow", limits=LIMITS),
        "completions": lambda: EndpointGenerator(server[0], "slow", api="completions", limits=LIMITS),
    }
    generator = made[request.param]()
    yield generator
    generator.close()


# The contract


def test_streams_the_reply_in_pieces_and_accounts_for_it(generator: Generator) -> None:
    stream = say(generator)
    pieces = list(stream)
    text = "".join(pieces)
    assert all(isinstance(piece, str) and piece for piece in pieces)
    assert len(pieces) >= 3
    assert "\ufffd" not in text
    assert "三" in text if isinstance(generator, TemplateGenerator) else text == WORDS
    made = stream.generation
    assert (made.text, made.finish) == (text, "end")
    assert made.tokens >= len(pieces)
    assert made.first is not None
    assert 0 <= made.first <= made.seconds
    assert list(stream) == []
    assert stream.generation == made


def test_stop_ends_it_within_a_piece(generator: Generator) -> None:
    stop = threading.Event()
    stream = generator.stream(PLAN, stop)
    first = next(stream)
    stop.set()
    assert list(stream) == []
    assert stream.generation.finish == "stopped"
    assert stream.generation.text == first
    assert stream.generation.seconds < 5


def test_stop_before_the_start(generator: Generator) -> None:
    stop = threading.Event()
    stop.set()
    stream = generator.stream(PLAN, stop)
    assert list(stream) == []
    assert stream.generation.finish == "stopped"


def test_closing_ends_it(generator: Generator) -> None:
    stream = say(generator)
    next(stream)
    stream.close()
    stream.close()
    assert list(stream) == []
    assert stream.generation.finish == "stopped"


def test_can_be_used_again(generator: Generator) -> None:
    first = "".join(say(generator))
    abandoned = say(generator)
    next(abandoned)
    abandoned.close()
    assert "".join(say(generator)) == first


def test_two_streams_in_turn(generator: Generator) -> None:
    alone = "".join(say(generator))
    one, other = say(generator), say(generator)
    heard = ["", ""]
    for pieces in zip(one, other, strict=True):
        heard = [before + piece for before, piece in zip(heard, pieces, strict=True)]
    assert heard == [alone, alone]


def test_two_streams_at_once(generator: Generator) -> None:
    alone = "".join(say(generator))
    heard: list[str] = []
    threads = [threading.Thread(target=lambda: heard.append("".join(say(generator)))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == [alone] * 3


# Time limits, the same for all kinds


def test_no_word_within_the_limit() -> None:
    generator = ScriptedGenerator([30.0, "late"], limits=Limits(first=0.1, whole=20))
    started = time.monotonic()
    with pytest.raises(OperatorError, match=r"scripted gave no word within 0\.\d s; .*template"):
        list(say(generator))
    assert time.monotonic() - started < 2


def test_too_long_in_all_keeps_what_was_said() -> None:
    stream = say(ScriptedGenerator(["one ", 30.0, "two"], limits=Limits(first=1, whole=0.2)))
    assert list(stream) == ["one "]
    assert stream.generation.finish == "timeout"


def test_a_failure_ends_the_stream() -> None:
    stream = say(ScriptedGenerator(["one ", OperatorError("broken")]))
    assert next(stream) == "one "
    with pytest.raises(OperatorError, match="broken"):
        next(stream)
    assert list(stream) == []


def test_white_space_before_the_words_is_dropped() -> None:
    assert list(say(ScriptedGenerator(["\n", " ", " a", " b"]))) == ["a", " b"]


def test_scripts_are_played_in_turn() -> None:
    generator = ScriptedGenerator(["a"], ["b"])
    assert ["".join(say(generator)) for _ in range(3)] == ["a", "b", "a"]


# Transformers


def test_kept_beginning_changes_nothing(babbler: Path) -> None:
    """What a model says after a prompt is the same whether its beginning was read before or with it."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from assistant.prompt import render_prompt

    generator = TransformersGenerator(str(babbler), dtype="float32", limits=Limits(60, 60, 30))
    generator.warm("zh")
    tokenizer: Any = AutoTokenizer.from_pretrained(babbler)
    model: Any = AutoModelForCausalLM.from_pretrained(babbler, dtype=torch.float32)
    prompt = render_prompt(PLAN)
    ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(prompt.prefix + prompt.plan)["input_ids"]]])
    with torch.inference_mode():
        said = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=30, do_sample=False)
    expected = tokenizer.decode(said[0, ids.shape[1] :], skip_special_tokens=True).lstrip().split("\n")[0]
    for _ in range(2):
        stream = say(generator)
        assert "".join(stream) == expected.replace("\ufffd", "")
    assert stream.generation.finish in ("end", "length")
    assert not torch.is_inference_mode_enabled()


def test_temperature_is_seeded_by_the_plan(babbler: Path) -> None:
    generator = TransformersGenerator(
        str(babbler), examples=False, temperature=1.0, dtype="float32", limits=Limits(60, 60, 40)
    )
    plans = [ReplyPlan("en", PLAN.points, seed=seed) for seed in (1, 1, 2, 3)]
    first, again, *others = ("".join(say(generator, plan)) for plan in plans)
    assert first == again
    assert any(other != first for other in others)


def test_length_limit(babbler: Path) -> None:
    generator = TransformersGenerator(
        str(babbler), examples=False, temperature=1.0, dtype="float32", limits=Limits(60, 60, 5)
    )
    finishes = set()
    for seed in range(4):
        stream = say(generator, ReplyPlan("en", PLAN.points, seed=seed))
        list(stream)
        finishes.add(stream.generation.finish)
        assert stream.generation.tokens <= 5
    assert "length" in finishes


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # peft asks transformers by an old name
def test_adapter_is_applied(parrot: Path, tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model: Any = AutoModelForCausalLM.from_pretrained(parrot)
    tuned: Any = get_peft_model(model, LoraConfig(r=2, target_modules=["o_proj"], init_lora_weights=True))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora" in name:
                weight.fill_(5.0)
    tuned.save_pretrained(tmp_path / "adapter")
    with_it = TransformersGenerator(str(parrot), str(tmp_path / "adapter"), examples=False, limits=Limits(60, 60, 20))
    assert "".join(say(with_it)) != WORDS


def test_model_that_cannot_be_loaded(tmp_path: Path, parrot: Path) -> None:
    with pytest.raises(OperatorError, match="cannot load the model"):
        TransformersGenerator(str(tmp_path))
    with pytest.raises(OperatorError, match="adapter"):
        TransformersGenerator(str(parrot), str(tmp_path / "none"))


# Endpoints


def test_request(server: tuple[str, type[Handler]]) -> None:
    url, handler = server
    for api in ("chat", "completions"):
        generator = EndpointGenerator(url, "m", "secret", api=api, limits=Limits(tokens=77))
        assert "".join(say(generator)) == WORDS
        generator.close()
    chat, completions = handler.requests
    assert chat["path"].endswith("/chat/completions")
    assert [message["role"] for message in chat["messages"]] == ["system", "user"]
    assert chat["messages"][1]["content"].endswith("reply:")
    assert chat["key"] == "Bearer secret"
    assert (chat["max_tokens"], chat["temperature"], chat["stream"]) == (77, 0.0, True)
    assert completions["prompt"].endswith("reply:")
    assert completions["stop"] == ["\n"]


def test_finish_by_length(server: tuple[str, type[Handler]]) -> None:
    generator = EndpointGenerator(server[0], "long")
    stream = say(generator)
    list(stream)
    assert stream.generation.finish == "length"
    generator.close()


@pytest.mark.parametrize("kind", ["401", "404", "500", "cut"])
def test_server_that_fails(server: tuple[str, type[Handler]], kind: str) -> None:
    generator = EndpointGenerator(server[0], kind, limits=LIMITS)
    with pytest.raises(OperatorError, match=rf"{server[0]} \(model {kind}\)"):
        list(say(generator))
    generator.close()


def test_no_server() -> None:
    generator = EndpointGenerator("http://127.0.0.1:9/v1", "m", limits=LIMITS)
    with pytest.raises(OperatorError, match=r"http://127\.0\.0\.1:9/v1.*llm_url"):
        list(say(generator))
    generator.close()


@pytest.mark.parametrize("kind", ["silent", "stuck"])
def test_server_that_hangs_is_left_in_time(server: tuple[str, type[Handler]], kind: str) -> None:
    url, handler = server
    generator = EndpointGenerator(url, kind, limits=Limits(first=0.4, whole=0.8))
    stream = say(generator)
    started = time.monotonic()
    if kind == "silent":
        with pytest.raises(OperatorError, match=rf"{url}.*no word"):
            list(stream)
    else:
        assert list(stream) == [WORDS[0]]
        assert stream.generation.finish == "timeout"
    assert time.monotonic() - started < 5
    assert handler.gone.wait(5)
    generator.close()


def test_stop_hangs_up_on_a_silent_server(server: tuple[str, type[Handler]]) -> None:
    url, handler = server
    generator = EndpointGenerator(url, "silent", limits=LIMITS)
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    started = time.monotonic()
    assert list(generator.stream(PLAN, stop)) == []
    assert time.monotonic() - started < 2
    assert handler.gone.wait(5)
    generator.close()


def test_closing_the_generator_ends_its_streams(server: tuple[str, type[Handler]]) -> None:
    url, handler = server
    before = threading.active_count()
    generator = EndpointGenerator(url, "stuck", limits=LIMITS)
    stream = say(generator)
    assert next(stream) == WORDS[0]
    generator.close()
    assert handler.gone.wait(5)
    assert list(stream) == []
    assert stream.generation.finish == "stopped"
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before


@pytest.mark.models
def test_real_model_puts_a_plan_into_words() -> None:
    generator = TransformersGenerator(limits=Limits(120, 120, 60))
    generator.warm("en")
    stream = say(generator, ReplyPlan("en", (Point(PointKind.YES, {"name": "Brook", "claim": "machine washable"}),)))
    assert "Brook" in "".join(stream)
    assert stream.generation.finish == "end"
