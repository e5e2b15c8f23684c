"""Workspaces and their people in the operators' admin. Everything is written by the services that the pages call."""

from apps.tenants.admin import invitations, memberships, people, tenants

__all__ = ["invitations", "memberships", "people", "tenants"]
