"""Fine-tuning a pretrained decoder, with a mechanism in its layers and without, from the command to the checkpoint."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import compose, load, result, state
from tiny import options
from tiny_llama import TEXT, byte_pairs, llama, save
from torch.nn import functional as F

from reattend.evaluation import run_task
from reattend.models import MECHANISM
from reattend.models.language import build_lm
from reattend.records import TrainingRecord, read_records
from reattend.report import parse_spec
from reattend.report.table import select
from reattend.report.variants.numbers import build_table
from reattend.report.variants.text import markdown
from reattend.settings import SettingError
from reattend.training import optimizers
from reattend.training.checkpoints import Checkpoints
from reattend.training.job import plan_job, run_job

SHORT = [
    "experiment=retrofit",
    "lm=pretrained",
    "data=text",
    "data.context=16",
    "data.batch_size=2",
    "data.valid_limit=32",
    "objective.score_limit=64",
    "schedule.warmup_steps=1",
    "trainer=cpu",
    "trainer.threads=1",
    "trainer.max_steps=4",
    "trainer.validations=2",
    "trainer.checkpoint_every=1",
    "trainer.progress=false",
    "logger=none",
]
NAMES = {"dagpam": ["attention=dagpam", "name=cut"], "softmax": ["attention=softmax"]}


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A tiny Llama and a text of two thousand words; gradients of two batches make a step."""
    folder, words = tmp_path_factory.mktemp("given"), byte_pairs()
    save(folder / "tiny", llama(words, initializer_range=0.2), words)
    (folder / "words.txt").write_text(" ".join(random.Random(1).choices(TEXT.split(), k=600)))
    return [*SHORT, f"lm.path={folder / 'tiny'}", f"data.path={folder / 'words.txt'}"]


@pytest.fixture(scope="module")
def ran(given: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of both runs, and copies of the checkpoints of daGPAM's after each step."""
    folder, save_ = tmp_path_factory.mktemp("ran"), Checkpoints.save

    def save_and_copy(self: Checkpoints, trainer: Any, path: Path) -> None:
        save_(self, trainer, path)
        if self.folder.name == "cut" and path.name == "last.ckpt":
            shutil.copytree(self.folder, folder / "after" / str(trainer.global_step))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "save", save_and_copy)
        for changes in NAMES.values():
            run_job(compose("train", *given, *changes, f"results_dir={folder}"))
    return folder


def records(ran: Path) -> dict[str, TrainingRecord]:
    found = [record for record in read_records(ran / "runs") if isinstance(record, TrainingRecord)]
    return {record.config["attention"]["name"]: record for record in found}


