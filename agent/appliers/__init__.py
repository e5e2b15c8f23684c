"""What brings bundles about: `memory` remembers them, `local` is the built-in engine of this machine."""
