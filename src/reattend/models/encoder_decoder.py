"""An encoder-decoder around any attention mechanism (Vaswani et al., Attention Is All You Need, arXiv 1706.03762).

    source [B, S], inputs [B, T] -> logits [B, T, target vocabulary]; logits[:, t] predict target token t + 1

A row of `source` may end in padding, which no token looks at; so may one of `inputs`, since later tokens are never
seen. The sizes, ties and initial values of fairseq's transformer_iwslt_de_en and transformer_wmt_en_de are options.
Deviations from fairseq: positions are counted from 0 (there from 2), sinusoids are those of the paper (there
the exponents reach 1), embeddings are multiplied by sqrt(width) with sinusoidal positions alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

from torch import Tensor, nn
from torch.nn import functional as F

from reattend.attention import build_attention
from reattend.data.parallel.dictionary import PAD
from reattend.models.initialise import Initialisation, initialise
from reattend.models.layers import Activation, Block, CrossBlock, KeysValues, Norm, Past
from reattend.models.positions import POSITIONS, Positions
from reattend.settings import SettingError, at_least, within

PLACES = ("encoder", "decoder", "cross")


@dataclass(frozen=True)
class Memory:
    """What a decoder needs of the sources: keys and values for each of its layers, and where there is no padding."""

    layers: list[KeysValues]
    mask: Tensor | None  # [B, 1, 1, S]; None where nothing is padded

    def select(self, rows: Tensor) -> "Memory":
        """Of these rows of the batch alone."""
        layers = [(tuple(key[rows] for key in keys), v[rows]) for keys, v in self.layers]
        return Memory(layers, None if self.mask is None else self.mask[rows])


class EncoderDecoder(nn.Module):
    def __init__(
        self,
        *,
        attention: Mapping[str, Any],
        vocabulary: tuple[int, int],
        context: int,
        seed: int,
        width: int,
        encoder_layers: int,
        decoder_layers: int,
        heads: int,
        feed_forward: int | None = None,
        norm: Norm = "post",
        positions: Literal["learned", "sinusoidal", "rotary"] = "sinusoidal",
        embeddings: Literal["separate", "decoder", "all"] = "decoder",
        attention_in: list[str] | None = None,
        activation: Activation = "relu",
        dropout: float = 0.0,
        initialisation: Initialisation = "glorot",
        bias: bool = True,
    ) -> None:
        super().__init__()
        counts = {"width": width, "encoder_layers": encoder_layers, "decoder_layers": decoder_layers, "heads": heads}
        for setting, value in counts.items():
            at_least(f"model.{setting}", value, 1)
        inner = 4 * width if feed_forward is None else feed_forward
        at_least("model.feed_forward", inner, 1)
        within("model.dropout", dropout, 0.0, 1.0)
        if width % heads:
            raise SettingError("model.width", width, f"a multiple of model.heads={heads}", "Change one of the two.")
        at_least("data.context", context, 2)
        self.context = context
        self._embed(vocabulary, width=width, shared=embeddings == "all")
        sizes = {"width": width, "head_width": width // heads, "context": context}
        self.source_positions: Positions = POSITIONS[positions](**sizes)
        self.target_positions: Positions = POSITIONS[positions](**sizes)
        self.dropout = nn.Dropout(dropout)

        places = _places(attention, attention_in)
        counts = {"encoder": encoder_layers, "decoder": decoder_layers, "cross": decoder_layers}
        built = {
            place: [build_attention(places[place], heads=heads, head_width=width // heads) for _ in range(count)]
            for place, count in counts.items()
        }
        self.mechanisms = [one for place in PLACES if places[place] is attention for one in built[place]]
        if self.mechanisms:
            type(self.mechanisms[0]).tie(self.mechanisms)
        shape: dict[str, Any] = {"width": width, "inner": inner, "norm": norm, "dropout": dropout, "bias": bias}
        shape["activation"] = activation
        self.encoder = nn.ModuleList(Block(mechanism=one, **shape) for one in built["encoder"])
        self.decoder = nn.ModuleList(
            CrossBlock(mechanism=one, cross=cross, **shape)
            for one, cross in zip(built["decoder"], built["cross"], strict=True)
        )
        self.encoder_norm = nn.LayerNorm(width, bias=bias) if norm == "pre" else nn.Identity()
        self.decoder_norm = nn.LayerNorm(width, bias=bias) if norm == "pre" else nn.Identity()
        self.output = nn.Linear(width, vocabulary[1], bias=False)
        deepest = max(encoder_layers, decoder_layers)
        initialise(self, seed=seed, width=width, layers=deepest, rule=initialisation)
        if embeddings != "separate":
            self.output.weight = self.target_embedding.weight

    def _embed(self, vocabulary: tuple[int, int], *, width: int, shared: bool) -> None:
        self.target_embedding = nn.Embedding(vocabulary[1], width, padding_idx=PAD)
        if shared and vocabulary[0] != vocabulary[1]:
            expected = f"decoder or separate, since the vocabularies differ ({vocabulary[0]:,} and {vocabulary[1]:,})"
            raise SettingError("model.embeddings", "all", expected, "Or join the two vocabularies.")
        self.source_embedding = self.target_embedding if shared else nn.Embedding(vocabulary[0], width, padding_idx=PAD)

    def read(self, source: Tensor) -> Memory:
        """Encode `source` [B, S], right-padded: keys and values of every layer of the decoder."""
        real = source != PAD  # [B, S]
        mask = None if bool(real.all()) else real[:, None, None]
        x = self.dropout(self.source_positions.add(self.source_embedding(source), 0))  # [B, S, width]
        angles = self.source_positions.angles(0, source.shape[1], source.device)
        for block in self.encoder:
            x = block(x, angles=angles, state=None, causal=False, mask=mask)
        x = self.encoder_norm(x)
        return Memory([cast(CrossBlock, block).cross_attention.read(x) for block in self.decoder], mask)

    def forward(self, source: Tensor, inputs: Tensor) -> Tensor:
        memory = self.read(source)
        x = self.target_positions.add(self.target_embedding(inputs), 0)  # [B, T, width]
        return self._decode(x, memory, self.target_positions.angles(0, inputs.shape[1], inputs.device), None)

    def step(self, tokens: Tensor, memory: Memory, *, position: int, past: Sequence[Past]) -> Tensor:
        """Logits [B, K, vocabulary] after K tokens [B, K] that stand side by side at one position, as beams do."""
        x = self.target_positions.add(self.target_embedding(tokens.reshape(-1, 1)), position)
        angles = self.target_positions.angles(position, 1, tokens.device)
        return self._decode(x.view(*tokens.shape, -1), memory, angles, past)

    def _decode(self, x: Tensor, memory: Memory, angles: Tensor | None, past: Sequence[Past] | None) -> Tensor:
        x = self.dropout(x)
        for index, block in enumerate(self.decoder):
            state = None if past is None else past[index]
            x = block(x, angles=angles, state=state, memory=memory.layers[index], mask=memory.mask)
        return self.output(self.decoder_norm(x))

    def loss(self, source: Tensor, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Summed -ln p of the targets [B, T] that are not -100, and how many those are."""
        logits = self(source, inputs)
        nats = F.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), ignore_index=-100, reduction="sum")
        return nats, (targets != -100).sum()

    def learned(self) -> dict[str, list[Any]]:
        """Each mechanism's few learned scalars, a list over the layers: encoder, decoder, cross-attention."""
        layers = [mechanism.learned() for mechanism in self.mechanisms]
        return {name: [layer[name] for layer in layers] for name in (layers[0] if layers else ())}


def _places(attention: Mapping[str, Any], attention_in: list[str] | None) -> dict[str, Mapping[str, Any]]:
    """Which mechanism each place has: `attention`, or softmax with the same dropout."""
    chosen = list(PLACES) if attention_in is None else attention_in
    for place in chosen:
        if place not in PLACES:
            raise SettingError(
                "model.attention_in", place, f"some of {', '.join(PLACES)}", "Correct or remove this one."
            )
    plain = {"name": "softmax", "dropout": attention.get("dropout", 0.0)}
    return {place: attention if place in chosen else plain for place in PLACES}
