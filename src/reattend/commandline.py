"""What every script shares: Hydra composes, `--help` answers at once, and a user's mistake is one message.

`--help` is our own: it says what each option of each group is, from the first line of its file. Hydra's needs twice
the time for the bare names; its other flags (`--cfg job`, `--multirun`, `--shell-completion`, `--hydra-help`) are
untouched.
"""

import functools
import logging
import sys
from collections.abc import Callable
from typing import Any

from reattend.menus import CONF, menu, opening
from reattend.settings import Stop

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
            else:
                _hydra_main(script, task)

        return main

    return decorate


def _help(script: str) -> str:
    import yaml

    text = (CONF / f"{script}.yaml").read_text(encoding="utf-8")
    defaults = [entry for entry in yaml.safe_load(text)["defaults"] if isinstance(entry, dict)]
    groups = [group for entry in defaults for group in entry if not group.startswith("override ")]
    lines = []
    for group in groups:
        lines.append(f"{group}=")
        lines += [f"  {name:<20} {what}" for name, what in menu(group).items()]
    return USAGE.format(what=opening(CONF / f"{script}.yaml"), script=script, groups="\n".join(lines) + "\n")


def _hydra_main(script: str, task: Callable[[dict[str, Any]], Any]) -> None:
    import hydra
    from hydra.errors import CompactHydraException
    from omegaconf import DictConfig, OmegaConf

    @functools.wraps(task)
    def guarded(config: DictConfig) -> Any:
        logging.basicConfig(format="%(message)s")
        logging.getLogger("reattend").setLevel(logging.INFO)
        values: Any = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        try:
            return task(values)
        except OSError as error:
            fix = "Check that it exists, that it may be written and that the disk has room."
            raise CompactHydraException(f"{error.filename}: {error.strerror}. {fix}") from error
        except Stop as stop:
            if stop.ends_sweep:
                print(stop, file=sys.stderr)
                raise SystemExit(stop.exit_code) from None
            raise CompactHydraException(str(stop)) from None  # Hydra prints its message only; a sweep goes on

    hydra.main(version_base="1.3", config_path=str(CONF), config_name=script)(guarded)()
