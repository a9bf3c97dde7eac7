FROM localhost/busybox
ENV A=1 B=b
