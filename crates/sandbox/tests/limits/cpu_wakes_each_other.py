pairs=[]
for _ in range(4):
    a,b=os.pipe(); c,d=os.pipe()
    if os.fork()==0:
        s=time.process_time(); n=0
        while True:
            os.read(a,1); os.write(d,b'x')
            while time.process_time()-s>=0.02*(n+1): n+=1; os.write(1,b'c')
    if os.fork()==0:
        s=time.process_time(); n=0
        while True:
            os.write(b,b'x'); os.read(c,1)
            while time.process_time()-s>=0.02*(n+1): n+=1; os.write(1,b'c')
time.sleep(7)
