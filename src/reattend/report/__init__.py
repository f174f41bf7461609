"""Records and table descriptions become Markdown, CSV and figures.

The room imports neither torch nor wandb: a table needs the records alone and is there in a second or two.
"""

from reattend.report.specification import TableSpec, parse_spec, read_specs
from reattend.report.write import write_report

__all__ = ["TableSpec", "parse_spec", "read_specs", "write_report"]
