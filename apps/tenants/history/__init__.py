"""The audit log as tenants, people and operators read it: pages, exports and API."""
