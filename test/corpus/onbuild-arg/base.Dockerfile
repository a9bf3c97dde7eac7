FROM localhost/busybox
ONBUILD ARG V=1
