"""Forms about people: they check what was typed and save nothing, except where they say so."""
