"""Train one configuration with Lightning, score its best checkpoint, and say all that a record needs."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytorch_lightning as pl
import torch

from reattend.data import build_corpus
from reattend.data.corpus import Corpus
from reattend.models import build_model, size
from reattend.models.checkpoint import read_checkpoint
from reattend.records import (
    SCHEMA,
    Metric,
    PeakMemory,
    TrainingRecord,
    config_hash,
    git_state,
    hardware,
    package_versions,
)
from reattend.records.record import Data
from reattend.training import loggers
from reattend.training.checkpoints import Checkpoints, bring_best, refuse_other_run
from reattend.training.history import History
from reattend.training.module import LanguageModelling
from reattend.training.progress import Progress
from reattend.training.trainer_settings import TrainerSettings


def fit(config: Mapping[str, Any], *, name: str, folder: Path) -> TrainingRecord:
    """Train what `config` composes, with checkpoints in `folder`, going on where an earlier attempt stopped."""
    started, clock = datetime.now(UTC), time.perf_counter()
    settings = TrainerSettings.of(config["trainer"])
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    meter = PeakMemory()
    meter.reset()
    if settings.on_gpu:
        torch.cuda.reset_peak_memory_stats()

    corpus = build_corpus(config["data"])
    data = corpus.identity()
    model = _model(config, corpus)
    print(f"{name}: {size(model):,} parameters, {data['splits']['train']['tokens']:,} {corpus.unit}s to train on")
    module = LanguageModelling(
        model=model, optimizer=config["optimizer"], schedule=config["schedule"], max_steps=settings.max_steps
    )
    identity = {"config_hash": config_hash(config), "config": dict(config), "data": data}
    history = History(
        validation=corpus.evaluation_batches("valid", limit=corpus.valid_limit),
        unit=corpus.unit,
        max_steps=settings.max_steps,
        validations=settings.validations,
        log_every=settings.log_every,
    )
    checkpoints = Checkpoints(folder=folder, every=settings.checkpoint_every, history=history, identity=identity)
    resume = _resume_from(config, folder, identity)
    with loggers.opened(config, name=name) as logger:
        trainer = pl.Trainer(
            **settings.lightning(),
            callbacks=[history, checkpoints, *_progress(settings, history, corpus, config)],
            logger=logger or False,
            limit_val_batches=0,  # History validates, so that a resumed run validates at the same steps
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        pl.seed_everything(config["seed"], verbose=False)  # for dropout; weights and data have streams of their own
        batches = corpus.training_batches(seed=config["seed"], accumulate=settings.accumulate)
        trainer.fit(module, batches, ckpt_path=resume, weights_only=True)
        metrics = _score(module, corpus, folder)
        if logger is not None:
            logger.log_metrics({key: metric.value for key, metric in metrics.items()}, step=settings.max_steps)

    test = metrics[f"test/bits_per_{corpus.unit}"]
    print(f"{name}: {test.value:.4f} bits per {corpus.unit} over {test.count:,} {corpus.unit}s of the test split")
    accelerator = torch.cuda.get_device_name() if settings.on_gpu else None
    return TrainingRecord(
        schema=SCHEMA,
        name=name,
        config=dict(config),
        config_hash=config_hash(config),
        seed=config["seed"],
        git=git_state(Path(__file__).parent),
        versions=package_versions(),
        hardware=hardware(accelerator, torch.get_num_threads()),
        parameters={
            "total": size(model),
            "attention_extra": size(model) - _size_with_softmax(config, corpus),
        },
        data=cast(Data, data),
        metrics=metrics,
        curve=history.rows,
        learned=model.learned(),
        timing={
            "started": started.isoformat(timespec="seconds"),
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "wall_seconds": time.perf_counter() - clock,
            "train_seconds": history.train_seconds,
            "tokens_per_second": history.tokens / history.train_seconds,
            "curve_seconds": history.curve_seconds,
        },
        memory={"peak_bytes": torch.cuda.max_memory_allocated(), "what": "cuda"} if settings.on_gpu else meter.read(),
    )


def _model(config: Mapping[str, Any], corpus: Corpus, attention: Mapping[str, Any] | None = None) -> Any:
    return build_model(
        config["model"],
        attention=config["attention"] if attention is None else attention,
        vocabulary=corpus.vocabulary,
        context=corpus.context,
        seed=config["seed"],
    )


def _size_with_softmax(config: Mapping[str, Any], corpus: Corpus) -> int:
    """Parameters of the same model around conventional attention, the yardstick of what a mechanism adds."""
    return size(_model(config, corpus, attention={"name": "softmax"}))


def _resume_from(config: Mapping[str, Any], folder: Path, identity: dict[str, Any]) -> Path | None:
    wanted = config["resume"]
    last = folder / "last.ckpt"
    if wanted == "never" or (wanted == "auto" and (config["force"] or not last.exists())):
        return None
    path = last if wanted == "auto" else Path(str(wanted))
    checkpoint = read_checkpoint(path, setting="resume")
    refuse_other_run(checkpoint, path=path, identity=identity)
    bring_best(checkpoint, path=path, folder=folder)
    print(f"going on from {path}")
    return path


def _progress(
    settings: TrainerSettings, history: History, corpus: Corpus, config: Mapping[str, Any]
) -> list[pl.Callback]:
    if not settings.progress:
        return []
    label = f"{config['attention']['name']} seed {config['seed']}"
    return [Progress(history=history, unit=corpus.unit, max_steps=settings.max_steps, label=label)]


def _score(module: LanguageModelling, corpus: Corpus, folder: Path) -> dict[str, Metric]:
    """The whole validation and test splits under the checkpoint that validated best."""
    best = read_checkpoint(folder / "best.ckpt", setting="results_dir")
    module.load_state_dict(best["state_dict"])
    module.to(module.trainer.strategy.root_device)
    metrics = {}
    for split in ("valid", "test"):
        found = module.evaluate(corpus.evaluation_batches(split))
        metrics[f"{split}/bits_per_{corpus.unit}"] = Metric(
            value=found.bits_per_token(), unit=f"bits per {corpus.unit}", sum=found.bits, count=found.count
        )
    return metrics
