"""The encoder-decoder: published sizes, padding that no score depends on, and equal to transformers' Marian."""

import pytest
import torch
from dagpam_space import SINGLE, START
from tiny import dagpam, options, shake
from torch import nn

from reattend.attention import build_attention
from reattend.bench.marian import marian
from reattend.data.parallel.dictionary import EOS, PAD
from reattend.models import build_model, size
from reattend.models.encoder_decoder import EncoderDecoder
from reattend.settings import SettingError

SOFTMAX = options("attention")["softmax"]
EVERY_NORM = pytest.mark.parametrize("norm", ["pre", "post"])
EVERY_POSITION = pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])


def built(attention=SOFTMAX, *, vocabulary=(11, 13), context=32, seed=0, **sizes) -> EncoderDecoder:
    shape = {"width": 8, "encoder_layers": 2, "decoder_layers": 2, "heads": 2, "feed_forward": 12} | sizes
    config = {"architecture": "encoder_decoder", "name": "test", **shape}
    return build_model(config, attention=attention, vocabulary=vocabulary, context=context, seed=seed)


def shaken(*given, **sizes) -> EncoderDecoder:
    model = built(*given, **sizes).double().eval()
    shake(model)
    return model


def pairs(*, length=6, targets=5, batch=3, vocabulary=(11, 13)):
    draw = torch.Generator().manual_seed(length)
    source = torch.randint(4, vocabulary[0], (batch, length), generator=draw)
    inputs = torch.randint(4, vocabulary[1], (batch, targets), generator=draw)
    source[:, -1], inputs[:, 0] = EOS, EOS
    return source, inputs


IWSLT = {"width": 512, "feed_forward": 1024, "heads": 4}
BASE = {"width": 512, "feed_forward": 2048, "heads": 8}
BIG = {"width": 1024, "feed_forward": 4096, "heads": 16}


@pytest.mark.parametrize(
    ("sizes", "vocabulary", "embeddings", "parameters"),
    [
        (IWSLT, (8848, 6632), "decoder", 39_469_056),
        (IWSLT, (10_152, 10_152), "all", 36_741_120),
        (BASE, (32_768, 32_768), "all", 60_915_712),
        (BIG, (32_768, 32_768), "all", 209_911_808),
    ],
)
def test_published_models_have_their_published_size(monkeypatch, sizes, vocabulary, embeddings, parameters):
    monkeypatch.setattr("reattend.models.encoder_decoder.initialise", lambda *given, **how: None)

    def count(**changes):
        layers = {"encoder_layers": 6, "decoder_layers": 6, "embeddings": embeddings}
        with torch.device("meta"):
            return size(built(vocabulary=vocabulary, **sizes | layers | changes))

    assert count() == parameters
    assert count(norm="pre") == parameters + 2 * 2 * sizes["width"]  # both stacks end in a norm of their own
    assert count(embeddings="separate") == count(embeddings="decoder") + vocabulary[1] * sizes["width"]


@pytest.mark.parametrize(
    ("changes", "added"),
    [
        ({"bias": False}, 294_912),  # 18 matrices of 128 x 128: 0.75 %
        ({"bias": True}, 294_912 + 18 * 128),
        ({"bias": False, "negative_query": "per_head"}, 4 * 294_912),
        ({"bias": False, "negative_query_layers": 2}, 2 * 294_912),
    ],
)
def test_dagpam_adds_what_the_arithmetic_says(changes, added):
    extra = sum(size(build_attention(dagpam(**changes), heads=4, head_width=128)) for _ in range(18))
    assert extra == added + 18  # and a lambda each
    small = {"width": 8, "heads": 2, "encoder_layers": 3, "decoder_layers": 2}
    one = size(build_attention(dagpam(**changes), heads=2, head_width=4))
    assert size(built(dagpam(**changes), **small)) - size(built(**small)) == (3 + 2 + 2) * one


@EVERY_NORM
@EVERY_POSITION
def test_padding_and_company_change_no_score(attention, norm, positions):
    model = shaken(attention, norm=norm, positions=positions)
    source, inputs = pairs()
    source[1, 3], source[1, 4:] = EOS, PAD
    inputs[2, 2:] = PAD
    together = model(source, inputs)
    torch.testing.assert_close(together[1:2], model(source[1:2, :4], inputs[1:2]))
    torch.testing.assert_close(together[2:3, :2], model(source[2:3], inputs[2:3, :2]))
    wider = torch.cat([source, torch.full((3, 2), PAD)], dim=1)
    torch.testing.assert_close(model(wider, inputs), together)


def test_a_batch_without_padding_has_no_mask(attention):
    model = built(attention)
    source, _ = pairs()
    assert model.read(source).mask is None
    source[0, -1] = PAD
    assert model.read(source).mask.shape == (3, 1, 1, 6)


