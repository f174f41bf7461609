"""From a composed configuration to a trained model and its record."""

import logging
import warnings

# Said by Lightning about itself at every fit; nothing a user could act on.
warnings.filterwarnings("ignore", message=r".*LeafSpec.* is deprecated")
warnings.filterwarnings("ignore", message=r"The `srun` command is available")
_NOISE = (
    "GPU available",
    "TPU available",
    "HPU available",
    "💡 Tip",
    "`Trainer.fit` stopped",
    "Restoring states",
    "Restored all states",
    "Using 16bit",
    "Using bfloat16",
)


def _worth_saying(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith(_NOISE)


logging.getLogger("pytorch_lightning.utilities.rank_zero").addFilter(_worth_saying)
