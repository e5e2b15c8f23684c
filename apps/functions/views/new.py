"""A new function, from a template."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import InvalidInput, NotAllowed, Text
from apps.core.web.addresses import address
from apps.core.web.forms import Done, FormView
from apps.functions.forms import NewFunctionForm, in_stages
from apps.functions.names import read_name
from apps.functions.services import create_function
from apps.functions.services.locking import SAVE
from apps.functions.templates import TEMPLATES, USUAL_TEMPLATE
from apps.functions.views.about import edit_url
from apps.functions.views.shown import stages_for
from apps.gateways.sizes import StageName
from apps.gateways.views.base import AboutGateway


@dataclass(frozen=True)
class TemplateCard:
    """As `gateways/_card.html` shows a choice."""

    value: str
    label: Text
    hint: Text
    note: str
    is_usual: bool = False


class New(AboutGateway, FormView):
    """Begins where somebody may write: in dev, for most."""

    form_class = NewFunctionForm
    template_name = "functions/new.html"
    overlay = "sheet"
    title = gettext_lazy("New function")
    lead = gettext_lazy("It answers at its path as soon as it's made.")
    submit_label = gettext_lazy("Create function")
    leads_on = True

    def get_initial(self) -> dict[str, Any]:
        asked = self.request.GET.get("stage", "")
        stages = stages_for(self.actor)
        template = TEMPLATES.get(self.request.GET.get("template", ""), TEMPLATES[USUAL_TEMPLATE])
        stage = asked if asked in stages else next(iter(stages), StageName.DEV)
        return {"stage": stage, "template": template.slug, "name": self.request.GET.get("name", "")}

    def get_form(self, data: Any = None, files: Any = None) -> Any:
        stages = stages_for(self.actor)
        if not stages:
            self.actor.require(SAVE, row=self.gateway, stage=StageName.DEV)
            raise NotAllowed
        return in_stages(super().get_form(data, files), stages)

    def get_context(self) -> dict[str, Any]:
        chosen = self.request.POST.get("template") or self.get_initial()["template"]
        cards = [
            TemplateCard(each.slug, each.title, each.text, each.name, each.slug == USUAL_TEMPLATE)
            for each in TEMPLATES.values()
        ]
        return {"cards": cards, "chosen": chosen, "gateway": self.gateway}

    def save(self, form: Any) -> Done:
        wanted = form.cleaned_data
        name = read_name(wanted["name"] or TEMPLATES[wanted["template"]].name, stage=wanted["stage"])
        if name.stage != wanted["stage"]:
            words = {"stage": wanted["stage"], "named": name.stage}
            told = _(
                "It's said to be in %(stage)s, and its name begins with %(named)s. Leave the stage out of the name."
            )
            raise InvalidInput(fields={"name": [told % words]})
        function = create_function(
            actor=self.actor,
            gateway=self.gateway,
            name=str(name),
            description=wanted["description"],
            template=wanted["template"],
        )
        return Done(_("%(name)s is made") % {"name": function}, url=edit_url(function))

    def get_back_url(self) -> str:
        return address("functions:list", gateway_id=self.gateway.pk)

    def get_back_label(self) -> Text:
        return str(self.gateway)
