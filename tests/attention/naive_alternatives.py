"""Rules for one row of weights, one number at a time, sharing no code with the library.

A row is a list of logits Q K^T / sqrt(D) of the visible keys alone, as 0-dimensional float64 tensors, so that autograd
gives the formulas' own gradients.
"""

import math

import torch


def mean(numbers):
    return sum(numbers) / len(numbers)


def softmax(row):
    powers = [torch.exp(s) for s in row]
    return [power / sum(powers) for power in powers]


def spread(row):
    """The standard deviation of a row, None where all are equal."""
    centre = mean(row)
    variance = mean([(s - centre) ** 2 for s in row])
    return torch.sqrt(variance) if variance > 1e-20 else None


def logistic(x):
    return 1 / (1 + torch.exp(-x))


def non(row, **_):
    return [s / math.sqrt(len(row)) for s in row]


def nap(row, *, width, parameters, head, **_):
    products = [s * math.sqrt(width) for s in row]
    centre, std = mean(products), spread(products)
    gain, bias = parameters["gain"][head].squeeze(), parameters["bias"][head].squeeze()
    return [bias + (0 if std is None else gain * (a - centre) / (std + 0.001)) for a in products]


def coda(row, *, query, keys, width, config, **_):
    distances = [-sum(abs(a - b) for a, b in zip(query, key, strict=True)) / math.sqrt(width) for key in keys]
    centre = mean(distances)
    gates = {
        "scale": [2 * logistic(g) for g in distances],
        "mean": [logistic(g - centre) for g in distances],
        "none": [logistic(g) for g in distances],
    }
    return [torch.tanh(s) * gate for s, gate in zip(row, gates[config["centring"]], strict=True)]


def norm_softmax(row, *, config, **_):
    std = spread(row)
    if std is None:
        return [torch.ones_like(s) / len(row) for s in row]
    return softmax([s / (1 if config["cap"] and std > 1 else std) for s in row])


def cog(row, **_):
    return [p if s > 0 else -p for s, p in zip(row, softmax([abs(s) for s in row]), strict=True)]


def softpick(row, **_):
    total = sum(abs(torch.exp(s) - 1) for s in row)
    return [(torch.exp(s) - 1) / total if s > 0 else 0 * s for s in row]


def sigmoid(row, *, config, **_):
    bias = -math.log(len(row)) if config["bias"] is None else config["bias"]
    return [logistic(s + bias) for s in row]


RULES = {rule.__name__: rule for rule in (non, nap, coda, norm_softmax, cog, softpick, sigmoid)}


def attention(q, k, v, *, causal, mask, config, parameters):
    """One text: q [H, T, D], k and v [H, S, D], mask [H, T, S]; outputs [H, T, D]."""
    heads, queries, width = q.shape
    outputs = []
    for h in range(heads):
        for t in range(queries):
            last = k.shape[1] - queries + t
            seen = [s for s in range(k.shape[1]) if (not causal or s <= last) and (mask is None or mask[h, t, s])]
            row = [sum(a * b for a, b in zip(q[h, t], k[h, s], strict=True)) / math.sqrt(width) for s in seen]
            own = {"query": q[h, t], "keys": [k[h, s] for s in seen], "head": h}
            weights = RULES[config["name"]](row, width=width, config=config, parameters=parameters, **own)
            outputs.append(sum(w * v[h, s] for w, s in zip(weights, seen, strict=True)))
    return torch.stack(outputs).view(heads, queries, width)
