"""What puts a reply plan into words: `Generator`, its four kinds, and the prompt that models are given.

A kind only yields steps: a piece of text, or nothing while it is busy. `Stream` does the rest, the same for all: stop,
time limits, and the account of what was generated.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
import queue
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from collections.abc import Generator as Steps
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, Self

from assistant import wording
from assistant.plan import ReplyPlan
from assistant.prompt import render_prompt
from retrieval import models
from retrieval.errors import OperatorError

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import DynamicCache

Finish = Literal["end", "length", "stopped", "timeout"]

_FINISH: dict[str, Finish] = {"stop": "end", "length": "length"}  # as the OpenAI API calls it
_TICK = 0.02  # seconds between two looks at `stop` while an endpoint is silent
_CHUNK = 64  # prompt tokens read between two looks at `stop`


@dataclass(frozen=True)
class Generation:
    """What a finished stream generated.

    Attributes:
        text: all its pieces.
        tokens: how many tokens the model took for it; pieces where the kind does not count tokens.
        seconds: from the call to the end.
        first: seconds from the call to the first piece; None where none came.
        finish: `end` where the model was done, `length` at the token limit, `stopped` where stop was set or the
            stream closed, `timeout` at the time limit.
    """

    text: str
    tokens: int
    seconds: float
    first: float | None
    finish: Finish


@dataclass(frozen=True)
class Limits:
    """How long a reply may take: seconds until its first piece, seconds in all, and tokens."""

    first: float = 10.0
    whole: float = 20.0
    tokens: int = 200


class Step(NamedTuple):
    """A bit of progress: text that is ready (often none), the tokens it took, and how the reply ended if it did."""

    text: str = ""
    tokens: int = 0
    finish: Finish | None = None


class Stream(Iterator[str]):
    """The pieces of a reply as they are generated, none of them empty; `generation` afterwards."""

    def __init__(self, steps: Steps[Step], stop: threading.Event, limits: Limits, name: str) -> None:
        self._steps, self._stop, self._limits, self._name = steps, stop, limits, name
        self._started = time.monotonic()
        self._text: list[str] = []
        self._tokens = 0
        self._first: float | None = None
        self._seconds: float | None = None
        self._finish: Finish = "stopped"

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        """The next piece.

        Raises:
            OperatorError: no piece came within the limit, or what generates them failed.
        """
        while self._seconds is None:
            if self._stop.is_set():
                self._end("stopped")
                break
            try:
                step = next(self._steps, Step(finish="end"))
            except BaseException:
                self._end("stopped")
                raise
            self._tokens += step.tokens
            piece = step.text if self._text else step.text.lstrip()
            if step.finish:
                self._end(step.finish)
            elif (late := self._elapsed()) > self._limits.whole or (
                not self._text and not piece and late > self._limits.first
            ):
                self._end("timeout")
                if not self._text and not piece:
                    raise OperatorError(
                        f"{self._name} gave no word within {late:.1f} s; check that it is up and not overloaded, "
                        'choose a smaller model, or set generator = "template"'
                    )
            elif self._stop.is_set():
                self._end("stopped")
                break
            if piece:
                if not self._text:
                    self._first = self._elapsed()
                self._text.append(piece)
                return piece
        raise StopIteration

    def close(self) -> None:
        """End the generation now; what the stream holds is released."""
        if self._seconds is None:
            self._end("stopped")

    @property
    def generation(self) -> Generation:
        """The account so far; final once the stream has ended."""
        seconds = self._elapsed() if self._seconds is None else self._seconds
        return Generation("".join(self._text), self._tokens, seconds, self._first, self._finish)

    def _elapsed(self) -> float:
        return time.monotonic() - self._started

    def _end(self, finish: Finish) -> None:
        self._finish = finish
        self._seconds = self._elapsed()
        self._steps.close()


class Generator(Protocol):
    """Puts a plan into words. One generator serves many streams, at once and from several threads."""

    name: str

    def stream(self, plan: ReplyPlan, stop: threading.Event) -> Stream:
        """The reply's words. Setting `stop`, or closing the stream, ends it within a token."""

    def close(self) -> None:
        """Release what the generator holds; it is not used again."""


class TemplateGenerator:
    """Fixed wordings, always right; the languages are `wording.languages()`. It needs no model and cannot hang."""

    name = "template"

    def stream(self, plan: ReplyPlan, stop: threading.Event) -> Stream:
        """The reply, a piece per point."""
        return Stream((Step(piece, 1) for piece in wording.word(plan)), stop, Limits(), self.name)

    def close(self) -> None:
        """Nothing is held."""


