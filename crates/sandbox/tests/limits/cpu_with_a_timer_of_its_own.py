signal.signal(signal.SIGVTALRM,lambda *a:None); signal.setitimer(signal.ITIMER_VIRTUAL,0.0001,0.0001)
burn(5)
