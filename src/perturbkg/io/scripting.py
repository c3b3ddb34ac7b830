"""What every script of the workflow shares: its log, its errors in one line, its progress bars."""

import contextlib
import faulthandler
import logging
import os
import sys
import traceback
from collections.abc import Iterator
from typing import Any

from tqdm import tqdm

from perturbkg.errors import InputError
from perturbkg.extras import explained


@contextlib.contextmanager
def reporting(log: str | os.PathLike[str], title: str) -> Iterator[None]:
    """Send this script's messages to its log; end with one line and status 1 on a bad input.

    This package's warnings are also printed, because few users read the log of a job that succeeds.
    A defect of the program leaves its traceback in the log and one line that says where it is.
    """
    faulthandler.enable()
    logging.captureWarnings(True)
    logging.basicConfig(
        filename=log,
        filemode="w",
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        force=True,
    )
    printed = logging.StreamHandler()
    printed.setLevel(logging.WARNING)
    printed.setFormatter(logging.Formatter(f"warning in {title}: %(message)s"))
    own = logging.getLogger("perturbkg")
    own.addHandler(printed)
    try:
        with explained():
            yield
    except InputError as error:
        logging.error("%s", error)
        print(f"error in {title}: {error}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the boundary of the program: one line for the user, all of it in the log
        logging.error("%s", traceback.format_exc())
        print(f"defect in {title}: {type(error).__name__}: {error} (traceback in {log})", file=sys.stderr)
        sys.exit(2)
    finally:
        own.removeHandler(printed)


def progress(items: Any = None, **options: Any) -> Any:
    """Return a tqdm bar that is silent when standard error is not a terminal."""
    return tqdm(items, disable=None, dynamic_ncols=True, **options)
