"""Tables of this part of the floor."""
