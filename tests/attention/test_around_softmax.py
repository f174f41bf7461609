"""Mechanisms around softmaxes: against loops over single numbers, other libraries, softmax and each other."""

import math

import pytest
import torch
from naive import linear, mixed, sees, softmax_row
from test_cost import LENGTH, largest
from tiny import HEAD_WIDTH, HEADS, attend, dagpam, decoder, mechanism, options, qkv, scores, some_mask

from reattend.attention.diff_v1 import DiffV1
from reattend.models.layers import SelfAttention
from reattend.settings import SettingError

OPTIONS = options("attention")
SOFTMAX = OPTIONS["softmax"]


def sigmoid(x):
    return 1 / (1 + torch.exp(-x))


def each(function, *rows):
    """function(head, token, key, entry of each) for rows [H][T][S]."""
    heads, tokens, keys = range(len(rows[0])), range(len(rows[0][0])), range(len(rows[0][0][0]))
    return [[[function(h, t, s, *(r[h][t][s] for r in rows)) for s in keys] for t in tokens] for h in heads]


class Formulas:
    """Each mechanism's scores [H][T][S] and what becomes of a token's outputs y [H, T, D], one number at a time."""

    def __init__(self, parameters, q, k, v, looks):
        self.p, self.q, self.k, self.looks, self.own = parameters, q, k, looks, v[:, v.shape[1] - q.shape[1] :]

    def softmax(self, q=None, k=None):
        q, k = self.q if q is None else q, self.k if k is None else k
        return [
            [softmax_row(q[h][t], k[h], looks) for t, looks in enumerate(head)] for h, head in enumerate(self.looks)
        ]

    def uniform(self):
        return [[[look / sum(row) for look in row] for row in head] for head in self.looks]

    def scalar(self, weight, h, t):
        """A linear map to one number of all heads' queries, with the weights of head h."""
        together = [number for head in self.q for number in head[t]]
        return sum(number * w for number, w in zip(together, weight[h], strict=True))

    def plain(self, y):
        return y

    def attn_scale(self):
        w = self.p["scale"].flatten()
        return each(lambda h, t, s, p, u: u + (1 + w[h]) * (p - u), self.softmax(), self.uniform()), self.plain

    def shaped(self):
        alpha, beta, gamma = (self.p[name].flatten() for name in ("alpha", "beta", "gamma"))
        rows = each(lambda h, t, s, p, u: beta[h] * p - gamma[h] * u, self.softmax(), self.uniform())
        return rows, lambda y: y + torch.stack([a * v for a, v in zip(alpha, self.own, strict=True)])

    def value_skip(self):
        beta = self.p["skip"].flatten()
        return self.softmax(), lambda y: y + torch.stack([b * v for b, v in zip(beta, self.own, strict=True)])

    def softmax1(self):
        def power(h, t, s):
            return torch.exp(self.q[h, t] @ self.k[h, s] / math.sqrt(HEAD_WIDTH)) if self.looks[h][t][s] else 0.0

        rows = each(lambda h, t, s, look: power(h, t, s), self.looks)
        return [[[e / (1 + sum(row)) for e in row] for row in head] for head in rows], self.plain

    def gated(self):
        gate = torch.stack([torch.stack(list(map(torch.stack, head))) for head in self._full("gate.weight")])
        return self.softmax(), lambda y: y * sigmoid(gate)

    def _full(self, name):
        return linear(self.q, self.p[name], None, "full")

    def diff_v2(self):
        second = self.softmax(self._full("second_query.weight"))
        share = self.p["lambda_logit.weight"]

        def score(h, t, s, p, n):
            return p - sigmoid(self.scalar(share, h, t)) * n

        return each(score, self.softmax(), second), self.plain

    def diff_v1(self):
        (a1, b1), (a2, b2) = self.p["lambdas"]
        lam = torch.exp(a1 @ b1) - torch.exp(a2 @ b2) + 0.8 - 0.6  # depth 0
        first, second = (self.softmax(*(torch.stack([x[i], x[i]]) for x in (self.q, self.k))) for i in (0, 1))

        def normed(y):
            both = torch.cat([y[0], y[1]], dim=-1)  # [T, 2 D]: a token's values of two heads are one
            for t, row in enumerate(both):
                size = math.sqrt(sum(number**2 for number in row.tolist()) / len(row) + 1e-5)
                both[t] = 0.8 * row / size * self.p["gain"]
            return torch.stack(both.chunk(2, dim=-1))

        return each(lambda h, t, s, p, n: p - lam * n, first, second), normed

    def added(self):
        share = sigmoid(self.p["raw_positive"]).flatten()
        held = [[[x if x > 0 else 0 * x for x in row] for row in head] for head in self.q]
        second = linear(held, self.p["query_maps.0.weight"], self.p["query_maps.0.bias"], "head_shared")
        rows = each(lambda h, t, s, p, n: (1 - share) * p + share * n, self.softmax(), self.softmax(second))
        return [[[entry[0] for entry in row] for row in head] for head in rows], self.plain

    def softmax_linear(self):
        return self.softmax(), lambda y: y @ self.p["map.weight"][0] + self.p["map.bias"][0]


