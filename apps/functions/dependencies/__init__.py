"""The npm packages that a gateway's functions may import: resolved once, locked with their hashes, and bundled.

Nothing of a package runs here: no script of its own at installing, and no code of its own after it.
"""