@EVERY_NORM
@EVERY_POSITION
def test_logits_depend_on_the_whole_source_and_on_earlier_targets(attention, norm, positions):
    model = shaken(attention, norm=norm, positions=positions)
    source, inputs = pairs(batch=1)
    embedded = {}
    for name in ("source_embedding", "target_embedding"):
        getattr(model, name).register_forward_hook(
            lambda module, given, output, name=name: embedded.__setitem__(name, output)
        )
    logits = model(source, inputs)
    for t in range(5):
        score = logits[:, t].square().sum()
        to_source, to_target = torch.autograd.grad(score, list(embedded.values()), retain_graph=True)
        # a row of affine daGPAM sums to 1, so nothing here vanishes by construction
        assert (to_source != 0).any(-1).all()
        assert (to_target != 0).any(-1)[0].tolist() == [s <= t for s in range(5)]


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_softmax_in_post_norm_equals_marian(activation):
    model = shaken(vocabulary=(13, 13), embeddings="all", activation=activation, decoder_layers=3, context=16)
    theirs = marian(model, activation=activation)
    source, inputs = pairs(vocabulary=(13, 13))
    source[1, 3], source[1, 4:] = EOS, PAD
    logits = theirs(input_ids=source, attention_mask=source != PAD, decoder_input_ids=inputs).logits
    # positions are computed in float32 here, in float64 there
    torch.testing.assert_close(model(source, inputs), logits, rtol=1e-5, atol=1e-5)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_softmax_in_pre_norm_equals_pytorchs_transformer():
    model = shaken(norm="pre", decoder_layers=1, encoder_layers=1, positions="learned")
    source, inputs = pairs()
    theirs = nn.Transformer(8, 2, 1, 1, 12, 0.0, batch_first=True, norm_first=True, dtype=torch.float64).eval()
    encoder, decoder = theirs.encoder.layers[0], theirs.decoder.layers[0]
    ours, beside = model.encoder[0], model.decoder[0]
    cross = beside.cross_attention
    copied = [
        (encoder.self_attn, [ours.attention.inputs], ours.attention.output),
        (decoder.self_attn, [beside.attention.inputs], beside.attention.output),
        (decoder.multihead_attn, [cross.query, cross.memory], cross.output),
    ]
    with torch.no_grad():
        for attention, joint, output in copied:
            attention.in_proj_weight.copy_(torch.cat([one.weight for one in joint]))
            attention.in_proj_bias.copy_(torch.cat([one.bias for one in joint]))
            attention.out_proj.load_state_dict(output.state_dict())
    for layer, block in ((encoder, ours), (decoder, beside)):
        layer.linear1.load_state_dict(block.feed_forward.up.state_dict())
        layer.linear2.load_state_dict(block.feed_forward.down.state_dict())
        layer.norm1.load_state_dict(block.attention_norm.state_dict())
    encoder.norm2.load_state_dict(ours.feed_forward_norm.state_dict())
    decoder.norm2.load_state_dict(beside.cross_attention_norm.state_dict())
    decoder.norm3.load_state_dict(beside.feed_forward_norm.state_dict())
    theirs.encoder.norm.load_state_dict(model.encoder_norm.state_dict())
    theirs.decoder.norm.load_state_dict(model.decoder_norm.state_dict())
    x = model.source_embedding.weight[source] + model.source_positions.table.weight[:6]
    y = model.target_embedding.weight[inputs] + model.target_positions.table.weight[:5]
    later = torch.ones(5, 5, dtype=torch.bool).triu(1)
    wanted = theirs(x, y, tgt_mask=later) @ model.target_embedding.weight.T
    torch.testing.assert_close(model(source, inputs), wanted)


def test_loss_sums_over_the_targets_that_count(attention):
    model = built(attention).eval()
    source, inputs = pairs()
    targets = inputs.roll(-1, dims=1)
    targets[0, 3:] = -100
    log_p = model(source, inputs).log_softmax(-1)
    wanted = -sum(log_p[b, t, targets[b, t]] for b in range(3) for t in range(5) if targets[b, t] >= 0)
    nats, count = model.loss(source, inputs, targets)
    torch.testing.assert_close(nats, wanted)
    assert count == 13


@pytest.mark.parametrize("initialisation", ["glorot", "small"])
@pytest.mark.parametrize("single", SINGLE, ids=str)
def test_shared_parameters_start_alike_whatever_a_mechanism_adds(single, initialisation):
    plain = built(seed=5, initialisation=initialisation).state_dict()
    other = built(dagpam(lambda_init=START, **single), seed=5, initialisation=initialisation).state_dict()
    assert len(other) > len(plain)
    assert all(torch.equal(plain[name], other[name]) for name in plain)


