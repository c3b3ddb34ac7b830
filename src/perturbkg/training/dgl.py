"""Import DGL 1.1.3, the last release that runs beside current torch, with the one mend it needs.

Its loader looks for `packaging` inside setuptools, which no longer carries it. Everything else of DGL that
this project uses works unchanged: `from perturbkg.training.dgl import dgl`.
"""

import sys
import warnings
from types import ModuleType

import packaging
import packaging.version

_extern = sys.modules.setdefault("setuptools.extern", ModuleType("setuptools.extern"))
_extern.packaging = packaging  # type: ignore[attr-defined]
sys.modules.setdefault("setuptools.extern.packaging", packaging)
sys.modules.setdefault("setuptools.extern.packaging.version", packaging.version)

with warnings.catch_warnings():
    # DGL 1.1.3 names things by aliases that numpy and torch have since deprecated.
    warnings.simplefilter("ignore")
    import dgl
    import dgl.ops

__all__ = ["dgl"]
