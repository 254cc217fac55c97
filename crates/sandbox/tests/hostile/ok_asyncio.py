import asyncio
async def add(parts):
    await asyncio.sleep(0.001)
    return sum(parts)
print(asyncio.run(add(map(int, input().split()))))
