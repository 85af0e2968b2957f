"""One module per family of cases; `cases` records them, `exact` rounds true values."""
