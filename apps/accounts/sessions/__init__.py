"""How sessions are kept and found, which browser each is in, and when somebody has to show again who they are."""
