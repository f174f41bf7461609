"""TOVA: the entry that the current query weighs least leaves (Oren et al., arXiv 2401.06104, algorithm 1).

    d = argmin_j mean_h p[h, j],    p[h, j] = softmax_j(q_t[h] . k_j / sqrt(D))

over all entries: neither the newest nor the first is protected. The paper takes the mean over the heads of a layer;
`scope=head` is its TOVA-head, `first=i` its TOVA+i.
"""

from reattend.cache.by_rank import Ranked


class Tova(Ranked):
    @staticmethod
    def rank(previous: float, weight: float, position: int, step: int, lane: int) -> float:
        return weight
