"""A hint for compiled loops: fetch a row of an array from memory before it is read.

Rows that edges point to are scattered in memory, so the processor cannot guess the next one; with the hint a
sum over edges takes about half the time. Numba does not see changes of this
file: touch `kernels.py` after one.
"""

from typing import Any

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

LINE = 64  # bytes of a cache line
READ, SOON, DATA = 0, 3, 1  # arguments of LLVM's intrinsic


@intrinsic
def _hint(typing_context: Any, array: Any, offset: Any) -> Any:
    """Prefetch the cache line that lies `offset` bytes into an array."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte = ir.IntType(8).as_pointer()
        data = builder.bitcast(
            context.make_array(signature.args[0])(context, builder, arguments[0]).data, byte
        )
        place = builder.gep(data, [context.cast(builder, arguments[1], signature.args[1], types.intp)])
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = builder.module.globals.get("llvm.prefetch.p0") or ir.Function(
            builder.module, kind, "llvm.prefetch.p0"
        )
        builder.call(function, [place, number(READ), number(SOON), number(DATA)])
        return context.get_dummy_value()

    return types.void(array, offset), generate


@numba.njit(nogil=True)
def fetch(array, row):  # type: ignore[no-untyped-def]
    """Prefetch array[row]."""
    size = array.strides[0]
    place = row * size
    end = place + size
    while place < end:
        _hint(array, place)
        place += LINE
