"""A control has the parameters it promises, changes nothing else, and comes back from a checkpoint."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from composed import compose
from tiny import dagpam, options

from reattend.models import build_model, size
from reattend.models.checkpoint import load_decoder, load_translator
from reattend.models.controls import build_control
from reattend.records import config_hash, run_name
from reattend.settings import SettingError
from reattend.training.job import run_job

SOFTMAX = options("attention")["softmax"]
WIDER = {"name": "wider", "like": dagpam()}
LARGE = options("model")["small"] | {"width": 512, "layers": 12, "heads": 8}
JUST_SIZES: Any = {"context": 32, "seed": 3}


def built(model: Mapping[str, Any], attention: Mapping[str, Any]) -> Any:
    vocabulary: Any = 256 if model["architecture"] == "decoder" else (300, 300)
    return build_model(model, attention=attention, vocabulary=vocabulary, **JUST_SIZES)


def controlled(
    model: Mapping[str, Any], attention: Mapping[str, Any] = SOFTMAX, *, control: Mapping[str, Any] = WIDER
) -> dict[str, Any]:
    return build_control(control).sizes(
        model, attention=attention, count=lambda model, attention: size(built(model, attention))
    )


@pytest.fixture
def uninitialised(monkeypatch: pytest.MonkeyPatch) -> None:
    """Large models are counted here, not used."""
    for architecture in ("decoder", "encoder_decoder"):
        monkeypatch.setattr(f"reattend.models.{architecture}.initialise", lambda *given, **how: None)


@pytest.mark.usefixtures("uninitialised")
@pytest.mark.parametrize(
    ("model", "mechanisms", "feed_forwards"),
    [
        (options("model")["tiny"], 2, 2),
        (options("model")["small"], 4, 4),
        (LARGE, 12, 12),
        (options("model")["small"] | {"bias": False, "feed_forward": 300}, 4, 4),
        (options("model")["translation_small"], 9, 6),
        (options("model")["translation_small"] | {"attention_in": ["cross"], "feed_forward": None}, 3, 6),
    ],
    ids=["tiny", "small", "large", "without biases", "translation_small", "cross"],
)
def test_wider_by_hand(model: dict[str, Any], mechanisms: int, feed_forwards: int) -> None:
    width, head_width = model["width"], model["width"] // model["heads"]
    added = mechanisms * (head_width * (head_width + 1) + 1)  # W and b of the second query, and lambda
    each = feed_forwards * (2 * width + (1 if model["bias"] else 0))
    now = model["feed_forward"] or 4 * width

    found = controlled(model)
    assert found == model | {"feed_forward": now + round(added / each)}
    like, wider = size(built(model, dagpam())), size(built(found, SOFTMAX))
    assert like - size(built(model, SOFTMAX)) == added
    assert abs(wider - like) <= each / 2 and abs(wider / like - 1) < 0.002


def test_matches_the_mechanism_as_it_is_set() -> None:
    small = options("model")["small"]
    full = dagpam(negative_query="full", negative_query_layers=2)
    wide = controlled(small, control={"name": "wider", "like": full})["feed_forward"]
    assert wide == 512 + round(4 * (2 * 128 * 129 + 1) / (4 * 257))
    again = controlled(small, dagpam(), control={"name": "wider", "like": full})["feed_forward"]
    assert again == 512 + round(4 * (2 * 128 * 129 - 32 * 33) / (4 * 257))  # daGPAM of its own has some of these


@pytest.mark.parametrize("name", ["tiny", "translation_small"])
def test_wider_differs_in_feed_forward_alone(name: str) -> None:
    model = options("model")[name]
    plain, wider = built(model, SOFTMAX).state_dict(), built(controlled(model), SOFTMAX).state_dict()
    assert plain.keys() == wider.keys()
    other = {key for key in plain if plain[key].shape != wider[key].shape}
    ends = ("feed_forward.up.weight", "feed_forward.up.bias", "feed_forward.down.weight")
    assert other == {key for key in plain if key.endswith(ends)}
    assert all(torch.equal(plain[key], wider[key]) for key in plain.keys() - other)


@pytest.mark.usefixtures("uninitialised")
@pytest.mark.parametrize("name", ["tiny", "small", "translation_small"])
def test_more_heads_and_deeper_have_as_many_parameters(name: str) -> None:
    model = options("model")[name]
    like = size(built(model, dagpam()))
    heads, deeper = (controlled(model, control={"name": way, "like": dagpam()}) for way in ("more_heads", "deeper"))
    assert heads == model | {"heads": 2 * model["heads"], "feed_forward": heads["feed_forward"]}
    stacks = [key for key in model if key.endswith("layers")]
    assert deeper == model | {key: model[key] + 1 for key in stacks} | {"feed_forward": deeper["feed_forward"]}
    assert deeper["feed_forward"] < (model["feed_forward"] or 4 * model["width"]) < heads["feed_forward"]
    for sizes in (heads, deeper):
        assert abs(size(built(sizes, SOFTMAX)) / like - 1) < 0.002


def test_heads_that_cannot_be_doubled() -> None:
    with pytest.raises(SettingError, match=r"^control=more_heads: expected twice as many heads as model\.heads=32"):
        controlled(
            options("model")["tiny"] | {"heads": 32, "positions": "learned"},
            control={"name": "more_heads", "like": SOFTMAX},
        )


def test_no_control_changes_nothing() -> None:
    model = options("model")["tiny"]
    assert controlled(model, control=options("control")["none"]) == model
    assert options("control")["wider"] == WIDER


@pytest.mark.parametrize("own", [dagpam(), dagpam(negative_query="per_head")], ids=["the same", "larger"])
def test_nothing_to_match(own: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"^control=wider: expected a mechanism to match with more parameters: "):
        controlled(options("model")["tiny"], own)


def test_too_coarse_to_match() -> None:
    small = {"architecture": "decoder", "name": "x", "width": 8, "layers": 3, "heads": 2, "feed_forward": None}
    # in each layer one more unit is 17 parameters, and daGPAM adds 4 * 5 + 1
    with pytest.raises(SettingError, match=r"^control=wider: .* within 0\.2% .* 33 units a layer miss them by 12\."):
        controlled(small)


def test_settings_of_the_mechanism_to_match_are_refused_under_their_name() -> None:
    with pytest.raises(SettingError, match=r"^control\.like=dagpam: .*lambda_mode=abc"):
        controlled(options("model")["tiny"], control={"name": "wider", "like": dagpam(lambda_mode="abc")})
    with pytest.raises(SettingError, match=r"^model\.heads=0:"):
        controlled(options("model")["tiny"] | {"heads": 0})


def test_runs_of_before_had_no_control(job: Callable[..., dict[str, Any]]) -> None:
    config = job()
    before = {key: value for key, value in config.items() if key != "control"}
    assert config_hash(config) == config_hash(before) and run_name(config) == run_name(before)
    assert "_tiny_wider_seed1_" in run_name(job("control=wider"))


def test_a_language_model_is_trained_and_comes_back(job: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    record = run_job(config := job("control=wider"))
    assert record.config["model"]["feed_forward"] is None  # as composed
    assert record.config["control"]["like"] == config["control"]["like"]
    plain = size(build_model(config["model"], attention=SOFTMAX, vocabulary=256, context=16, seed=1))
    assert record.parameters == {"total": plain + 520, "attention_extra": 520}  # 4 units of 2 layers of 2 * 32 + 1
    model = load_decoder(tmp_path / "results/checkpoints" / record.name / "best.ckpt", setting="lm.path")
    assert size(model) == record.parameters["total"]


def test_a_translation_model_is_trained_and_comes_back(small_pairs: list[str], tmp_path: Path) -> None:
    like = ("control.like.negative_query=full", "control.like.negative_query_layers=2")
    record = run_job(compose("train", *small_pairs, "control=wider", *like))
    path = tmp_path / "results/checkpoints" / record.name / "best.ckpt"
    translator = load_translator(path, setting="checkpoint")
    assert size(translator.model) == record.parameters["total"]
    assert record.parameters["attention_extra"] == 25 * 2 * 33  # for 3 * (2 * 16 * 17 + 1)
    assert translator.config["control"]["name"] == "wider"
