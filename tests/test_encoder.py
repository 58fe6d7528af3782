import json
import logging
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from retrieval import encoder, models
from retrieval.encoder import open_encoder
from retrieval.errors import OperatorError

WORDS = ["waterproof", "trail", "shoes", "blue", "lamp", "for", "kids", "防水", "鞋", "儿童", "a", "100"]


def save_model(folder, pooling="mean", prompts=None, seed=0):
    """A tiny random BERT with a dense layer on top, as SentenceTransformer.save writes it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Normalize, Transformer
    from sentence_transformers.sentence_transformer.modules import Pooling
    from tokenizers import Tokenizer, pre_tokenizers, processors
    from tokenizers.models import WordLevel
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    torch.manual_seed(seed)
    pieces = ["<pad>", "<s>", "</s>", "<unk>", "query", "passage", ":", *WORDS]
    tokenizer = Tokenizer(WordLevel({piece: number for number, piece in enumerate(pieces)}, "<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", None, [("<s>", 1), ("</s>", 2)])
    bert = folder / "bert"
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, pad_token="<pad>", unk_token="<unk>").save_pretrained(bert)
    config = BertConfig(
        vocab_size=len(pieces),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=48,
        initializer_range=0.5,
    )
    BertModel(config).save_pretrained(bert)
    modules = [Transformer(str(bert), max_seq_length=40), Pooling(32, pooling), Dense(32, 16), Normalize()]
    SentenceTransformer(modules=modules, prompts=prompts).save(str(folder / "model"), create_model_card=False)
    return folder / "model"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_model(tmp_path_factory.mktemp("made"), prompts={"query": "query: ", "document": "passage: "})


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        path = tmp_path_factory.mktemp("cache")
        patch.setenv("SHOPWRIGHT_CACHE", str(path))
        yield path


@pytest.fixture(scope="module")
def toy(folder, cache):
    return open_encoder(str(folder))


class TestExported:
    TEXTS = ("waterproof trail shoes", "防水 鞋", "", " a blue lamp for kids " * 30, "lamp", "<s> 100 \0\n")

    def test_it_gives_the_vectors_of_sentence_transformers(self, folder, toy):
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(str(folder), device="cpu")
        assert isinstance(toy, encoder._Exported)
        assert toy.dimensions == 16
        for vectors, prompt in ((toy.queries(self.TEXTS), "query: "), (toy.passages(self.TEXTS), "passage: ")):
            assert vectors.dtype == np.float32
            truth = model.encode(list(self.TEXTS), prompt=prompt)
            assert (vectors * truth).sum(axis=1) == pytest.approx(1, abs=5e-3)

    def test_any_pooling(self, tmp_path, cache):
        from sentence_transformers import SentenceTransformer

        for pooling in ("cls", "max", "lasttoken"):
            source = save_model(tmp_path / pooling, pooling)
            opened = open_encoder(str(source))
            assert isinstance(opened, encoder._Exported)
            truth = SentenceTransformer(str(source), device="cpu").encode(list(self.TEXTS))
            assert (opened.queries(self.TEXTS) * truth).sum(axis=1) == pytest.approx(1, abs=5e-3)

    def test_rows_keep_their_order_whatever_the_batches(self, toy, monkeypatch):
        texts = [" ".join(WORDS[: 1 + i % 9]) for i in range(50)]
        whole = toy.passages(texts)
        monkeypatch.setattr(encoder, "_BATCH_TOKENS", 16)
        monkeypatch.setattr(encoder, "_WINDOW", 7)
        assert toy.passages(texts) == pytest.approx(whole, abs=1e-2)
        assert np.abs(whole[0] - whole[1]).max() > 0.05

    def test_nothing_gives_no_rows(self, toy):
        assert toy.queries([]).shape == toy.passages([]).shape == (0, 16)

    def test_text_is_data(self, toy):
        bad = [
            "\ud800 lamp",
            "\x00\x01",
            "👨‍👩‍👧" * 9,
            "<script>",
            "'; DROP TABLE product;--",
            "مصباح",
            "lamp " * 200_000,
        ]
        for vectors in (toy.queries(bad), toy.passages(bad)):
            assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-3)

    def test_queries_are_remembered_and_returned_as_copies(self, toy, monkeypatch):
        first = toy.queries(["lamp", "blue", "lamp"])
        assert (first[0] == first[2]).all()
        kept = first.copy()
        first[:] = 0
        monkeypatch.setattr(toy, "_request", None)  # nothing is left that could encode
        assert (toy.queries(["blue", "lamp"]) == kept[[1, 0]]).all()

    def test_memory_is_bounded(self, toy, monkeypatch):
        monkeypatch.setattr(encoder, "_REMEMBERED", 3)
        assert toy.queries(["a", "b", "c", "d", "e"]).shape == (5, 16)
        assert list(toy._memory) == ["c", "d", "e"]

    def test_threads_do_not_disturb_each_other(self, toy):
        truth = {word: toy.passages([word])[0] for word in WORDS}
        wrong = []

        def work(word):
            for _ in range(20):
                if np.abs(toy.passages([word])[0] - truth[word]).max() > 1e-3:
                    wrong.append(word)

        threads = [threading.Thread(target=work, args=(word,)) for word in WORDS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong

    def test_progress_is_drawn_on_request(self, toy, capsys):
        toy.passages(["lamp"])
        assert capsys.readouterr().err == ""
        toy.passages(["lamp"], progress=True)
        assert "1/1" in capsys.readouterr().err

    def test_a_second_opening_needs_neither_torch_nor_sentence_transformers(self, folder, toy):
        program = (
            "import sys; from retrieval.encoder import open_encoder; e = open_encoder(sys.argv[1])\n"
            "e.queries(['lamp'])\n"
            "print(e.fingerprint, 'torch' in sys.modules, 'transformers' in sys.modules)"
        )
        run = subprocess.run([sys.executable, "-c", program, str(folder)], capture_output=True, text=True, check=True)
        assert run.stdout.split() == [toy.fingerprint, "False", "False"]


class TestFingerprint:
    def test_it_covers_weights_pooling_and_prefixes(self, tmp_path, folder):
        def of(**changes):
            source = save_model(tmp_path / str(len(list(tmp_path.iterdir()))), **changes)
            return encoder._contents(source)

        prompts = {"query": "query: ", "document": "passage: "}
        found = [of(prompts=prompts), of(prompts=prompts, seed=1), of(prompts=prompts, pooling="cls"), of()]
        assert len(set(found)) == 4
        assert found[0] == encoder._contents(folder)


class TestNotExported:
    def test_another_kind_of_model_runs_in_sentence_transformers_and_says_so(self, tmp_path, cache, caplog):
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding
        from tokenizers import Tokenizer, pre_tokenizers
        from tokenizers.models import WordLevel

        tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate([*WORDS, "<unk>"])}, "<unk>"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_dim=8)]).save(
            str(tmp_path), create_model_card=False
        )
        for _ in range(2):
            caplog.clear()
            with caplog.at_level(logging.WARNING):
                plain = open_encoder(str(tmp_path))
            assert isinstance(plain, encoder._Plain)
            assert "runs in sentence-transformers, slower" in caplog.text
        assert plain.dimensions == 8
        assert plain.queries([]).shape == (0, 8)
        assert np.linalg.norm(plain.passages(["lamp", "\ud800"]), axis=1) == pytest.approx(1, abs=1e-3)

    def test_a_folder_that_is_no_encoder_is_an_error(self, tmp_path, cache):
        (tmp_path / "config.json").write_text("{}")
        with pytest.raises(OperatorError, match=r"modules\.json"):
            open_encoder(str(tmp_path))
        with pytest.raises(OperatorError, match="valid are multilingual-e5-small"):
            open_encoder("multilingual-e5")


class TestHub:
    def test_old_e5_models_get_their_prefixes(self, tmp_path, cache, monkeypatch):
        source = save_model(tmp_path)
        monkeypatch.setattr("huggingface_hub.snapshot_download", lambda name, **_: str(source))
        e5, other = open_encoder("intfloat/multilingual-e5-base"), open_encoder("someone/small-encoder")
        assert e5.fingerprint != other.fingerprint
        assert e5.queries(["lamp"]) == pytest.approx(other.queries(["query: lamp"]), abs=1e-3)
        assert e5.passages(["lamp"]) == pytest.approx(other.passages(["passage: lamp"]), abs=1e-3)

    def test_a_hub_out_of_reach_is_an_error(self, cache, monkeypatch):
        def fail(name, **_):
            raise ConnectionError("no route to host")

        monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
        with pytest.raises(OperatorError, match=r"'owner/model'.*no route to host.*multilingual-e5-small"):
            open_encoder("owner/model")


def encoding_rates(texts, rounds=3):
    """Texts a second by the default encoder and by plain sentence-transformers, taking turns; the best of `rounds`."""
    from sentence_transformers import SentenceTransformer

    served = open_encoder()
    plain = SentenceTransformer(str(models.e5()), device="cpu")
    runs = {
        "shopwright": served.passages,
        "sentence-transformers": lambda texts: plain.encode(list(texts), prompt="passage: ", batch_size=32),
    }
    best = dict.fromkeys(runs, 0.0)
    for run in runs.values():
        run(texts[:32])
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run(texts)
            best[name] = max(best[name], len(texts) / (time.perf_counter() - start))
    return best


def product_texts(count):
    """Made-up product texts of 20 to 120 tokens, the same each time."""
    kinds = [
        "trail running shoes",
        "desk lamp",
        "rain jacket",
        "tea kettle",
        "building blocks",
        "徒步鞋",
        "保温杯",
        "积木",
    ]
    facts = [
        "waterproof membrane and taped seams",
        "weighs 320 g in size 42",
        "machine washable at 30 degrees",
        "made of recycled polyester with a cotton lining",
        "适合三岁以上的孩子，边角圆润",
        "316不锈钢内胆，容量500毫升，保温12小时",
        "comes with a two-year warranty and a spare part kit",
        "folds flat, so that it fits into a small drawer",
    ]
    rng = np.random.default_rng(7)
    return [
        f"{kinds[i % 8]} no. {i}: " + "; ".join(facts[j] for j in rng.permutation(8)[: 1 + i % 7]) for i in range(count)
    ]


@pytest.mark.models
class TestDefault:
    def test_it_is_faithful(self):
        from sentence_transformers import SentenceTransformer

        served, plain = open_encoder(), SentenceTransformer(str(models.e5()), device="cpu")
        texts, questions = product_texts(300), [text.split(":")[0] for text in product_texts(60)]
        passages, queries = served.passages(texts), served.queries(questions)
        true_passages = plain.encode(texts, prompt="passage: ")
        true_queries = plain.encode(questions, prompt="query: ")
        assert (passages * true_passages).sum(axis=1).min() >= 0.995
        assert (queries * true_queries).sum(axis=1).min() >= 0.995
        top, true_top = (
            np.argsort(-scores)[:, :10] for scores in (queries @ passages.T, true_queries @ true_passages.T)
        )
        assert np.mean([len({*a} & {*b}) / 10 for a, b in zip(top, true_top, strict=True)]) >= 0.95

    def test_a_chinese_query_finds_an_english_product(self):
        served = open_encoder()
        products = ["Waterproof hiking boots for men", "Electric tea kettle, 1.7 l", "Building blocks for toddlers"]
        scores = served.queries(["男士防水登山鞋", "烧水壶", "宝宝积木"]) @ served.passages(products).T
        assert scores.argmax(axis=1).tolist() == [0, 1, 2]

    def test_it_is_at_least_half_as_fast_again_as_sentence_transformers(self):
        rates = encoding_rates(product_texts(96))
        assert rates["shopwright"] >= 1.5 * rates["sentence-transformers"], json.dumps(rates)
