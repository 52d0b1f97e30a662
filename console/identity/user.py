"""The signed-in user as the rest of the console sees it."""

from __future__ import annotations

import msgspec

#: every role, in order of what it may see
ROLES = ("agent", "reviewer", "supervisor", "admin")
#: roles that see the calls and agents of the whole floor, not only their own
OVERSEEING_ROLES = frozenset({"reviewer", "supervisor", "admin"})
#: languages of the screens, the first is the default
LOCALES = ("zh-CN", "en")


class User(msgspec.Struct, frozen=True, kw_only=True):
    """``username`` is the key everywhere (it is the ``agent`` of call events); ``locale`` is ``zh-CN`` or ``en``."""

    username: str
    display_name: str
    role: str
    locale: str = "zh-CN"

    @property
    def oversees(self) -> bool:
        """May this user see calls and agents other than their own?"""
        return self.role in OVERSEEING_ROLES
