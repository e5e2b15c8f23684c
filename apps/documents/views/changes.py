"""Forms and dialogs that change functions' data. Each dangerous one names what it touches."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.core.errors import InvalidInput
from apps.core.web.addresses import address
from apps.core.web.forms import ConfirmView, Done, Touch
from apps.documents import services
from apps.documents.forms import CollectionForm, DeleteDocumentForm, DocumentForm, IndexForm, NewDocumentForm
from apps.documents.problems import DocumentChanged
from apps.documents.selectors import Document, get_document
from apps.documents.values import id_first, written
from apps.documents.views.base import ChangesCollection, ChangesData


class NewCollection(ChangesData):
    form_class = CollectionForm
    submit_label = gettext_lazy("Make the collection")
    title = gettext_lazy("New collection")
    lead = gettext_lazy("Functions make theirs by themselves, with the first document.")
    leads_on = True

    def get_initial(self) -> dict[str, Any]:
        return {"name": self.request.GET.get("name", "")}

    def save(self, form: Any) -> Done:
        name = services.create_collection(actor=self.actor, gateway=self.gateway, name=form.cleaned_data["name"])
        where = address("documents:collection", gateway_id=self.gateway.pk, collection=name)
        return Done(_("%(name)s is there") % {"name": name}, url=where)


class DropCollection(ChangesCollection, ConfirmView):
    leads_on = True

    def get_context(self) -> dict[str, Any]:
        names = {"name": self.collection}
        title, label = _("Drop %(name)s?") % names, _("Drop %(name)s") % names
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_typed_name(self) -> str:
        return self.collection

    def get_touches(self) -> list[Touch]:
        return [
            Touch(_("Collection"), self.collection, is_code=True),
            Touch(_("Gateway"), str(self.gateway)),
            Touch(_("Documents"), _("All of them, with its indexes. Every stage keeps the same data.")),
            Touch(_("Way back"), _("None.")),
        ]

    def run(self) -> Done:
        services.drop_collection(actor=self.actor, gateway=self.gateway, name=self.collection)
        done = _("%(name)s was dropped") % {"name": self.collection}
        return Done(done, url=address("documents:list", gateway_id=self.gateway.pk))


class InsertDocument(ChangesCollection):
    form_class = NewDocumentForm
    overlay = "sheet"
    submit_label = gettext_lazy("Insert")

    def get_context(self) -> dict[str, Any]:
        return {"title": _("Insert into %(name)s") % {"name": self.collection}}

    def save(self, form: Any) -> Done:
        made = services.insert_document(**self.about, document=form.cleaned_data["document"])
        return Done(_("Inserted"), made.id, events={"data-changed": {}})


class ChangesDocument(ChangesCollection):
    """Shows the document as it is, and changes it only if it's still that."""

    _found: Document | None = None
    _newer: Document | None = None

    @property
    def document(self) -> Document:
        if self._found is None:
            self._found = get_document(**self.about, id=self.named)
        return self._found

    def look_again(self) -> None:
        """Somebody changed it meanwhile: the answer shows to what."""
        self._newer = get_document(**self.about, id=self.named)


class ChangeDocument(ChangesDocument):
    form_class = DocumentForm
    template_name = "documents/change.html"
    overlay = "sheet"
    submit_label = gettext_lazy("Save")

    def get_initial(self) -> dict[str, Any]:
        if self.request.method != "GET":
            return {}
        return {"document": written(id_first(self.document.content)), "version": self.document.version}

    def get_context(self) -> dict[str, Any]:
        return {"title": _("Document %(id)s") % {"id": self.named}, "newer": _shown(self._newer)}

    def save(self, form: Any) -> Done:
        given = form.cleaned_data
        version = given["version"]
        if self.request.POST.get("over") and form.data.get("newer_version"):
            # Decided upon after the newer one was shown
            version = form.data["newer_version"]
        try:
            services.change_document(**self.about, id=self.named, document=given["document"], version=version)
        except DocumentChanged:
            self.look_again()
            raise
        return Done(_("Saved"), self.named, events={"data-changed": {}})


class DeleteDocument(ChangesDocument, ConfirmView):
    template_name = "documents/delete.html"

    def get_form(self, data: Any = None, files: Any = None) -> forms.BaseForm:
        self.require(self.permission)
        return DeleteDocumentForm(data)

    def get_context(self) -> dict[str, Any]:
        return {
            **super().get_context(),
            "title": _("Delete the document?"),
            "submit_label": _("Delete the document"),
            "newer": self._newer,
            "shown": _shown(self._newer or (self.document if self.request.method == "GET" else None)),
        }

    def get_touches(self) -> list[Touch]:
        return [
            Touch(_("Document"), self.named, is_code=True),
            Touch(_("Collection"), self.collection, is_code=True),
            Touch(_("Gateway"), str(self.gateway)),
            Touch(_("Way back"), _("None.")),
        ]

    def run(self) -> Done:
        try:
            services.delete_document(**self.about, id=self.named, version=self.request.POST["version"].strip())
        except DocumentChanged:
            self.look_again()
            raise DocumentChanged(_("Below is how it's now. Delete again if that should go too.")) from None
        return Done(_("Deleted"), self.named, events={"data-changed": {}})


class NewIndex(ChangesCollection):
    form_class = IndexForm
    submit_label = gettext_lazy("Make the index")

    def get_initial(self) -> dict[str, Any]:
        return {"keys": self.request.GET.get("keys", "")}

    def get_context(self) -> dict[str, Any]:
        lead = _("Nothing can be written to the collection while it's made: some seconds for a million documents.")
        return {"title": _("New index of %(name)s") % {"name": self.collection}, "lead": lead}

    def save(self, form: forms.BaseForm) -> Done:
        given = form.cleaned_data
        if not given["keys"]:
            raise InvalidInput(fields={"keys": [_("Name at least one field.")]})
        made = services.create_index(**self.about, keys=given["keys"], is_unique=given["is_unique"])
        return Done(_("The index is there"), made, events={"data-changed": {}})


class DropIndex(ChangesCollection, ConfirmView):
    def get_context(self) -> dict[str, Any]:
        names = {"name": self.named}
        title, label = _("Drop the index %(name)s?") % names, _("Drop the index")
        return {**super().get_context(), "title": title, "submit_label": label}

    def get_touches(self) -> list[Touch]:
        return [
            Touch(_("Index"), self.named, is_code=True),
            Touch(_("Collection"), self.collection, is_code=True),
            Touch(_("Functions"), _("Queries that use it become slower. Their answers stay the same.")),
            Touch(_("Way back"), _("Make it again.")),
        ]

    def run(self) -> Done:
        services.drop_index(**self.about, name=self.named)
        return Done(_("The index was dropped"), self.named, events={"data-changed": {}})


def _shown(document: Document | None) -> dict[str, str] | None:
    return {"text": written(id_first(document.content)), "version": document.version} if document else None
