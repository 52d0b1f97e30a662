"""``sansheng serve``: the supervisor, and the three processes that it starts."""
