"""The API described for programs and for people: made from the route tables, the wire types and their docstrings."""
