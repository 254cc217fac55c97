print(6 if list({"a", "b", "c"}) == list({"a", "b", "c"}) else 0)
