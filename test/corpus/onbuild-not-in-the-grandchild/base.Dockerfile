FROM localhost/busybox
ONBUILD RUN echo 1 >> /n