NAMES = [name for name in OPTIONS if hasattr(Formulas, name) and name != "softmax"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("queries", "keys", "causal", "masked"),
    [(3, 3, True, False), (2, 4, True, True), (2, 3, False, False), (2, 4, True, False)],
)
@torch.no_grad()
def test_outputs_are_those_of_the_formulas(name, queries, keys, causal, masked):
    built = mechanism(OPTIONS[name])
    q, k, v = qkv(queries=queries, keys=keys, batch=1)
    mask = some_mask(queries=queries, keys=keys, batch=1) if masked else None
    if masked and name == "diff_v1":
        mask = mask[:, :1]  # two heads are one
    y = attend(built, q, k, v, causal=causal, mask=mask)
    got = built.finish(y, q, v[:, :, keys - queries :])[0]

    seen = [None] * HEADS if mask is None else mask[0].expand(HEADS, -1, -1)
    how = {"queries": queries, "keys": keys, "causal": causal}
    looks = [[[sees(t, s, mask=m, **how) for s in range(keys)] for t in range(queries)] for m in seen]
    rows, finish = getattr(Formulas(dict(built.named_parameters()), q[0], k[0], v[0], looks), name)()
    torch.testing.assert_close(got, finish(mixed(rows, v[0])))


def test_headwise_gates_are_one_number_a_head():
    built = mechanism(OPTIONS["gated"] | {"gate": "headwise"})
    q, _, v = qkv(queries=3, keys=3)
    together = q.transpose(1, 2).flatten(2)  # [B, T, HD]
    for h in range(HEADS):
        gate = sigmoid((together * built.gate.weight[h]).sum(dim=-1, keepdim=True))
        torch.testing.assert_close(built.finish(v, q, v)[:, h], gate * v[:, h])


def test_diff_v1_is_the_attention_of_diffllama():
    from transformers.models.diffllama.modeling_diffllama import DiffLlamaAttention, DiffLlamaConfig

    sizes = {"hidden_size": 24, "num_attention_heads": 4, "num_key_value_heads": 4, "rms_norm_eps": 1e-5}
    theirs = DiffLlamaAttention(DiffLlamaConfig(**sizes, attn_implementation="sdpa"), layer_idx=2)
    built = [DiffV1(heads=4, head_width=6) for _ in range(3)]
    DiffV1.tie(built)
    ours = SelfAttention(width=24, mechanism=built[2], bias=False)
    order = torch.tensor([0, 2, 1, 3])  # they pair head j with j + H / 2, we as the paper's code with the next
    with torch.no_grad():
        parts = [getattr(theirs, f"{name}_proj").weight.view(4, 6, 24)[order] for name in "qkv"]
        ours.inputs.weight.copy_(torch.stack(parts).view(72, 24))
        ours.output.weight.copy_(theirs.o_proj.weight)
        pairs = [[getattr(theirs, f"lambda_{kind}{number}") for kind in "qk"] for number in (1, 2)]
        built[2].lambdas.copy_(torch.stack([torch.stack(pair) for pair in pairs]))
        x = torch.randn(2, 7, 24, generator=torch.Generator().manual_seed(0))
        still = torch.ones(1, 7, 6), torch.zeros(1, 7, 6)  # turned by no angle
        torch.testing.assert_close(ours(x, angles=None, state=None), theirs(x, still)[0])


def test_diff_v1_starts_lambda_by_depth_and_pairs_heads():
    model = decoder(OPTIONS["diff_v1"], layers=3)
    wanted = [0.2, 0.8 - 0.6 * math.exp(-0.3), 0.8 - 0.6 * math.exp(-0.6)]
    assert [layer.lambda_init for layer in model.mechanisms] == pytest.approx(wanted)
    with pytest.raises(SettingError, match=r"^model\.heads=3: expected an even number"):
        decoder(OPTIONS["diff_v1"], width=12, heads=3)


SAME = [
    ("attn_scale", {"start": 0.0}),
    ("shaped", {"alpha_init": 0.0, "beta_init": 1.0, "gamma_init": 0.0}),
    ("value_skip", {"start": 0.0}),
    ("softmax_linear", {}),
]


