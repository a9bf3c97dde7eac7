FROM localhost/busybox
SHELL ["/bin/ash", "-c"]
