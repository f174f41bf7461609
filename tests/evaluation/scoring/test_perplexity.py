"""What an evaluation scores: a record's numbers are those of a plain pass, with words and bytes counted by hand."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from by_hand import chunks, ends, full, nats, words
from composed import checkpoint, command
from tiny_llama import TEXT, write_gguf
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from reattend.cache import PolicyCache
from reattend.models.checkpoint import load_decoder
from reattend.records import EvaluationRecord, read_records

Evaluate = Callable[..., EvaluationRecord]
OWN = ["lm=checkpoint", "lm.device_map=cpu"]


@pytest.fixture(scope="session")
def llama(model: Path) -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(model)


@pytest.fixture
def text(book: Path) -> str:
    return book.read_text(encoding="utf-8")


@pytest.fixture
def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    found: list[int] = tokenizer.encode(text, add_special_tokens=False).ids
    return found


def scored(record: EvaluationRecord) -> list[float]:
    return [part["nats"] for part in record.parts]


def totals(record: EvaluationRecord) -> list[int]:
    return [sum(part[what] for part in record.parts) for what in ("tokens", "words", "bytes")]


def test_full_attention_is_a_plain_pass_over_each_chunk(
    evaluate: Evaluate, llama: LlamaForCausalLM, tokenizer: Tokenizer, text: str, ids: list[int]
) -> None:
    record = evaluate("policy=full", "chunk=20")
    cut, places = list(chunks(len(ids), 48)), ends(tokenizer, text)
    assert len(cut) > 3 and len(cut[-1]) < 48
    assert [part["start"] for part in record.parts] == [chunk.start for chunk in cut]
    assert {part["document"] for part in record.parts} == {"book"}
    for part, chunk in zip(record.parts, cut, strict=True):
        start, end = places[chunk.start], places[chunk.stop - 1]
        assert part["nats"] == pytest.approx(nats(full(llama), ids[chunk.start : chunk.stop]), rel=1e-5)
        assert part["tokens"] == len(chunk) - 1
        assert part["words"] == words(text, start, end) > 0
        assert part["bytes"] == len(text[start:end].encode()) > end - start  # some characters are several bytes
        assert (part["entries"], part["kv_bytes"]) == (len(chunk), 2 * 2 * 2 * 4 * 4 * len(chunk))
    tokens, counted, size = totals(record)
    total = sum(scored(record))
    assert {key: (m.sum, m.count, m.value) for key, m in record.metrics.items()} == {
        "nats_per_token": (total, tokens, total / tokens),
        "nats_per_word": (total, counted, total / counted),
        "bits_per_byte": (total / math.log(2), size, total / math.log(2) / size),
    }
    assert record.data["documents"][0]["tokens"] == len(ids) and record.data["unit"] == "token"
    assert record.state == {"entries_per_layer": 48, "kv_bytes": 2 * 2 * 2 * 4 * 4 * 48}
    assert (record.lm["name"], record.lm["dtype"]) == ("tiny-llama", "float32")


@pytest.mark.parametrize("policy", ["window", "tova"])
def test_a_bounded_state_is_what_a_policy_cache_reads(
    evaluate: Evaluate, llama: LlamaForCausalLM, ids: list[int], policy: str
) -> None:
    record, plain = evaluate(f"policy={policy}", "policy.size=8", "chunk=20"), evaluate("policy=full")
    for part, chunk in zip(record.parts, chunks(len(ids), 48), strict=True):
        cache = PolicyCache(llama, policy=policy, size=8)
        wanted = nats(
            lambda tokens, cache=cache: llama(tokens, past_key_values=cache).logits, ids[chunk.start : chunk.stop]
        )
        assert part["nats"] == pytest.approx(wanted, rel=1e-5)
    assert scored(record) != pytest.approx(scored(plain), rel=1e-2)  # or this would show nothing
    assert record.state == {"entries_per_layer": 8, "kv_bytes": 2 * 2 * 2 * 4 * 4 * 8}


@pytest.mark.parametrize("policy", ["full", "window_sinks", "truncate", "tova"])
def test_the_length_of_a_forward_pass_changes_nothing(evaluate: Evaluate, policy: str) -> None:
    options = [f"policy={policy}", "max_tokens=80", "task.context=null"]
    size = [] if policy == "full" else ["policy.size=9"]
    found = [scored(evaluate(*options, *size, f"chunk={n}")) for n in (1, 7, 64, 1000)]
    for other in found[1:]:
        assert other == pytest.approx(found[0], rel=1e-5)


@pytest.mark.parametrize("policy", ["window", "tova"])
def test_a_state_as_long_as_a_chunk_is_full_attention(evaluate: Evaluate, policy: str) -> None:
    record = evaluate(f"policy={policy}", "policy.size=48")
    assert scored(record) == pytest.approx(scored(evaluate("policy=full")), rel=1e-5)


def test_without_a_context_a_text_is_one_stream(
    evaluate: Evaluate, llama: LlamaForCausalLM, text: str, ids: list[int]
) -> None:
    record = evaluate("policy=full", "task.context=null", "chunk=50")
    assert scored(record) == [pytest.approx(nats(full(llama), ids), rel=1e-5)]
    assert totals(record)[:2] == [len(ids) - 1, len(text.split())]  # the first token is a line feed


def test_a_tail_is_kept_or_dropped(evaluate: Evaluate, ids: list[int]) -> None:
    kept, dropped = evaluate("policy=full"), evaluate("policy=full", "task.tail=drop")
    assert scored(dropped) == scored(kept)[:-1] and len(ids) % 48
    longer = evaluate("policy=full", "task.tail=drop", "task.context=250")  # than the text: all there is of it
    assert totals(longer)[0] == len(ids) - 1
    one_left = evaluate("policy=full", f"max_tokens={2 * 48 + 1}")  # which nothing could score
    assert [part["tokens"] for part in one_left.parts] == [47, 47]


def test_a_first_token_of_the_models_own_lets_every_token_be_scored(
    evaluate: Evaluate, llama: LlamaForCausalLM, text: str, ids: list[int]
) -> None:
    record = evaluate("policy=full", "task.bos=true", "chunk=20")
    wanted = [nats(full(llama), [0, *ids[chunk.start : chunk.stop]]) for chunk in chunks(len(ids), 48)]
    assert scored(record) == pytest.approx(wanted, rel=1e-5)
    assert totals(record) == [len(ids), len(text.split()), len(text.encode())]  # chunks add up to the whole


def test_every_text_of_a_folder_is_read_from_its_start(evaluate: Evaluate, tmp_path: Path) -> None:
    (folder := tmp_path / "books").mkdir()
    (folder / "a.txt").write_text(TEXT * 3, encoding="utf-8")
    (folder / "b.txt").write_text("fox " * 40, encoding="utf-8")
    both = evaluate("policy=tova", "policy.size=8", f"data.path={folder}", "max_tokens=30", "task.context=20")
    assert [(part["document"], part["start"], part["tokens"]) for part in both.parts] == [
        *(("a", 0, 19), ("a", 20, 9)),
        *(("b", 0, 19), ("b", 20, 9)),
    ]
    assert [(d["title"], d["tokens"]) for d in both.data["documents"]] == [("a", 30), ("b", 30)]
    alone = evaluate(
        "policy=tova", "policy.size=8", f"data.path={folder / 'b.txt'}", "max_tokens=30", "task.context=20"
    )
    assert scored(both)[2:] == scored(alone)


def test_a_gguf_file_reads_as_the_model_it_holds(
    evaluate: Evaluate,
    model: Path,
    tokenizer: Tokenizer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ids: list[int],
) -> None:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "home"))
    packed = LlamaForCausalLM.from_pretrained(model)
    path = write_gguf(tmp_path / "tiny.gguf", packed, tokenizer)  # rounds `packed` as the file does
    record = evaluate("policy=full", "lm=pretrained", "lm.device_map=cpu", f"lm.path={path}", "task.context=250")
    assert scored(record) == [pytest.approx(nats(full(packed), ids), rel=1e-5)]


@pytest.mark.parametrize("attention", ["softmax", "dagpam"])
def test_a_decoder_of_this_project_reads_bytes(evaluate: Evaluate, tmp_path: Path, text: str, attention: str) -> None:
    path = checkpoint(tmp_path / "best.ckpt", attention=attention, context=48)
    record = evaluate("policy=full", *OWN, f"lm.path={path}", "chunk=20")
    decoder, raw = load_decoder(path, setting="lm.path"), list(text.encode())
    wanted = [nats(decoder, raw[chunk.start : chunk.stop]) for chunk in chunks(len(raw), 48)]
    assert scored(record) == pytest.approx(wanted, rel=1e-5)
    roomy, tight = (evaluate("policy=window", f"policy.size={k}", *OWN, f"lm.path={path}") for k in (48, 4))
    assert scored(roomy) == pytest.approx(wanted, rel=1e-5)
    assert scored(tight) != pytest.approx(wanted, rel=1e-4)
    assert totals(record)[0] == totals(record)[2] == len(raw) - len(wanted)
    assert record.metrics["bits_per_byte"].value == pytest.approx(sum(wanted) / totals(record)[0] / math.log(2))


def test_the_command_of_the_readme(given: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every option at once; the lines it prints are those of the record."""
    options = ["task=perplexity", "policy=tova", "policy.size=8", "max_tokens=150", "chunk=16"]
    assert command("evaluate", *given, *options) == 0
    told = capsys.readouterr()
    (record,) = read_records(tmp_path / "results" / "runs")
    assert isinstance(record, EvaluationRecord) and record.metrics["nats_per_token"].count == 150 - 4
    assert told.err == ""
    first, head, line, last = [line for line in told.out.splitlines() if not line.startswith("perplexity_books_")]
    assert first.startswith("tiny-llama (float32), policy tova size=8 first=0 prefill=exact")
    assert head.split() == ["text", "chunks", "tokens", "PPL/token", "PPL/word", "bits/byte"]
    per = {key: metric.value for key, metric in record.metrics.items()}
    numbers = [math.exp(per["nats_per_token"]), math.exp(per["nats_per_word"]), per["bits_per_byte"]]
    title, parts, tokens, *shown = line.replace(",", "").split()
    assert (title, parts, tokens) == ("book", "4", "146")
    assert [float(number) for number in shown] == pytest.approx(numbers, rel=1e-3)
    assert "at most 8 entries a layer" in last
