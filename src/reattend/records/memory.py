"""The most memory this process held since a chosen moment."""

import ctypes
import gc
import resource
import sys
from pathlib import Path

from reattend.records.record import Memory

CLEAR = Path("/proc/self/clear_refs")
STATUS = Path("/proc/self/status")


class PeakMemory:
    """Peak resident set since `reset`.

    Linux can forget an old peak, so each job of a sweep in one process is measured by itself. Elsewhere the
    peak since the process began is all there is, and `what` says so.
    """

    def __init__(self) -> None:
        self._forgotten = False

    def reset(self) -> None:
        """Forget the peak so far, and hand back what an earlier job of a sweep left behind."""
        gc.collect()
        library = ctypes.CDLL(None)
        if hasattr(library, "malloc_trim"):  # glibc keeps some of what is freed, for later use
            library.malloc_trim(0)
        try:
            CLEAR.write_text("5")  # proc(5): set the peak resident set to the present one
            self._forgotten = True
        except OSError:
            self._forgotten = False

    def read(self) -> Memory:
        """The peak in bytes, and what it is a peak of."""
        if self._forgotten:
            line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
            return {"peak_bytes": int(line.split()[1]) * 1024, "what": "resident set"}
        unit = 1 if sys.platform == "darwin" else 1024
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
        return {"peak_bytes": peak, "what": "resident set since the process began"}
