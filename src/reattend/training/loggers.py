"""Where a run's curves are mirrored. Records, not these, are the source of every table."""

import functools
import netrc
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pytorch_lightning.loggers import Logger

from reattend.settings import call_by_name


def none(*, config: Mapping[str, Any], name: str) -> None:
    """No mirror."""


def wandb(*, project: str, folder: str, config: Mapping[str, Any], name: str) -> Logger:
    """One Weights & Biases run a job, all under `folder`/wandb: online where a key is configured, else offline."""
    os.environ.setdefault("WANDB_SILENT", "true")
    import wandb as library
    from pytorch_lightning.loggers import WandbLogger

    Path(folder).mkdir(parents=True, exist_ok=True)
    start = functools.partial(
        library.init,
        project=project,
        dir=folder,
        name=name,
        group=config["experiment"],
        job_type="train",
        tags=[config[group]["name"] for group in ("attention", "model", "data")],
        config=dict(config),
        settings=library.Settings(console="off", x_disable_stats=True, init_timeout=30),
    )
    try:
        run = start(mode=_mode())
    except library.Error as error:  # a key that is refused, a site that cannot be reached
        print(f"Weights & Biases: {str(error).splitlines()[0]} The run is kept offline.", file=sys.stderr)
        run = start(mode="offline")
    run.define_metric("trainer/global_step")
    run.define_metric("*", step_metric="trainer/global_step")
    run.define_metric("valid/*", step_metric="trainer/global_step", summary="min")
    return WandbLogger(experiment=run)


def _mode() -> Literal["online", "offline", "disabled"]:
    """Online needs a key, whatever WANDB_MODE says: without one wandb would ask for it."""
    wanted = os.environ.get("WANDB_MODE")
    if wanted == "disabled":
        return "disabled"
    return "online" if _key_configured() and wanted not in ("offline", "dryrun") else "offline"


def _key_configured() -> bool:
    """A key in the environment or, as `wandb login` leaves it, in the netrc file."""
    if os.environ.get("WANDB_API_KEY"):
        return True
    try:
        known = netrc.netrc(os.environ.get("NETRC", Path.home() / ".netrc"))
    except (OSError, netrc.NetrcParseError):
        return False
    return any("wandb" in host for host in known.hosts)


@contextmanager
def opened(config: Mapping[str, Any], *, name: str) -> Iterator[Logger | None]:
    """The logger that `config["logger"]` names. A W&B run ends with its job, whatever happens: otherwise the next
    job of a sweep would write into this one."""
    logger = call_by_name(sys.modules[__name__], config["logger"], group="logger", config=config, name=name)
    try:
        yield logger
    finally:
        if logger is not None:
            import wandb as library

            library.finish()
