"""From TypeScript files to the one script that a runtime loads."""

from apps.functions.compiling.compiler import (
    COMPILE_WITHIN,
    CompilerFailed,
    compile_files,
    compiler_name,
    warm_up,
)
from apps.functions.compiling.findings import Compiled, Finding

__all__ = ["COMPILE_WITHIN", "Compiled", "CompilerFailed", "Finding", "compile_files", "compiler_name", "warm_up"]
