"""Records and table descriptions become Markdown, CSV and figures.

A description names its layout, one file of `layouts/`: `variants` compares trained models over seeds, `sizes` shows
perplexity by size of the state. The room imports neither torch nor wandb: a table needs the records alone and is
there in a second or two.
"""

from reattend.report.specification import parse_spec, read_specs
from reattend.report.table import TableSpec
from reattend.report.write import write_report

__all__ = ["TableSpec", "parse_spec", "read_specs", "write_report"]
