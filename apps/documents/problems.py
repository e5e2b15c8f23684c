from django.utils.translation import gettext_lazy as _

from apps.core.errors import Conflict, StaleVersion, Unavailable


class DocumentChanged(StaleVersion):
    slug = "document-changed"
    title = _("The document was changed since it was read")
    advice = _("Load it as it's now, look at what changed, and make your change to that.")


class DuplicateDocument(Conflict):
    slug = "duplicate-document"
    title = _("Another document has this value already")
    advice = _("A unique index, or the id, lets one document have it. Give it another one, or change that one.")


class DataTookTooLong(Unavailable):
    slug = "data-took-too-long"
    title = _("The database took too long")
    advice = _("Ask for less, or make an index on the fields that the filter and the order name.")


class DataUnanswered(Unavailable):
    """It was asked, and what came of it isn't known."""

    slug = "data-unanswered"
    title = _("The gateway gave no answer")
    advice = _("A change may have been made or not. Look at the data before you make it again.")
