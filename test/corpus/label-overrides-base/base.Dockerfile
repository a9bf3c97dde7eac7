FROM localhost/busybox
LABEL a=1 b=1
