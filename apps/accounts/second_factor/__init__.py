"""How the second factor's secrets are kept, and how one gets into an app."""
