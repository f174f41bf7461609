"""The device that a setting names."""

import torch

from reattend.settings import SettingError


def device(name: str) -> torch.device:
    """A device of this machine; `auto` is a GPU where there is one."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:  # an unknown name, or a kind that this machine lacks
        expected = f"auto or a device of this machine ({str(error).splitlines()[0]})"
        raise SettingError("lm.device_map", name, expected, "Set lm.device_map to auto or cpu.") from None
