"""The outside world: one module or folder per outside system, our types in and our types out."""
