"""The mean -ln p of the next token from the weights of a pretrained model on, scored before and after.

The text is cut into the model's own tokens. Scores are bits per byte, which compare with those of any model, and bits
per token, of which 2^bits is the perplexity that such models are usually judged by. Those that end in `_before` are
of the model as it was before the first step.
"""

from collections.abc import Mapping
from typing import Any, Literal

from transformers import PreTrainedModel

from reattend.data import Corpus
from reattend.metrics.likelihood import Likelihood
from reattend.models.language import build_lm
from reattend.models.language.corpus import TokenCorpus
from reattend.models.language.tokens import Subwords
from reattend.models.pretrained import architecture_of
from reattend.models.retrofit import Retrofit
from reattend.records import Metric
from reattend.settings import SettingError
from reattend.training.objective import Evaluator, bits
from reattend.training.objectives.language_modelling import LanguageModelling

ARCHITECTURE = "retrofit"
LOADED = {  # `lm` settings that training decides by itself: name -> what they have to be, and why
    "dtype": (("float32",), "as bfloat16 is too coarse for small updates; trainer.precision=bfloat16 computes in it"),
    "device_map": ((None, "cpu"), "as trainer.accelerator decides"),
    "quantize": (("none",), "as packed weights cannot be trained"),
}


class FineTuning(LanguageModelling):
    def __init__(self, *, train: Literal["all", "new"] = "all", **how: Any) -> None:
        """`how` the scores read a split is as for language_modelling."""
        super().__init__(**how)
        self.train = train

    def trained_on(self, config: Mapping[str, Any]) -> TokenCorpus:
        if "lm" not in config:
            raise SettingError("lm", "null", "a pretrained model to begin with", "Add lm=smollm2.")
        if config["model"]["architecture"] != ARCHITECTURE:
            expected = "pretrained, as objective=fine_tuning begins with the weights of lm"
            raise SettingError("model", config["model"]["name"], expected, "Set model=pretrained.")
        for key, (allowed, why) in LOADED.items():
            if key in config["lm"] and config["lm"][key] not in allowed:
                wanted = "null" if allowed[0] is None else allowed[0]
                raise SettingError(f"lm.{key}", config["lm"][key], f"{wanted}, {why}", f"Set lm.{key}={wanted}.")
        lm = build_lm(config["lm"]).load()
        if not isinstance(lm.model, PreTrainedModel):
            expected = "a pretrained decoder of transformers; this one was trained here"
            raise SettingError("lm", config["lm"]["name"], expected, "Choose another, such as lm=smollm2.")
        return TokenCorpus(self.corpus(config["data"]), lm)

    def given(self, corpus: TokenCorpus) -> dict[str, Any]:
        return {**super().given(corpus), "pretrained": corpus.lm.model}

    def keep(self, corpus: Corpus) -> dict[str, Any]:
        assert isinstance(corpus, TokenCorpus) and isinstance(corpus.lm.tokenizer, Subwords)
        plain = {"architecture": architecture_of(corpus.lm.model), "name": corpus.lm.name}  # type: ignore[arg-type]
        return {"pretrained": plain | corpus.lm.tokenizer.to_plain()}

    def prepared(self, model: Retrofit, corpus: TokenCorpus) -> Retrofit:
        model.refuse_other_start(corpus.lm.model)  # type: ignore[arg-type]  # trained_on has seen to it
        if self.train == "new":
            new = [parameter for parameter in model.new_parameters() if parameter.requires_grad]
            if not new:
                expected = f"all, as attention={model.attention['name']} has nothing of its own to train"
                raise SettingError("objective.train", "new", expected, "Set objective.train=all, or another attention.")
            model.requires_grad_(False)
            for parameter in new:
                parameter.requires_grad_(True)
        return model

    def before(self, module: Evaluator, corpus: Corpus) -> dict[str, Metric]:
        return {f"{key}_before": metric for key, metric in self.score(module, corpus).items()}

    def score(self, module: Evaluator, corpus: Corpus) -> dict[str, Metric]:
        assert isinstance(corpus, TokenCorpus)
        metrics = {}
        windows = {"limit": self.score_limit, "window": self.window, "stride": self.stride}
        for split in ("valid", "test"):
            found = module.evaluate(corpus.evaluation_batches(split, **windows))
            spelt = Likelihood(found.nats, corpus.bytes_of(split, **windows))
            metrics[f"{split}/bits_per_byte"] = bits(spelt, unit="byte")
            metrics[f"{split}/bits_per_token"] = bits(found, unit="token")
        return metrics
