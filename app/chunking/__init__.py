"""From typed blocks to chunks and their parents: pure, no input or output."""
