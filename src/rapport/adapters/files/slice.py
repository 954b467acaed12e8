"""What imports bring: files from the command line and the console become facts."""

from __future__ import annotations

from rapport.adapters.files import store, uploads
from rapport.adapters.files.importing import IMPORTING
from rapport.adapters.files.redacting import redact_imports
from rapport.adapters.files.sifting import sift_uploads
from rapport.compose.holding import of_shop
from rapport.compose.slice import Slice

__all__ = ["IMPORTS"]

IMPORTS = Slice(
    name="imports",
    title="Imports",
    holds=(
        of_shop(store.imports, "which files were imported", mentions=True),
        of_shop(
            store.import_errors, "the lines of files that were refused, until the import is repeated", goes_whole=True
        ),
        of_shop(
            uploads.uploads,
            "which files were handed in, by whom; the files themselves go when they are imported",
            mentions=True,
        ),
    ),
    sift_files=sift_uploads,
    redact_files=redact_imports,
    jobs=(IMPORTING,),
    web="rapport.adapters.files.web:WEB",
)
