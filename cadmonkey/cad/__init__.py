"""The language of parts: one CSG tree, its notations, its solids, and the judge that measures them."""
