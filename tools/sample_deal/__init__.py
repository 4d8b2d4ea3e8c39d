"""How the sample deal is written: texts, renderers for each file format, and the e-mail threads."""
