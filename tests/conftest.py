"""What every room's tests share: a test that takes `attention` runs over every mechanism in conf/attention."""

from typing import Any

import pytest
import torch
from hypothesis import settings
from tiny import options

settings.register_profile("reattend", max_examples=25, deadline=None)
settings.load_profile("reattend")
torch.set_num_threads(1)  # tiny tensors: a second thread costs more than it gives


@pytest.fixture(scope="session", params=options("attention").values(), ids=options("attention").keys())
def attention(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The configuration of one mechanism; a new file in conf/attention is tested by being there."""
    return request.param
