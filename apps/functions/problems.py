from django.utils.translation import gettext_lazy as _

from apps.core.errors import Conflict, InvalidInput


class FunctionNameTaken(InvalidInput):
    slug = "function-name-taken"
    title = _("A function of this name answers already")
    advice = _("Choose another name, or delete or rename the function that has it.")


class CompileError(InvalidInput):
    slug = "compile-error"
    title = _("The code doesn't compile")
    advice = _("Mend what `findings` names by file, line and column, and save it again. Nothing was changed.")


class LoadFailed(InvalidInput):
    slug = "load-failed"
    title = _("The code compiles, but can't be loaded")
    advice = _("Mend what happens outside of the handler, which runs when the code is loaded.")


class StaleSave(Conflict):
    slug = "stale-save"
    title = _("Someone saved first")
    advice = _(
        "Look at what changed since the version that you began from. Merge it into yours and save with the current "
        "base_version, or override it."
    )
    is_stale = True


class StaleDraft(Conflict):
    slug = "stale-draft"
    title = _("This draft was changed in another window")
    advice = _("Look at the draft that the answer holds, and save yours with its revision if it shall count instead.")


class TooManyFunctions(Conflict):
    slug = "too-many-functions"
    title = _("The gateway has as many functions as it may")
    advice = _("Delete one that isn't needed any more, or put new ones into another gateway.")


class NothingToRestore(Conflict):
    slug = "nothing-to-restore"
    title = _("This function isn't in the recycle bin")
    advice = _("It's there and answers: nothing has to be restored.")
