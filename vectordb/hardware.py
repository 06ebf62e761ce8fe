"""What this machine computes with. Needs no torch."""

import platform
from pathlib import Path


def cpu_has_bfloat16() -> bool:
    """True where bfloat16 is computed by the CPU itself; elsewhere it is slower than float32."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    flags = {"avx512_bf16", "amx_bf16"} if platform.machine() == "x86_64" else {"bf16"}
    return bool(words & flags)