@pytest.mark.parametrize(("name", "start"), SAME)
def test_what_starts_as_softmax(name, start):
    tokens = torch.arange(12).view(1, 12) % 11
    torch.testing.assert_close(decoder(OPTIONS[name] | start, seed=3)(tokens), decoder(SOFTMAX, seed=3)(tokens))


@pytest.mark.parametrize("name", ["added", "diff_v2"])
def test_a_share_of_zero_is_softmax(name):
    built, (q, k, v) = mechanism(OPTIONS[name]), qkv(queries=3, keys=5)
    queries, keys = built.branches(q, k)
    if name == "added":
        torch.nn.init.constant_(built.raw_positive, -800.0)
    else:
        queries = (*queries[:2], torch.full_like(queries[2], -800.0))
    plain = attend(mechanism(SOFTMAX), q, k, v, causal=True)
    torch.testing.assert_close(built(queries, keys, v, causal=True), plain)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_dagpam_with_a_zero_map_is_attn_scale(lam, masked):
    q, k, v = qkv(queries=3, keys=5)
    first = mechanism(dagpam(lambda_init=lam), seed=None)
    torch.nn.init.zeros_(first.query_maps[0].weight)
    second = mechanism(OPTIONS["attn_scale"] | {"start": lam}, seed=None)
    how = {"causal": True, "mask": some_mask(queries=3, keys=5) if masked else None}
    torch.testing.assert_close(attend(first, q, k, v, **how), attend(second, q, k, v, **how))


def test_added_is_dagpam_with_the_sign_turned_and_a_sum_of_one():
    """((1 + l) P+ + l P-) / (1 + 2 l) at l = 1, with the same parameters."""
    control, model = (decoder(OPTIONS[name], seed=3) for name in ("added", "dagpam"))
    (one, *_), (other, *_) = control.mechanisms, model.mechanisms
    same, wanted = one.state_dict(), other.state_dict()
    assert same.keys() == wanted.keys()
    assert all(torch.equal(same[name], wanted[name]) for name in wanted if "raw_" not in name)
    torch.testing.assert_close(one.mixture(), torch.tensor([[2 / 3] * 2, [1 / 3] * 2]), atol=1e-4, rtol=0)
    for share in (0.0, 1.0):
        with pytest.raises(SettingError, match=r"^attention\.lambda_init="):
            mechanism(OPTIONS["added"] | {"lambda_init": share})


ROW_SUMS = {
    "attn_scale": lambda built: torch.ones(HEADS),
    "shaped": lambda built: (built.beta - built.gamma).flatten(),
    "added": lambda built: torch.ones(HEADS),
    "diff_v1": lambda built: (1 - built.subtracted()).flatten().expand(HEADS),
}


@pytest.mark.parametrize("name", ROW_SUMS)
def test_rows_sum_to_what_is_stated(name):
    built, (q, k, _) = mechanism(OPTIONS[name]), qkv(queries=3, keys=5)
    sums = scores(built, q, k, causal=True).sum(dim=-1)  # [B, H, T]
    torch.testing.assert_close(sums, ROW_SUMS[name](built)[None, :, None].expand_as(sums), check_dtype=False)


EXTRA = {  # of a layer with H = 2, D = 4
    "attn_scale": 2,
    "shaped": 6,
    "value_skip": 2,
    "softmax1": 0,
    "gated": 64,
    "diff_v1": 24,
    "diff_v2": 64 + 16,
    "added": 21,
    "softmax_linear": 20,
}


@pytest.mark.parametrize("name", EXTRA)
def test_cost_is_the_stated_parameters_and_no_tensor_of_all_pairs(name):
    assert sum(p.numel() for p in mechanism(OPTIONS[name]).parameters()) == EXTRA[name]
    assert largest(OPTIONS[name]) < LENGTH * LENGTH / 4


@pytest.mark.parametrize("name", NAMES)
def test_what_a_layer_adds_by_itself_is_added_token_by_token(name):
    """So no state and no split of a text can change it; and it keeps bfloat16."""
    built, (q, _, v) = mechanism(OPTIONS[name]), qkv(queries=5, keys=5)
    y = torch.randn(v.shape, generator=torch.Generator().manual_seed(1), dtype=v.dtype)
    whole = built.finish(y, q, v)
    parts = [built.finish(*(x[:, :, [t]] for x in (y, q, v))) for t in range(5)]
    torch.testing.assert_close(torch.cat(parts, dim=2), whole)
    assert built.finish(y, q, None).shape == y.shape
    with torch.autocast("cpu", torch.bfloat16):
        rounded = built.float().finish(*(x.bfloat16() for x in (y, q, v)))
    assert rounded.dtype == torch.bfloat16
    assert (rounded - whole).abs().max() < 0.03 * whole.abs().max()
