"""The plan of a run: costs equal those counted by hand and those of a real pass, and nothing is fetched or written."""

import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import command, compose
from tiny import CONF, dagpam, decoder, options
from torch.autograd.graph import saved_tensors_hooks
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from reattend.menus import menu
from reattend.models import build_model, size
from reattend.records import config_hash
from reattend.settings import SettingError
from reattend.training import plan as page
from reattend.training.budget import budget
from reattend.training.job import plan_job, run_job
from reattend.training.objectives import build_objective
from reattend.training.shapes import measure

Job = Callable[..., dict[str, Any]]
SOFTMAX = options("attention")["softmax"]
WIDTH, HEADS, INNER, LAYERS, VOCABULARY, T = 8, 2, 12, 3, 11, 6
SIZES = {"width": WIDTH, "heads": HEADS, "feed_forward": INNER, "layers": LAYERS}
PAIRS = T * (T + 1) // 2  # of a query and a key it may look at


def test_the_flops_of_a_decoder_are_those_counted_by_hand() -> None:
    found = measure(partial(decoder, SOFTMAX, vocabulary=VOCABULARY, **SIZES), [T])
    layer = WIDTH * 3 * WIDTH + WIDTH * WIDTH + 2 * WIDTH * INNER  # multiply-adds of a token
    attention = 2 * WIDTH * PAIRS  # scores and their sum of values, all heads
    assert found.flops == 2 * (T * (LAYERS * layer + WIDTH * VOCABULARY) + LAYERS * attention)


