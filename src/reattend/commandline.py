"""What every script shares: Hydra composes, `--help` answers at once, and a user's mistake is one message.

`--help` is our own: it says what each option of each group is, from the first line of its file. Hydra's needs twice
the time for the bare names; its other flags (`--cfg job`, `--multirun`, `--shell-completion`, `--hydra-help`) are
untouched.
"""

import functools
import logging
import re
import sys
from collections.abc import Callable
from typing import Any

from reattend.menus import CONF, menu, opening
from reattend.settings import SettingError, Stop

USAGE = """{what}

  python scripts/{script}.py [group=option] [key=value] ...
  python scripts/{script}.py -m key=value,value ...    every combination, one after the other

{groups}
Every key, with its value and meaning, is in conf/. --cfg job shows the composed configuration,
--multirun is the long form of -m, --shell-completion helps with TAB, --hydra-help lists Hydra's own flags.
"""


def command(script: str) -> Callable[[Callable[[dict[str, Any]], Any]], Callable[[], None]]:
    """Make `task(config)` the main of scripts/<script>.py, configured by conf/<script>.yaml.

    Nothing heavy may be imported outside the task, or `--help`, `--cfg job` and completion would wait for it.
    """

    def decorate(task: Callable[[dict[str, Any]], Any]) -> Callable[[], None]:
        def main() -> None:
            if {"--help", "-h"} & set(sys.argv[1:]):
                print(_help(script))
                return
            if (wrong := _unknown_option(sys.argv[1:])) is not None:
                print(wrong, file=sys.stderr)
                raise SystemExit(1)
            try:
                _hydra_main(script, task)
            except KeyboardInterrupt:  # while nothing was trained that could be lost
                print("Stopped.", file=sys.stderr)
                raise SystemExit(130) from None

        return main

    return decorate


def _unknown_option(arguments: list[str]) -> SettingError | None:
    """The first group=option that conf/ does not have, of those that are plain names: Hydra's own message is longer.

    Where a command names folders of its own for Hydra to search, that knows what is there.
    """
    if any(re.match(r"--config-(dir|path)|-c[dp]|hydra\.searchpath", argument) for argument in arguments):
        return None
    for group, _, value in (argument.partition("=") for argument in arguments):
        if not (re.fullmatch(r"\w+", group) and (CONF / group).is_dir() and re.fullmatch(r"[\w,]+", value)):
            continue
        for name in value.split(","):
            if name not in ("null", "") and not (CONF / group / f"{name}.yaml").is_file():
                return SettingError(group, name, f"one of {', '.join(menu(group))}", f"Set {group} to one of them.")
    return None


def _help(script: str) -> str:
    import yaml

    text = (CONF / f"{script}.yaml").read_text(encoding="utf-8")
    defaults = [entry for entry in yaml.safe_load(text)["defaults"] if isinstance(entry, dict)]
    groups = [group for entry in defaults for group in entry if not group.startswith(("override ", "optional "))]
    lines = []
    for group in groups:
        lines.append(f"{group}=")
        lines += [f"  {name:<20} {what}" for name, what in menu(group).items()]
    return USAGE.format(what=opening(CONF / f"{script}.yaml"), script=script, groups="\n".join(lines) + "\n")


def _hydra_main(script: str, task: Callable[[dict[str, Any]], Any]) -> None:
    import hydra
    from hydra.core.hydra_config import HydraConfig
    from hydra.errors import CompactHydraException
    from hydra.types import RunMode
    from omegaconf import DictConfig, MissingMandatoryValue, OmegaConf

    @functools.wraps(task)
    def guarded(config: DictConfig) -> Any:
        logging.basicConfig(format="%(message)s")
        logging.getLogger("reattend").setLevel(logging.INFO)
        try:
            values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
            return task(values)
        except MissingMandatoryValue as missing:
            message = f"{missing.full_key}=???: expected a value. Add {missing.full_key}=..."
        except OSError as error:
            what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            message = f"{what}. Check that it exists, that it may be written and that the disk has room."
        except Stop as stop:
            message = str(stop)
            if stop.ends_sweep:
                print(message, file=sys.stderr)
                raise SystemExit(stop.exit_code) from None
        if HydraConfig.get().mode == RunMode.MULTIRUN:  # of a sweep's failures Hydra shows the first, at the end
            print(message, file=sys.stderr)
        raise CompactHydraException(message)  # Hydra prints its message only; a sweep goes on

    hydra.main(version_base="1.3", config_path=str(CONF), config_name=script)(guarded)()
