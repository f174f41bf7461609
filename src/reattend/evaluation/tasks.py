"""The tasks: each takes a trained model, a cache policy and its own options, and returns what to print."""

import torch

from reattend.cache import Policy
from reattend.models.decoder import Decoder, generate
from reattend.settings import SettingError, at_least


def sample(*, model: Decoder, policy: Policy, seed: int, prompt: str, length: int, temperature: float) -> str:
    """Continue a prompt byte by byte, as a recurrent network whose state the policy keeps.

    Bytes that are no UTF-8 show as the replacement sign.
    """
    at_least("task.length", length, 0)
    at_least("task.temperature", temperature, 0)
    if not prompt:
        raise SettingError("task.prompt", '""', "at least one character", "Give task.prompt some text.")
    tokens = torch.tensor([list(prompt.encode())])  # [1, T]
    state = policy.state(layers=len(model.blocks))
    written = generate(model, tokens, state=state, length=length, temperature=temperature, seed=seed)
    return bytes(written[0].tolist()).decode("utf-8", errors="replace")