class ScriptedGenerator:
    """Plays given replies, for tests: in a script, text is a piece, a number a pause in seconds, an error is raised."""

    name = "scripted"

    def __init__(self, *scripts: Sequence[str | float | Exception], limits: Limits | None = None) -> None:
        self._scripts = itertools.cycle(scripts)
        self._limits = limits or Limits()

    def stream(self, plan: ReplyPlan, stop: threading.Event) -> Stream:
        """The next script; after the last, the first again."""
        return Stream(self._steps(next(self._scripts)), stop, self._limits, self.name)

    def close(self) -> None:
        """Nothing is held."""

    def _steps(self, script: Sequence[str | float | Exception]) -> Steps[Step]:
        for part in script:
            if isinstance(part, Exception):
                raise part
            if isinstance(part, str):
                yield Step(part, 1)
                continue
            until = time.monotonic() + part
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, _TICK))
                yield Step()


class TransformersGenerator:
    """A causal language model in this process.

    What every prompt of a language begins with is read once and kept as keys and values; a turn reads its plan only.

    Args:
        model: a built-in name, a folder or a hub name.
        adapter: folder of a peft adapter, merged into the weights; "" for none.
        examples: whether prompts begin with instructions and worked examples: yes for a model that is not tuned.
        temperature: 0 takes the likeliest token; above it, tokens are drawn, seeded by the plan.
        dtype: the name of the torch type to compute in.

    Raises:
        OperatorError: the model or the adapter cannot be loaded.
    """

    def __init__(
        self,
        model: str = "gemma-3-270m",
        adapter: str = "",
        *,
        examples: bool = True,
        temperature: float = 0.0,
        dtype: str = "bfloat16",
        limits: Limits | None = None,
    ) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        self.name = f"the model {model}" + (f" with {adapter}" if adapter else "")
        self._examples, self._temperature, self._limits = examples, temperature, limits or Limits()
        source = models.resolve(model)
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(source)
            # An adapter is merged in float32, so that rounding does not eat its small changes.
            loaded = torch.float32 if adapter else getattr(torch, dtype)
            network: Any = AutoModelForCausalLM.from_pretrained(source, dtype=loaded)
            if adapter:
                from peft import PeftModel

                network = PeftModel.from_pretrained(network, adapter).merge_and_unload()
        except (OSError, ValueError) as error:
            raise OperatorError(
                f"cannot load {self.name}: {error}; set model and adapter to folders that hold a causal language model "
                "and a peft adapter for it"
            ) from error
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._network: Any = network.to(self._device, getattr(torch, dtype)).eval()
        ends = network.generation_config.eos_token_id
        self._ends = {self._tokenizer.eos_token_id, *(ends if isinstance(ends, list) else [ends])}
        self._read: dict[str, DynamicCache] = {}
        self._reading = threading.Lock()

    def stream(self, plan: ReplyPlan, stop: threading.Event) -> Stream:
        """The reply, a piece per token; letters that take several tokens come whole."""
        return Stream(self._steps(plan), stop, self._limits, self.name)

    def warm(self, language: str) -> None:
        """Read the beginning of the prompts in `language` now, so that its first reply is as fast as the others."""
        self._beginning(render_prompt(ReplyPlan(language, ()), self._examples).prefix)

    def close(self) -> None:
        """Drop what was read."""
        self._read.clear()

    def _steps(self, plan: ReplyPlan) -> Steps[Step]:
        prompt = render_prompt(plan, self._examples)
        cache = self._beginning(prompt.prefix)
        tokens = self._tokens(prompt.plan)
        for start in range(0, len(tokens), _CHUNK):
            yield Step()
            scores = self._forward(tokens[start : start + _CHUNK], cache)
        letters = _Letters(self._tokenizer)
        choose = self._choice(plan.seed)
        for _ in range(self._limits.tokens):
            token = choose(scores)
            if token in self._ends:
                yield Step(letters.rest(), 1, "end")
                return
            text, line_end, _ = letters.add(token).partition("\n")
            if line_end:
                yield Step(text, 1, "end")
                return
            yield Step(text, 1)
            scores = self._forward([token], cache)
        yield Step(letters.rest(), 0, "length")

    def _beginning(self, prefix: str) -> DynamicCache:
        """Keys and values of `prefix`, for one reply to go on from."""
        import torch
        from transformers import DynamicCache

        with self._reading:
            if prefix not in self._read:
                cache = DynamicCache(config=self._network.config)
                first = [] if self._tokenizer.bos_token_id is None else [self._tokenizer.bos_token_id]
                if tokens := first + self._tokens(prefix):
                    self._forward(tokens, cache)
                self._read[prefix] = cache
            with torch.inference_mode():
                return copy.deepcopy(self._read[prefix])

    def _tokens(self, text: str) -> list[int]:
        tokens: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return tokens

    def _forward(self, tokens: list[int], cache: DynamicCache) -> Tensor:
        """Read `tokens` into `cache`; the scores of the next token, of shape (vocabulary,)."""
        import torch

        # Entered anew for each step: a generator that is suspended inside it would leave it on for its caller.
        with torch.inference_mode():
            ids = torch.tensor([tokens], device=self._device)
            scores: Tensor = self._network(ids, past_key_values=cache, use_cache=True, logits_to_keep=1).logits[0, -1]
        return scores.float()

    def _choice(self, seed: int) -> Callable[[Tensor], int]:
        import torch

        if self._temperature == 0:
            return lambda scores: int(scores.argmax())
        chance = torch.Generator().manual_seed(seed)
        return lambda scores: int(
            torch.multinomial((scores / self._temperature).softmax(-1).cpu(), 1, generator=chance)
        )


