"""Files in: real data sets and any table become facts.

A **format** (`olist`, `online_retail`, `mapped_csv` with its `mapping`) turns files into steps, always the same ones in
the same order; the **importer** carries the steps to the log through the validation of collect; `commands` is
`rapport import`. `reading` opens delimited text, `spill` keeps rows on disk while they are grouped, `values` reads
numbers and times, `store` remembers how far each import is and what it refused.
"""

from rapport.adapters.files.importer import import_csv, import_files, import_olist, import_online_retail
from rapport.adapters.files.model import ImportReport, Progress, Refused

__all__ = [
    "ImportReport",
    "Progress",
    "Refused",
    "import_csv",
    "import_files",
    "import_olist",
    "import_online_retail",
]
