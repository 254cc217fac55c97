for _ in range(25):
    if os.fork()==0: touch(bytearray(12*MIB),12*MIB); time.sleep(1.5); os._exit(0)
time.sleep(2)
