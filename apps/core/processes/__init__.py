"""Which processes of the product live, on which machine, and when they were last seen."""
