FROM localhost/busybox
HEALTHCHECK CMD true
