N=12
s=[socket.socketpair() for _ in range(N)]
def work(i):
    t=time.process_time(); n=0
    while True:
        s[i][0].recv(1); s[(i+1)%N][1].send(b'x')
        while time.process_time()-t>=0.02*(n+1): n+=1; os.write(1,b'c')
for i in range(N):
    if os.fork()==0: work(i)
for i in range(4): s[i*3][1].send(b'x')
time.sleep(7)