class _Letters:
    """Tokens to text, held back while the last letter is incomplete."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._tokens: list[int] = []
        self._context = 0  # tokens before this one have no influence on the text to come
        self._shown = 0

    def add(self, token: int) -> str:
        self._tokens.append(token)
        return "" if self._new().endswith("\ufffd") else self.rest()

    def rest(self) -> str:
        text = self._new()
        self._context, self._shown = self._shown, len(self._tokens)
        return text.replace("\ufffd", "")

    def _new(self) -> str:
        before, now = (
            self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
            for tokens in (self._tokens[self._context : self._shown], self._tokens[self._context :])
        )
        return str(now[len(before) :])


class EndpointGenerator:
    """Any server of the OpenAI HTTP API, as vLLM.

    Args:
        url: the API's base URL, as http://127.0.0.1:8000/v1.
        model: the model's name there.
        key: the API key, if the server wants one.
        api: `chat` for a model with a chat template; `completions` for one without, such as a tuned base model.
        examples: whether prompts begin with instructions and worked examples: yes for a model that is not tuned.
        temperature: 0 takes the likeliest token; above it, tokens are drawn, seeded by the plan.
    """

    def __init__(
        self,
        url: str,
        model: str,
        key: str = "",
        *,
        api: Literal["chat", "completions"] = "chat",
        examples: bool = True,
        temperature: float = 0.0,
        limits: Limits | None = None,
    ) -> None:
        from openai import AsyncOpenAI

        self.name = f"the endpoint {url} (model {model})"
        self._model, self._api, self._examples, self._temperature = model, api, examples, temperature
        self._limits = limits or Limits()
        # The server is read in a loop of its own, so that a stream can be cancelled while the server is silent.
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="endpoint", daemon=True)
        self._thread.start()
        self._client = AsyncOpenAI(base_url=url, api_key=key or "none", timeout=None, max_retries=0)

    def stream(self, plan: ReplyPlan, stop: threading.Event) -> Stream:
        """The reply, in pieces as the server sends them."""
        return Stream(self._steps(plan), stop, self._limits, self.name)

    def close(self) -> None:
        """End all streams and connections."""

        async def end() -> None:
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)
            await self._client.close()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _steps(self, plan: ReplyPlan) -> Steps[Step]:
        inbox: queue.SimpleQueue[Step | None] = queue.SimpleQueue()
        task = asyncio.run_coroutine_threadsafe(self._answer(plan, inbox.put), self._loop)
        try:
            while True:
                try:
                    step = inbox.get(timeout=_TICK)
                except queue.Empty:
                    yield Step()
                    continue
                if step is None:
                    break
                yield step
            task.result()
        except CancelledError:
            yield Step(finish="stopped")  # the generator was closed
        finally:
            task.cancel()

    async def _answer(self, plan: ReplyPlan, put: Callable[[Step | None], None]) -> None:
        import httpx2
        import openai

        finish = None
        try:
            async for step in self._chunks(plan):
                put(step)
                finish = finish or step.finish
            if finish is None:
                raise OperatorError(f"{self.name} broke off in the middle of a reply; see its log")
        except (openai.OpenAIError, httpx2.HTTPError) as error:
            raise OperatorError(
                f"{self.name} failed: {error}; check llm_url, llm_model and the key, and that the server is up"
            ) from error
        finally:
            put(None)

    async def _chunks(self, plan: ReplyPlan) -> AsyncIterator[Step]:
        prompt = render_prompt(plan, self._examples)
        options: Any = {
            "model": self._model,
            "stream": True,
            "temperature": self._temperature,
            "seed": plan.seed,
            "max_tokens": self._limits.tokens,
        }
        if self._api == "chat":
            options["messages"] = [{"role": "system", "content": prompt.prefix}] if prompt.prefix else []
            options["messages"].append({"role": "user", "content": prompt.plan})
            chunks: Any = await self._client.chat.completions.create(**options)
        else:
            chunks = await self._client.completions.create(prompt=prompt.text, stop=["\n"], **options)
        async with chunks:
            async for chunk in chunks:
                for choice in chunk.choices:
                    text = choice.delta.content if self._api == "chat" else choice.text
                    finish = _FINISH.get(choice.finish_reason)
                    yield Step(text or "", 1 if text else 0, finish)
