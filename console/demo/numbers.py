"""The demo's own telephone numbers."""

#: what the callers dial: the demo sends it to its queue
HOTLINE = "01066880000"
#: the number behind which the menu answers (D2)
MENU_LINE = "01066880001"
