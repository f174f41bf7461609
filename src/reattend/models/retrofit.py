"""A pretrained decoder of transformers with a mechanism in every attention layer, to be fine-tuned.

    tokens [B, T] -> logits [B, T, vocabulary]; logits[:, t] predict token t + 1

With a mechanism that begins as softmax (daGPAM at lambda = 0) the logits are, to the bit, those of the pretrained
model: `refuse_other_start` makes sure. How a mechanism comes into a layer is told in retrofitted_layers.py.
"""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedModel

from reattend.attention import build_attention
from reattend.data.batches import IGNORED
from reattend.models import MECHANISM
from reattend.models.attention_sites import Site, read, refuse_other_turning, sites, unfit
from reattend.models.initialise import initialise
from reattend.models.retrofitted_layers import attention_function, place, repeated
from reattend.settings import SettingError

TOKENS = 16  # random ones, on which a start is compared


class Retrofit(nn.Module):
    """Copies `pretrained`, which stays as it is. Dropout of attention's weights is the mechanism's alone."""

    def __init__(
        self,
        *,
        attention: Mapping[str, Any],
        vocabulary: int,
        context: int,
        seed: int,
        pretrained: PreTrainedModel | None = None,
        gradient_checkpointing: bool = False,
    ) -> None:
        super().__init__()
        if pretrained is None:
            expected = "a model that is trained from its start; this one begins with pretrained weights"
            raise SettingError("model", "pretrained", expected, "Set experiment=retrofit, or another model.")
        config = pretrained.config.get_text_config(decoder=True)
        longest = getattr(config, "max_position_embeddings", None)
        if longest is not None and context > longest:
            expected = f"at most {longest:,}, the positions that the pretrained model was made for"
            raise SettingError("data.context", context, expected, "Lower data.context.")

        self.attention, self.vocabulary = attention, vocabulary
        self.lm = copy.deepcopy(pretrained).requires_grad_(True)
        self.sites = sites(self.lm)
        mechanisms = [build_attention(attention, heads=site.heads, head_width=site.head_width) for site in self.sites]
        type(mechanisms[0]).tie(mechanisms)
        initialise(nn.ModuleList(mechanisms), seed=seed, width=config.hidden_size, layers=len(mechanisms))
        self.mechanisms = mechanisms  # a plain list: they belong to their layers
        place(self.lm, [site.layer for site in self.sites], mechanisms)
        if gradient_checkpointing:
            self.lm.activation_checkpointing_enable({"use_reentrant": False})

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.lm(input_ids=tokens, use_cache=False).logits
        return logits

    def loss(self, tokens: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Summed -ln p of the targets [B, T] that are not -100, and how many those are."""
        logits = self(tokens).flatten(0, 1).float()  # [B T, vocabulary]
        nats = F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="sum")
        return nats, (targets != IGNORED).sum()

    def learned(self) -> dict[str, list[Any]]:
        """Each mechanism's few learned scalars, a list by layer."""
        layers = [mechanism.learned() for mechanism in self.mechanisms]
        return {name: [layer[name] for layer in layers] for name in layers[0]}

    def new_parameters(self) -> Iterator[nn.Parameter]:
        """Those of the mechanisms."""
        return (parameter for name, parameter in self.named_parameters() if MECHANISM in name)

    def refuse_other_start(self, pretrained: PreTrainedModel) -> None:
        """A message if the mechanism as it stands is not softmax, or if the whole is not `pretrained` to the bit."""
        training = self.training
        self.eval()
        draw = torch.Generator().manual_seed(0)
        for site in self.sites:
            self._refuse_other_attention(site, draw)
        tokens = torch.randint(self.vocabulary, (2, TOKENS), generator=draw)
        refuse_other_turning(self.lm, tokens)
        if not torch.equal(read(self.lm, tokens), read(pretrained, tokens)):
            raise unfit(pretrained, "its logits change when its attention is computed by ours")
        self.train(training)

    @torch.no_grad()
    def _refuse_other_attention(self, site: Site, draw: torch.Generator) -> None:
        """A message if a layer's outputs are not, to the bit, PyTorch's own on random numbers without positions."""
        shapes = ((1, heads, TOKENS, site.head_width) for heads in (site.heads, site.key_heads, site.key_heads))
        q, k, v = (torch.randn(shape, generator=draw) for shape in shapes)
        site.layer.angles = None
        name = self.attention["name"]
        try:
            ours, _ = attention_function(site.layer, q, k, v, None)  # [B, T, H, D]
        except RuntimeError as error:
            expected = f"a mechanism for {site.heads} query and {site.key_heads} key heads ({error})"
            raise SettingError("attention", name, expected, "Share its maps of keys between heads.") from None
        k, v = repeated(k, site.heads), repeated(v, site.heads)
        if not torch.equal(ours.transpose(1, 2), F.scaled_dot_product_attention(q, k, v, is_causal=True)):
            expected = (
                "a mechanism that begins as softmax, so that the model begins as it was; this one computes something "
                "else with the values that it begins with"
            )
            fix = "Leave its values as model=pretrained sets them, or choose one that can begin so."
            raise SettingError("attention", name, expected, fix)
