from allauth.mfa.stages import AuthenticateStage
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest


class CodeStage(AuthenticateStage):
    def _should_handle(self, request: HttpRequest) -> bool:
        """Operators are asked in every browser, also in one that they trusted before they were operators."""
        person = self.login.user
        if person is not None and person.is_staff:
            return bool(is_mfa_enabled(person))
        return bool(super()._should_handle(request))
