"""Stories: each equals a plain loop over single tokens, whatever its company; measures and what is untouched."""

import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import checkpoint
from evaluated import composed
from storybook import LONGEST, PROMPTS, Tell, texts
from tokenizers import Tokenizer
from transformers import LlamaForCausalLM

from reattend.cache import PolicyCache, build_policy
from reattend.evaluation.storytelling import measures
from reattend.models.initialise import stream
from reattend.settings import SettingError


def plainly(
    llama: LlamaForCausalLM, prompt: list[int], number: int, *, seed: int = 1, **policy: Any
) -> tuple[list[int], bool, float]:
    """Tokens, whether the model ended them, and their ln p: one at a time, each the first of its exponential clocks."""
    draw, cache, log_p = stream(seed, f"story/{number}"), PolicyCache(llama, **policy), 0.0
    new, tokens = prompt, []
    for _ in range(LONGEST):
        with torch.no_grad():
            logits = llama(input_ids=torch.tensor([new]), past_key_values=cache).logits[0, -1].double()
        p = (logits / 1.5).softmax(-1).tolist()
        nucleus: list[int] = []
        for token in sorted(range(len(p)), key=lambda t: (-p[t], t)):
            nucleus.append(token)
            if sum(p[t] for t in nucleus) >= 0.9:
                break
        clocks = torch.empty(len(p), dtype=torch.float64).exponential_(generator=draw).tolist()
        token = min(nucleus, key=lambda t: clocks[t] / p[t])
        log_p += float(logits.log_softmax(-1)[token])
        if token == 0:  # <s> ends a text of this model
            return tokens, True, log_p
        tokens.append(token)
        new = [token]
    return tokens, False, log_p


@pytest.fixture(scope="session")
def llama(model: Path) -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(model)


@pytest.mark.parametrize(
    "policy", [{"policy": "full"}, {"policy": "tova", "size": 12}, {"policy": "window", "size": 9}], ids=str
)
def test_a_story_is_what_single_tokens_write(
    tell: Tell, llama: LlamaForCausalLM, tokenizer: Tokenizer, tmp_path: Path, policy: dict[str, Any]
) -> None:
    options = [f"policy.{key}={value}" for key, value in policy.items() if key != "policy"]
    record = tell(f"policy={policy['policy']}", *options, "task.count=12")
    assert [story["number"] for story in record.stories] == [*range(12)]
    for story, kept in zip(record.stories, texts(record, tmp_path), strict=True):
        prompt = tokenizer.encode(PROMPTS[story["number"] % 3], add_special_tokens=False).ids
        tokens, ended, log_p = plainly(llama, prompt, story["number"], **policy)
        assert kept["text"] == tokenizer.decode(tokens) and kept["prompt"] == PROMPTS[story["number"] % 3]
        assert (story["tokens"], story["ended"], story["prompt_tokens"]) == (len(tokens), ended, len(prompt))
        assert story["own_nats"] == pytest.approx(-log_p, rel=1e-4)
        with torch.no_grad():
            everything = llama(input_ids=torch.tensor([prompt + tokens])).logits[0].double().log_softmax(-1)
        wanted = -sum(float(everything[len(prompt) - 1 + t, token]) for t, token in enumerate(tokens))
        assert story["full_nats"] == pytest.approx(wanted, rel=1e-4)
        read = len(prompt) + len(tokens) - (not ended)
        size = policy.get("size", read)
        assert story["untouched"] == (ended and (policy["policy"] == "full" or read <= size + 1))
    assert {story["ended"] for story in record.stories} == {True, False}


def test_an_untouched_story_is_that_of_the_full_state(tell: Tell, tmp_path: Path) -> None:
    full, bounded = tell("policy=full", "task.count=24"), tell("policy=window", "policy.size=36", "task.count=24")
    pairs = list(zip(texts(full, tmp_path), texts(bounded, tmp_path), strict=True))
    assert all(one["untouched"] == one["ended"] for one, _ in pairs)
    early = [one["text"] == other["text"] for one, other in pairs if other["untouched"]]
    others = [one["text"] == other["text"] for one, other in pairs if not other["untouched"]]
    assert early and all(early) and not all(others)


@pytest.mark.parametrize("name", ["full", "window", "window_sinks", "truncate", "tova", "h2o", "random", "decayed_sum"])
def test_a_state_is_lossless_up_to_what_its_policy_says(llama: LlamaForCausalLM, name: str) -> None:
    bound = {} if name == "full" else {"size": 6} | ({"decay": 0.9} if name == "decayed_sum" else {})
    lossless = build_policy({"name": name, **bound}).lossless
    ids = torch.randint(1, 299, (1, 14), generator=torch.Generator().manual_seed(3))
    with torch.no_grad():
        full = llama(input_ids=ids).logits[0]
        found = llama(input_ids=ids, past_key_values=PolicyCache(llama, name, **bound)).logits[0]
    equal = [torch.allclose(one, other, atol=1e-4) for one, other in zip(full, found, strict=True)]
    assert equal == [lossless is None or t < lossless for t in range(14)]


