with open("big", "wb") as file:
    for _ in range(200):
        file.write(b"\0" * (1 << 20))
print("LEAK")
