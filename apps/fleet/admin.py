"""The fleet in the operators' admin, to look at; what is changed goes through the services that the pages call."""

from django.contrib import admin

from apps.core.web.admin import ReadOnlyAdmin
from apps.fleet.models import Agent, Bundle


@admin.register(Agent)
class AgentAdmin(ReadOnlyAdmin):
    pass


@admin.register(Bundle)
class BundleAdmin(ReadOnlyAdmin):
    pass
