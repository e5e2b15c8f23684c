"""What people do with functions. Each change is stored with what it was compiled to, and wanted live at once."""

from apps.functions.services.creating import copy_function, create_function
from apps.functions.services.deleting import delete_function, restore_function
from apps.functions.services.drafts import discard_draft, save_draft
from apps.functions.services.history import pin_version, restore_version
from apps.functions.services.renaming import rename_function
from apps.functions.services.saving import save_function

__all__ = [
    "copy_function",
    "create_function",
    "delete_function",
    "discard_draft",
    "pin_version",
    "rename_function",
    "restore_function",
    "restore_version",
    "save_draft",
    "save_function",
]
