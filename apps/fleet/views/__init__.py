"""What operators see of the fleet, and do with it."""
