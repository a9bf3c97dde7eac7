FROM localhost/busybox
WORKDIR /w
