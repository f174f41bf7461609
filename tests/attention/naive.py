"""Softmax and daGPAM written from the papers' formulas, one number at a time, sharing no code with the library.

Everything is a nested list of 0-dimensional float64 tensors, so that autograd gives the formulas' own gradients.
"""

import math

import torch

ACTIVATIONS = {
    "relu": lambda x: x if x > 0 else 0 * x,
    "identity": lambda x: x,
    "tanh": lambda x: (torch.exp(x) - torch.exp(-x)) / (torch.exp(x) + torch.exp(-x)),
    "gelu": lambda x: x * (1 + torch.erf(x / math.sqrt(2))) / 2,
}
CONSTRAINTS = {
    "none": lambda x: x,
    "softplus": lambda x: torch.log(1 + torch.exp(x)),
    "sigmoid": lambda x: 1 / (1 + torch.exp(-x)),
}


def softmax_row(query, keys, seen):
    """The probabilities of one query over the keys, 0 where it does not look."""
    products = [sum(a * b for a, b in zip(query, key, strict=True)) / math.sqrt(len(query)) for key in keys]
    powers = [torch.exp(s) if look else 0.0 for s, look in zip(products, seen, strict=True)]
    return [power / sum(powers) for power in powers]


def linear(x, weight, bias, sharing):
    """x [H][T][D] times [D, D] for all heads, one such a head, or one [HD, HD] over the heads side by side."""
    heads, width = len(x), len(x[0][0])
    result = [[[None] * width for _ in x[0]] for _ in x]
    for t in range(len(x[0])):
        for h in range(heads):
            taken = [number for head in x for number in head[t]] if sharing == "full" else x[h][t]
            group = h if sharing == "per_head" else 0
            for o in range(width):
                column = h * width + o if sharing == "full" else o
                total = sum(number * weight[group, i, column] for i, number in enumerate(taken))
                result[h][t][o] = total if bias is None else total + bias[group, 0, column]
    return result


def mixed(rows, v):
    """rows [H][T][S] times v [H][S][D]."""
    return torch.stack(
        [
            torch.stack([sum(p * value for p, value in zip(row, values, strict=True)) for row in head])
            for head, values in zip(rows, v, strict=True)
        ]
    )


def sees(t, s, *, queries, keys, causal, mask):
    """Whether query t, at position t + S - T, may look at key s."""
    return (not causal or s <= t + keys - queries) and (mask is None or bool(mask[t][s]))


def attention(q, k, v, *, causal, mask=None, config, parameters):
    """One text: q [H, T, D], k and v [H, S, D], mask [H, T, S]; `parameters` by the names the mechanism gives them."""
    heads, queries, keys = range(len(q)), range(q.shape[1]), range(k.shape[1])

    def probabilities(q, k):
        looks = [
            [
                [
                    sees(
                        t,
                        s,
                        queries=len(queries),
                        keys=len(keys),
                        causal=causal,
                        mask=None if mask is None else mask[h],
                    )
                    for s in keys
                ]
                for t in queries
            ]
            for h in heads
        ]
        return [[softmax_row(q[h][t], k[h], looks[h][t]) for t in queries] for h in heads]

    positive = probabilities(q, k)
    if config["name"] == "softmax":
        return mixed(positive, v)

    *first, last = range(config["negative_query_layers"])
    sharing = config["negative_query"]
    second = q
    for layer in first:
        second = linear(
            second, parameters[f"query_maps.{layer}.weight"], parameters.get(f"query_maps.{layer}.bias"), sharing
        )
    act = ACTIVATIONS[config["activation"]]
    second = [[[act(number) for number in row] for row in head] for head in second]
    second = linear(second, parameters[f"query_maps.{last}.weight"], parameters.get(f"query_maps.{last}.bias"), sharing)
    second_k = k
    if config["negative_key"] != "none":
        second_k = linear(k, parameters["key_map.weight"], parameters.get("key_map.bias"), config["negative_key"])
    negative = probabilities(second, second_k)

    constrain = CONSTRAINTS[config["lambda_constraint"]]
    l_positive = constrain(parameters["raw_positive"]).flatten()
    l_negative = constrain(parameters.get("raw_negative", parameters["raw_positive"])).flatten()
    rows = [
        [
            [
                (1 + l_positive[h % len(l_positive)]) * p - l_negative[h % len(l_negative)] * n
                for p, n in zip(*pair, strict=True)
            ]
            for pair in zip(positive[h], negative[h], strict=True)
        ]
        for h in heads
    ]
    return mixed(rows, v)
