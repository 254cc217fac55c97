import sqlite3
with sqlite3.connect("x.db") as base:
    base.execute("create table t (n)")
    base.executemany("insert into t values (?)", [(n,) for n in range(100)])
print(sqlite3.connect("x.db").execute("select sum(n) from t").fetchone()[0])