@pytest.mark.parametrize("embeddings", ["separate", "decoder", "all"])
def test_glorot_spread_of_each_kind_of_parameter(embeddings):
    model = built(
        width=128, heads=2, feed_forward=256, embeddings=embeddings, vocabulary=(300, 300), positions="learned"
    )
    for name, value in model.named_parameters():
        if name.endswith("bias"):
            assert (value == 0).all()
        elif "norm" in name:
            assert (value == 1).all()
        elif "embedding" in name or name in ("output.weight",) or "positions" in name:
            assert value.std().item() == pytest.approx(128**-0.5, rel=0.05)
            assert ("embedding" in name) == bool((value[PAD] == 0).all())
        else:
            joint = any(kind in name for kind in ("inputs", "query", "memory"))
            bound = (6 / (128 + 128)) ** 0.5 / 2**0.5 if joint else (6 / sum(value.shape)) ** 0.5
            assert 0.99 * bound < value.abs().max().item() <= bound, name
            assert value.std().item() == pytest.approx(bound / 3**0.5, rel=0.02), name


def test_small_start_divides_what_writes_to_the_residual_path():
    model = built(width=128, heads=2, encoder_layers=2, decoder_layers=8, initialisation="small")
    plain = (2 / (5 * 128)) ** 0.5
    for block in (*model.encoder, *model.decoder):
        assert block.attention.inputs.weight.std().item() == pytest.approx(plain, rel=0.05)
        assert block.feed_forward.down.weight.std().item() == pytest.approx(plain / 4, rel=0.05)
    assert model.decoder[0].cross_attention.output.weight.std().item() == pytest.approx(plain / 4, rel=0.05)


def test_embeddings_are_shared_as_told():
    matrices = {
        kind: [m.weight for m in (model.source_embedding, model.target_embedding, model.output)]
        for kind in ("separate", "decoder", "all")
        for model in [built(embeddings=kind, vocabulary=(13, 13))]
    }
    distinct = {kind: len({id(matrix) for matrix in found}) for kind, found in matrices.items()}
    assert distinct == {"separate": 3, "decoder": 2, "all": 1}
    assert matrices["decoder"][1] is matrices["decoder"][2]


@pytest.mark.parametrize("places", [[], ["encoder"], ["decoder"], ["cross"], ["cross", "encoder"]])
def test_attention_stands_where_it_is_told(places):
    model = built(dagpam(dropout=0.25), attention_in=places, encoder_layers=1, decoder_layers=2)
    found = {
        "encoder": {type(block.attention.mechanism).__name__ for block in model.encoder},
        "decoder": {type(block.attention.mechanism).__name__ for block in model.decoder},
        "cross": {type(block.cross_attention.mechanism).__name__ for block in model.decoder},
    }
    assert found == {place: {"DaGPAM" if place in places else "Softmax"} for place in found}
    assert all(m.dropout == 0.25 for m in model.modules() if hasattr(m, "branches"))
    count = sum({"encoder": 1, "decoder": 2, "cross": 2}[place] for place in places)
    assert [len(values) for values in model.learned().values()] == ([count, count] if places else [])


def test_a_lambda_of_the_whole_model_is_one_parameter():
    model = built(dagpam(lambda_scope="model"))
    assert len({id(mechanism.raw_positive) for mechanism in model.mechanisms}) == 1
    assert len(model.mechanisms) == 6


def test_dropout_acts_in_training_alone():
    model, (source, inputs) = built(dropout=0.5), pairs()
    assert not torch.equal(model.train()(source, inputs), model(source, inputs))
    torch.testing.assert_close(model.eval()(source, inputs), built().eval()(source, inputs))


@pytest.mark.parametrize(
    ("sizes", "setting", "expected"),
    [
        ({"width": 9}, "model.width", "a multiple of model.heads=2"),
        ({"encoder_layers": 0}, "model.encoder_layers", "at least 1"),
        ({"decoder_layers": 0}, "model.decoder_layers", "at least 1"),
        ({"feed_forward": 0}, "model.feed_forward", "at least 1"),
        ({"dropout": 1.0}, "model.dropout", "below 1"),
        ({"embeddings": "all"}, "model.embeddings", "since the vocabularies differ"),
        ({"attention_in": ["self"]}, "model.attention_in", "some of encoder, decoder, cross"),
        ({"activation": "tanh"}, "model.activation", "one of relu, gelu"),
        ({"initialisation": "zero"}, "model.initialisation", "one of small, glorot"),
        ({"context": 1}, "data.context", "at least 2"),
    ],
)
def test_sizes_that_cannot_be_built_are_refused(sizes, setting, expected):
    with pytest.raises(SettingError, match=expected) as refused:
        built(**sizes)
    assert refused.value.setting == setting
