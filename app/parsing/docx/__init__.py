"""DOCX: opened by python-docx, read element by element, since its own view leaves out what stands in containers."""
