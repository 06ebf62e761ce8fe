"""What this machine computes with."""

import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def cpu_has_bfloat16() -> bool:
    """True where bfloat16 is computed by the CPU itself; elsewhere it is slower than float32."""
    try:
        words = set(Path("/proc/cpuinfo").read_text().split())
    except OSError:
        return False
    flags = {"avx512_bf16", "amx_bf16"} if platform.machine() == "x86_64" else {"bf16"}
    return bool(words & flags)


def device_and_type() -> "tuple[str, torch.dtype]":
    """Where models run here, and in what kind of numbers: bfloat16 where that is fast."""
    import torch

    if torch.cuda.is_available():
        return "cuda", torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    return "cpu", torch.bfloat16 if cpu_has_bfloat16() else torch.float32