def test_dagpam_costs_its_second_attention_and_its_linear_layer_more() -> None:
    plain, more = (measure(partial(decoder, config, **SIZES), [T]).flops for config in (SOFTMAX, dagpam()))
    linear = T * HEADS * (WIDTH // HEADS) ** 2
    assert more - plain == 2 * LAYERS * (2 * WIDTH * PAIRS + linear)


def a_model(config: dict[str, Any], name: str) -> Callable[[], Any]:
    sizes = options("model")[name] | {"dropout": 0.0}
    vocabulary = 40 if sizes["architecture"] == "decoder" else (40, 40)
    return partial(build_model, sizes, attention=config, vocabulary=vocabulary, context=64, seed=1)


@pytest.mark.parametrize(("name", "lengths"), [("small", (48,)), ("translation_small", (20, 24))])
def test_shapes_cost_what_a_real_pass_costs(attention: dict[str, Any], name: str, lengths: tuple[int, ...]) -> None:
    build = a_model(attention, name)
    found, model, kept = measure(build, lengths), build(), {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    inputs = [torch.randint(3, 40, (1, length)) for length in lengths]
    with FlopCounterMode(display=False) as counter, saved_tensors_hooks(keep, lambda tensor: tensor):
        getattr(model, "hidden", model)(*inputs)  # the output of a decoder is counted apart
    for parameter in model.parameters():
        kept.pop(parameter.untyped_storage().data_ptr(), None)
    real = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    assert found.parameters == size(model) and found.logits == 40
    assert found.kept == pytest.approx(real, rel=0.06)  # of softmax1 a copy is missed
    output = 2 * lengths[0] * 128 * 40 if name == "small" else 0
    unseen = counter.get_total_flops() + output  # torch does not see into a CPU's fused attention
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH), torch.no_grad():
        getattr(model, "hidden", model)(*inputs)
    attention = counter.get_total_flops() + output - unseen  # here it does, later keys included
    s, t = lengths[0], lengths[-1]
    others = 0 if name == "small" else s * s + s * t  # of the encoder and between the two
    causal = (t * (t + 1) // 2 + others) / (t * t + others)  # all of it where a mask says what is later
    assert 0.99 * causal * attention <= found.flops - unseen <= attention  # softmax1 has a key of its own


def test_an_adaptive_vocabulary_is_counted_too() -> None:
    sizes: dict[str, Any] = SIZES | {"cutoffs": [5, 20], "cutoff_factor": 2.0}
    build = partial(decoder, SOFTMAX, vocabulary=100, **sizes)
    model = build()
    found = measure(build, [T])
    blocks = size(model) - sum(p.numel() for n, p in model.named_parameters() if n.startswith(("output", "embedding")))
    assert (found.parameters, found.parameters - found.ends) == (size(model), blocks)
    assert 5 + 2 < found.logits < 100
    plain = measure(partial(decoder, SOFTMAX, vocabulary=1, **SIZES), [T])
    assert found.flops - plain.flops == pytest.approx(T * (model.output.flops_per_token() - 2 * WIDTH))


def test_an_epoch_and_a_run_of_a_local_text(job: Job) -> None:
    found = budget(job("trainer.max_steps=38"))
    assert (found.steps_an_epoch, found.epochs, found.examples) == (19, 2.0, 38 * 4)  # 77 blocks of 16, 4 a batch
    assert found.flops == 3 * 38 * 4 * found.cost.flops
    doubled = budget(job("trainer.max_steps=9", "trainer.accumulate=2"))
    assert (doubled.steps_an_epoch, doubled.epochs, doubled.examples) == (9, 1.0, 9 * 2 * 4)


def test_a_prepared_parallel_corpus_is_counted(small_pairs: list[str]) -> None:
    config = compose("train", *small_pairs)
    found = budget(config)
    corpus = build_objective(config["objective"]).corpus(config["data"])
    batches: Any = corpus.training_batches(seed=1)
    assert found.steps_an_epoch == len(batches) and found.load.vocabulary == corpus.vocabulary
    target = sum(int((batch.targets != -100).sum()) for batch in batches)
    assert found.load.example[1] * found.load.examples * len(batches) == pytest.approx(target)


def test_the_memory_of_weights_is_that_of_adamw(job: Job) -> None:
    parameters = budget(job()).cost.parameters
    assert budget(job("trainer=cpu")).memory["weights, gradients and moments"] == 16 * parameters
    assert budget(job("trainer=auto")).memory["weights, gradients and moments"] == 18 * parameters
    small, large = (budget(job(f"data.batch_size={size}")).memory for size in (4, 8))
    assert {what: large[what] / small[what] for what in large} == {
        "weights, gradients and moments": 1,
        "activations": 2,
        "logits": 2,
    }


@pytest.mark.parametrize(
    ("experiment", "changed", "parameters", "steps_an_epoch"),
    [
        ("wmt14_en_de", "data.merges=32768", 60_915_712, round(137_628_246 / (0.9 * 25_000))),
        ("iwslt14_de_en", "seed=1", 39_469_056, round(4_035_591 / (0.9 * 4096))),  # of fairseq's log: about 1,100
        ("enwik8", "seed=1", 37_960_704, (90_000_000 - 512) // 512 // 22),
    ],
)
def test_published_counts(experiment: str, changed: str, parameters: int, steps_an_epoch: int) -> None:
    found = budget(compose("train", f"experiment={experiment}", changed))
    assert (found.cost.parameters, found.steps_an_epoch) == (parameters, steps_an_epoch)


def test_a_control_is_counted() -> None:
    plain, wider, other = (
        budget(compose("train", "data=enwik8", *more)).cost.parameters
        for more in ([], ["control=wider"], ["attention=dagpam"])
    )
    assert plain < other and abs(wider - other) < 0.002 * other


def planned(name: str) -> bool:
    """Evaluations have no plan, and that of a fine-tuning is refused."""
    text = (CONF / "experiment" / f"{name}.yaml").read_text("utf-8")
    return "/task:" not in text and "objective: fine_tuning" not in text


TRAINED = [name for name in menu("experiment") if planned(name)]


@pytest.mark.parametrize("name", TRAINED)
def test_every_experiment_has_a_plan_without_network(
    name: str, small: list[str], small_pairs: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("REATTEND_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("a socket"))
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a process"))  # as pip
    config = compose("train", f"experiment={name}", f"results_dir={tmp_path / 'results'}")
    published = build_objective(config["objective"]).corpus(config["data"]).published() is not None
    if not published:  # then it is counted, which needs files: those of a test
        local = small_pairs if config["objective"]["name"] == "translation" else small
        config = compose("train", f"experiment={name}", *local)
    lines = plan_job(config).splitlines()
    assert lines[0].startswith(f"{name}_") and 10 <= len(lines) <= 15 and max(map(len, lines)) <= 125
    assert f" {config['trainer']['max_steps']:,} steps, " in next(line for line in lines if line.startswith("  run"))
    assert ("counted here" in lines[2]) is not published
    assert not (tmp_path / "results").exists() and not (published and (tmp_path / "home").exists())


def test_a_plan_writes_nothing_and_a_finished_run_can_be_planned(
    small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("train", *small, "plan=true") == 0
    told = capsys.readouterr().out
    assert "6 steps, " in told and "L4 " in told
    assert not (tmp_path / "results").exists()
    run_job(compose("train", *small))
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*")}
    capsys.readouterr()
    assert command("train", *small, "plan=true") == 0
    assert capsys.readouterr().out == told
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*")} == files


def test_planning_is_no_other_run(job: Job) -> None:
    assert config_hash(job("plan=true")) == config_hash(job())


@pytest.mark.parametrize(
    ("change", "setting"),
    [
        ("schedule.warmup_steps=-1", "schedule.warmup_steps"),
        ("model.heads=5", "model.width"),
        ("data.context=5000", "data.context"),
        ("trainer.max_steps=0", "trainer.max_steps"),
        ("scale=small", "scale"),
    ],
)
def test_a_mistake_is_told_as_ever(job: Job, change: str, setting: str) -> None:
    with pytest.raises(SettingError) as refused:
        plan_job(job(change))
    assert refused.value.setting == setting


def test_a_plan_is_true_or_false(small: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command("train", *small, "plan=perhaps") == 1
    assert "plan=perhaps: expected true or false" in capsys.readouterr().err


def test_hours_and_room_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    config = compose("train", "data=enwik8", "trainer=gpu", "attention=dagpam", "data.batch_size=999")
    found = budget(config)  # without a GPU, no matter
    wanted = sum(found.memory.values()) / 1e9
    hours = found.flops / (0.35 * 1e12) / 3600
    sizes = (int(2 * wanted), int(1.25 * wanted), int(wanted / 2))
    monkeypatch.setattr(page, "GPUS", [page.Gpu("some", size, {"bfloat16": 1.0}) for size in sizes])
    lines = page.plan(config).splitlines()[-3:]
    assert [line.rpartition(": ")[2] for line in lines] == ["fits", "may not fit", "does not fit"]
    assert all(f" {hours:.1f} h " in line and "some" in line for line in lines)