def test_records_keep_means_and_a_batch_changes_nothing(tell: Tell, tmp_path: Path) -> None:
    record = tell("policy=tova", "policy.size=12")
    alone = tell("policy=tova", "policy.size=12", "task.batch_size=1", "chunk=5", f"results_dir={tmp_path / 'r'}")
    for story, other in zip(record.stories, alone.stories, strict=True):
        same = {key for key in story if key not in ("seconds", "own_nats", "full_nats")}
        assert {key: story[key] for key in same} == {key: other[key] for key in same}
        assert story["full_nats"] == pytest.approx(other["full_nats"], rel=1e-5)
    tokens = [story["tokens"] for story in record.stories]
    metric = record.metrics["tokens"]
    assert (metric.sum, metric.count, metric.value) == (sum(tokens), 6, sum(tokens) / 6)
    nats = sum(story["full_nats"] for story in record.stories)
    assert record.metrics["full_nats_per_token"].value == pytest.approx(nats / sum(tokens))
    assert record.metrics["ended"].value == sum(story["ended"] for story in record.stories) / 6
    assert record.state == {"entries_per_layer": 12.0, "kv_bytes": 2 * 2 * 2 * 4 * 4 * 12}
    assert record.prompts["source"] == "prompts.json" and record.prompts["count"] == 3


def test_seeds_write_other_stories_and_the_same_seed_the_same(tell: Tell, tmp_path: Path) -> None:
    one, again, other = (
        texts(tell("policy=full", f"seed={seed}", f"name=run{i}"), tmp_path) for i, seed in enumerate((1, 1, 2))
    )
    assert one == again
    assert sum(a["text"] == b["text"] for a, b in zip(one, other, strict=True)) < 3


def test_a_story_may_begin_with_the_token_that_marks_a_start(tell: Tell) -> None:
    counts = [tell(f"task.bos={bos}", "policy=full", "task.count=3").stories for bos in ("auto", "true", "false")]
    begun, told, plain = ([story["prompt_tokens"] for story in stories] for stories in counts)
    assert begun == told == [tokens + 1 for tokens in plain]


def test_a_prompt_may_be_said_in_a_chat(tell: Tell, model: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"^task.chat=true: expected false, as tiny-llama has no template"):
        tell("task.chat=true")
    talks = Path(shutil.copytree(model, tmp_path / "talks"))
    template = "User: {{ messages[0]['content'] }} Model:{% if not add_generation_prompt %}!{% endif %}"
    (talks / "chat_template.jinja").write_text(template)
    lm = ["lm=pretrained", f"lm.path={talks}", "lm.device_map=cpu", "policy=full", "task.count=2"]
    said = tell(*lm, "task.chat=true", "task.bos=auto", "task.prompts=null", "task.prompt=Tell x")
    plain = tell(*lm, "task.prompts=null", "task.prompt='User: Tell x Model:'")
    assert [story["sha256"] for story in said.stories] == [story["sha256"] for story in plain.stories]


def test_the_papers_prompt_is_the_default(arguments: list[str]) -> None:
    config = composed(["task=stories"])
    assert config["task"]["prompt"] == (
        "### Instruction:\nWrite a very long story (at least 4,000 words). The story should include at least 20 named "
        "characters, spans 3 countries and 9 cities, at least 10 chapters and should have a lot of plot twists.\n\n"
        "### Response:"
    )
    assert config["task"]["count"] == 100


def test_a_model_of_ours_writes_until_it_is_cut(tell: Tell, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "best.ckpt", context=128)
    record = tell("lm=checkpoint", f"lm.path={path}", "lm.device_map=cpu", "policy=window", "policy.size=8")
    assert all(story["tokens"] == LONGEST and not story["ended"] for story in record.stories)


def test_no_longest_writes_until_the_positions_are_used_up(tell: Tell, tmp_path: Path) -> None:
    path = checkpoint(tmp_path / "best.ckpt", context=64)
    changes = ["lm=checkpoint", f"lm.path={path}", "lm.device_map=cpu", "task.longest=null", "task.count=2"]
    record = tell(*changes, "task.prompts=null", "task.prompt=abcd", "policy=full")
    assert [story["tokens"] for story in record.stories] == [60, 60]


def test_perplexity_of_no_token_is_no_metric() -> None:
    story: Any = dict.fromkeys(measures.MEASURES, 0) | {"distinct_1": None, "full_nats": 0.0}
    found = measures.metrics([story])
    assert "full_nats_per_token" not in found and "distinct_1" not in found and not math.isnan(found["tokens"].value)
