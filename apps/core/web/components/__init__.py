"""The page at /components: every part of the design system, alive. Development only."""
