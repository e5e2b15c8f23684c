"""A workspace's name and address, and its end."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.sessions.confirmation import NeedsConfirmation
from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, FormView, Touch
from apps.tenants.forms import WorkspaceForm
from apps.tenants.models import Tenant
from apps.tenants.selectors import list_invitations, list_members
from apps.tenants.services import change_tenant, delete_tenant
from apps.tenants.views.base import InWorkspace


class Settings(InWorkspace, FormView):
    form_class = WorkspaceForm
    template_name = "tenants/settings.html"
    title = gettext_lazy("Settings")
    back_label = ""

    def get_initial(self) -> dict[str, Any]:
        # What the middleware read may be older than what somebody saved since
        tenant = Tenant.objects.get(pk=self.actor.tenant_id)
        return {"version": tenant.version, "name": tenant.name, "slug": tenant.slug}

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        self.actor.require("workspace.change")
        return super().get_form(data, files)

    def get_context(self) -> dict[str, Any]:
        return {"tenant": self.actor.tenant, "may_delete": self.actor.may("workspace.delete")}

    def get_back_url(self) -> str:
        return address("settings:workspace")

    def save(self, form: Any) -> Done:
        tenant = change_tenant(actor=self.actor, **form.cleaned_data)
        return Done(_("Saved"), url=address("settings:workspace", within=tenant.slug))


class Delete(NeedsConfirmation, InWorkspace, ConfirmView):
    back_label = gettext_lazy("Settings")
    leads_on = True

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        self.actor.require("workspace.delete")
        return super().get_form(data, files)

    def get_typed_name(self) -> str:
        return self.actor.tenant.slug

    def get_context(self) -> dict[str, Any]:
        names = {"workspace": self.actor.tenant}
        title, label = _("Delete %(workspace)s for good?"), _("Delete %(workspace)s")
        return {**super().get_context(), "title": title % names, "submit_label": label % names}

    def get_touches(self) -> list[Touch]:
        members, invitations = list_members(actor=self.actor).count(), list_invitations(actor=self.actor).count()
        return [
            Touch(_("Workspace"), f"{self.actor.tenant}, /t/{self.actor.tenant.slug}/"),
            Touch(_("Members"), _("%(count)d, who lose what is in it. They keep their accounts.") % {"count": members}),
            Touch(_("Invitations"), _("%(count)d, whose links end.") % {"count": invitations}),
            Touch(_("Way back"), _("None. Nothing of it can be brought back.")),
        ]

    def get_back_url(self) -> str:
        return address("settings:workspace")

    def run(self) -> Done:
        delete_tenant(actor=self.actor)
        return Done(_("%(workspace)s was deleted") % {"workspace": self.actor.tenant}, url="/")
