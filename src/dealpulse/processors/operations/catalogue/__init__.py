"""The operations, one module each: instructions, schema, offline answer and reading side by side."""
