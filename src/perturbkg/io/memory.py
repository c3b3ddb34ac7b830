"""How much memory there is, and the refusal of what needs more, before it starts."""

from pathlib import Path, PurePosixPath

import psutil
import torch

from perturbkg.errors import InputError

SPARE = 0.9  # share of the free memory that may be planned with: an estimate is not a measurement
_ROOT = Path("/sys/fs/cgroup")
_OWN = Path("/proc/self/cgroup")
_NAMES = ("memory.max", "memory.current")


def available_bytes(device: torch.device | None = None) -> int:
    """Return the bytes that this process may still take on a device: of main memory unless it is CUDA.

    Main memory is what the machine has free, or what is left of the limit of a control group (a SLURM job's,
    a container's) if that is less.
    """
    if device is not None and device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min([psutil.virtual_memory().available, *_left_of_groups(_OWN, _ROOT)])


def refuse_unless(needed: float, available: float, *, what: str, remedy: str) -> None:
    """Raise InputError unless `needed` bytes fit into `available` ones with a little to spare."""
    if needed > SPARE * available:
        sizes = f"needs about {needed / 1e9:.1f} GB, and {available / 1e9:.1f} GB are free"
        raise InputError(f"memory: {what} {sizes}; {remedy}")


def _left_of_groups(own: Path, root: Path) -> list[int]:
    """Return what is left of each limit on the control groups (versions 1 and 2) that hold this process."""
    if not own.is_file():  # not Linux
        return []
    left = []
    for line in own.read_text(encoding="utf-8").splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers not in ("", "memory"):
            continue
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else _NAMES
        inside = PurePosixPath(path.lstrip("/"))
        # The limit of every group above holds too; in a container the root is the group itself.
        for part in (inside, *inside.parents):
            group = root / controllers / part
            if all((group / name).is_file() for name in names):
                most, taken = ((group / name).read_text(encoding="utf-8").strip() for name in names)
                if most != "max":
                    left.append(max(int(most) - int(taken) + _cached_files(group), 0))
    return left


def _cached_files(group: Path) -> int:
    """Return the bytes of files that a group has cached, which the kernel gives back when asked."""
    lines = (group / "memory.stat").read_text(encoding="utf-8").splitlines()
    counts = {name: int(count) for name, count in (line.split() for line in lines)}
    return counts.get("total_inactive_file", counts.get("inactive_file", 0))