def test_both_begin_with_the_very_scores_of_the_pretrained_model(ran: Path, given: list[str]) -> None:
    ours = records(ran)
    before = {
        name: {key: metric for key, metric in record.metrics.items() if key.endswith("_before")}
        for name, record in ours.items()
    }
    assert before["dagpam"] == before["softmax"] and len(before["dagpam"]) == 4
    lm = build_lm(
        {"name": "x", "loader": "pretrained", "path": given[-2].partition("=")[2], "device_map": "cpu"}
    ).load()
    raw = Path(given[-1].partition("=")[2]).read_bytes()
    text = raw[len(raw) * 90 // 100 + len(raw) * 5 // 100 :].decode(errors="ignore")
    ids, spans = lm.encode(text)
    rows = (len(ids) - 1) // 16
    starts = [16 * (i * rows // 4) for i in range(4)]  # evenly spread
    nats = spelt = 0
    for start in starts:
        with torch.no_grad():
            logits = lm.model(input_ids=ids[None, start : start + 16]).logits[0]
        nats += F.cross_entropy(logits, ids[start + 1 : start + 17], reduction="sum").item()
        spelt += len(text[spans[start, 1] : spans[start + 16, 1]].encode())
    bits = nats / torch.log(torch.tensor(2.0)).item()
    per_byte, per_token = (before["dagpam"][f"test/bits_per_{unit}_before"] for unit in ("byte", "token"))
    assert (per_byte.count, per_token.count) == (spelt, 64)
    assert per_byte.sum == pytest.approx(bits, rel=1e-5) and per_token.value == pytest.approx(bits / 64, rel=1e-5)


def test_the_record_says_what_was_trained(ran: Path) -> None:
    ours = records(ran)
    one, control = ours["dagpam"], ours["softmax"]
    assert one.config["attention"]["lambda_init"] == 0 and one.config["lm"]["loader"] == "pretrained"
    added = 2 * (4 * 5 + 1)  # two layers: W of 4 x 4, its bias, lambda
    assert one.parameters["attention_extra"] == added and control.parameters["attention_extra"] == 0
    assert one.parameters["total"] == control.parameters["total"] + added
    lambdas = [value for layer in one.learned["lambda_positive"] for value in layer]
    assert len(lambdas) == 2 and all(lambdas) and control.learned == {}
    assert one.data["unit"] == "token" and one.data["lm"]["name"] == "tiny"  # type: ignore[typeddict-item]
    assert [row["step"] for row in one.curve] == [2, 4]
    for split in ("valid", "test"):
        for unit in ("byte", "token"):
            assert one.metrics[f"{split}/bits_per_{unit}"] != one.metrics[f"{split}/bits_per_{unit}_before"]


@pytest.mark.parametrize("step", [1, 3])
def test_a_run_that_was_cut_ends_as_one_that_was_not(step: int, ran: Path, given: list[str], tmp_path: Path) -> None:
    shutil.copytree(ran / "after" / str(step), tmp_path / "checkpoints" / "cut")
    record = run_job(compose("train", *given, *NAMES["dagpam"], f"results_dir={tmp_path}"))
    assert result(record) == result(records(ran)["dagpam"])
    for file in ("last.ckpt", "best.ckpt"):
        one, other = (folder / "checkpoints" / "cut" / file for folder in (tmp_path, ran))
        assert state(one) == state(other)


def test_the_new_weights_alone_can_be_trained(given: list[str], tmp_path: Path) -> None:
    run_job(compose("train", *given, *NAMES["dagpam"], "objective.train=new", f"results_dir={tmp_path}"))
    weights = load(tmp_path / "checkpoints" / "cut" / "last.ckpt")["state_dict"]
    first = llama(byte_pairs(), initializer_range=0.2).state_dict()
    assert all(torch.equal(weights[f"model.lm.{key}"], value) for key, value in first.items())
    new = {key: value for key, value in weights.items() if MECHANISM in key}
    assert len(weights) == len(first) + len(new)
    assert all(value.any() for key, value in new.items() if "raw" in key or "weight" in key)


def test_a_checkpoint_is_evaluated_without_the_model_that_it_came_of(ran: Path, tmp_path: Path) -> None:
    best, book = ran / "checkpoints" / "cut" / "best.ckpt", tmp_path / "book.txt"
    book.write_text(TEXT)
    config = compose(
        "evaluate",
        *("lm=checkpoint", f"lm.path={best}", "lm.device_map=cpu", "policy=full", "task.context=16", "chunk=5"),
        *(f"data.path={book}", f"results_dir={tmp_path}", "progress=false", "threads=1"),
    )
    run_task(config)
    (record,) = read_records(tmp_path / "runs")
    lm = build_lm(config["lm"]).load()
    assert (lm.name, lm.context, lm.unit) == ("dagpam_tiny_seed1", 64, "token")
    weights = load(best)["state_dict"]
    assert all(torch.equal(value, weights[f"model.lm.{key}"]) for key, value in lm.model.state_dict().items())
    ids, nats = lm.encode(TEXT).ids, 0.0
    for piece in ids.split(16):
        logits = lm.model(input_ids=piece[None]).logits[0, :-1]
        nats += F.cross_entropy(logits, piece[1:], reduction="sum").item()
    assert record.metrics["nats_per_token"].sum == pytest.approx(nats, rel=1e-5)
    for task in ("likelihood", "diagnostics"):
        with pytest.raises(SettingError, match=r"checkpoint=.*best\.ckpt: expected a model that was trained here from"):
            run_task(compose("evaluate", f"task={task}", f"checkpoint={best}", f"results_dir={tmp_path}"))


def test_the_table_shows_before_and_after(ran: Path) -> None:
    spec: Any = parse_spec(options("table")["retrofit"])
    table = build_table(spec, select(spec, read_records(ran / "runs")))  # type: ignore[arg-type]
    softmax, dagpam = table.rows
    values = [2 ** record.metrics["test/bits_per_token"].value for record in (*softmax.records, *dagpam.records)]
    assert dagpam.difference is not None and dagpam.difference.mean == pytest.approx(values[1] - values[0])
    page, before = markdown(table), 2 ** softmax.records[0].metrics["test/bits_per_token_before"].value
    assert page.count(f" {before:.3f} ") == 2 and "test perplexity per token before" in page


def test_new_weights_have_a_rate_of_their_own() -> None:
    parameters = {
        name: torch.nn.Parameter(torch.ones(2, 2))
        for name in ("lm.embed.weight", f"lm.0{MECHANISM}map.weight", f"lm.0{MECHANISM}raw")
    }
    values = {key: value for key, value in options("optimizer")["adamw_fine_tuning"].items() if key != "name"}
    values |= {"learning_rate": 0.1, "new_learning_rate": 0.2, "weight_decay": 0.3}
    groups = optimizers.adamw_fine_tuning(parameters=parameters.items(), **values).param_groups
    found = {id(p): (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    assert [found[id(p)] for p in parameters.values()] == [(0.1, 0.3), (0.2, 0.3), (0.2, 0.0)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["objective.train=new"], r"objective\.train=new: expected all, as attention=softmax has nothing of its own"),
        (["attention=dagpam", "attention.lambda_init=0.3"], "attention=dagpam: expected a mechanism that begins as"),
        (["objective=language_modelling"], "lm=pretrained: expected no pretrained model: objective=language_modelling"),
        (["model=small"], "model=small: expected pretrained, as objective=fine_tuning begins with"),
        (["lm.dtype=bfloat16"], r"lm\.dtype=bfloat16: expected float32"),
        (["lm.device_map=auto"], r"lm\.device_map=auto: expected null, as trainer\.accelerator decides"),
        (["trainer.diagnose_every=1"], r"trainer\.diagnose_every=1: expected null: the layers"),
        (["control=wider"], "control=wider: expected a model whose feed-forward layers can change"),
        (["control=more_heads"], "control=more_heads: expected a model whose feed-forward layers can change"),
    ],
)
def test_what_does_not_fit_is_one_message(changes: list[str], message: str, given: list[str], tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=f"^{message}"):
        run_job(compose("train", *given, f"results_dir={tmp_path}", *changes))
    assert not (tmp_path / "runs").exists()


def test_a_pretrained_model_needs_its_weights_and_its_objective(
    given: list[str], job: Callable[..., dict[str, Any]]
) -> None:
    with pytest.raises(SettingError, match=r"^lm=null: expected a pretrained model to begin with"):
        run_job({key: value for key, value in compose("train", *given).items() if key != "lm"})
    with pytest.raises(SettingError, match=r"^model=pretrained: expected a model that is trained from its start"):
        run_job(job("model=pretrained"))
    with pytest.raises(SettingError, match=r"^plan=true: expected false"):
        plan_job(compose("train", *given))
